"""The browser that renders the pages of `advanced_scraping`: the machine's own, or else the one that production has as a layer."""

import os
import platform
import shutil
from pathlib import Path

from cloud import installed, npm
from cloud.errors import CloudError
from cloud.paths import ROOT, TARGET

_LAYER = ROOT / "infra" / "layers" / "chromium"
_FOLDER = TARGET / "chromium"


def find() -> Path:
    """The browser that `CHROMIUM` names, or Debian's `chromium-headless-shell`, or the layer's, in `target/chromium`."""
    if named := os.environ.get("CHROMIUM"):
        if not os.access(named, os.X_OK):
            raise CloudError(f"CHROMIUM names {named}, which cannot be run")
        return Path(named)
    if found := shutil.which("chromium-headless-shell"):
        return Path(found)
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        raise CloudError("there is no browser: install chromium-headless-shell (Debian: apt-get install it), or name a Chromium in CHROMIUM")
    made_from = [_LAYER / name for name in ("package.json", "package-lock.json", "unpack.mjs")]
    installed.ensure(_FOLDER, made_from=made_from, title="Installing Chromium into target/chromium", make=_install)
    return _FOLDER / "browser" / "chromium"


def _install() -> None:
    npm.install([_LAYER / "package.json", _LAYER / "package-lock.json"], _FOLDER)
    unpack: list[str | Path] = ["node", _LAYER / "unpack.mjs", _FOLDER / "node_modules" / "@sparticuz" / "chromium" / "bin", _FOLDER / "browser"]
    installed.run(unpack, "Chromium could not be unpacked: Node.js's own words are above", environment=npm.environment())
    shutil.rmtree(_FOLDER / "node_modules")
