"""What walks through the console in a browser: packages of npm, in `target/console-walk`."""

from pathlib import Path

from cloud import installed, npm
from cloud.paths import ROOT, TARGET

_FOLDER = TARGET / "console-walk"
_PINS = [ROOT / "tests" / "console" / "walk" / name for name in ("package.json", "package-lock.json")]


def find() -> Path:
    """The folder of the packages, where they are installed."""
    installed.ensure(
        _FOLDER,
        made_from=_PINS,
        title="Installing what walks through the console into target/console-walk",
        make=lambda: npm.install(_PINS, _FOLDER),
    )
    return _FOLDER / "node_modules"
