"""yt-dlp, which lists and downloads videos: the same that production has as a layer, for the Python of the virtual environment."""

import shutil
from pathlib import Path

from cloud import installed
from cloud.paths import ROOT, TARGET
from cloud.venv import MAIN

_LAYER = ROOT / "infra" / "layers" / "yt-dlp"
_FOLDER = TARGET / "yt-dlp"


def home() -> Path:
    """The folder with the program, its Python and the certificates that it trusts, as the template takes it."""
    find()
    return _FOLDER


def find() -> tuple[Path, Path]:
    """The folder of the program, in `target/yt-dlp`, and the Python that it is installed for."""
    MAIN.ensure()
    made_from = [_LAYER / "requirements.txt", _LAYER / "__main__.py"]
    installed.ensure(_FOLDER, made_from=made_from, title="Installing yt-dlp into target/yt-dlp", make=_install, works=_works)
    return _FOLDER / "program", MAIN.python


def _install() -> None:
    program = _FOLDER / "program"
    # Compiled where it is first imported: most of its two thousand extractors never are.
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary=:all:", "--target", program]
    installed.run(
        [MAIN.python, "-m", "pip", "install", *options, "-r", _LAYER / "requirements.txt"],
        "pip could not install yt-dlp: its own words are above; it uses the package index that your pip is configured for",
    )
    shutil.copy(_LAYER / "__main__.py", program)
    # What functions know of is this folder alone.
    (_FOLDER / "interpreter").symlink_to(MAIN.python)
    (_FOLDER / "certificates.pem").symlink_to(program / "certifi" / "cacert.pem")
    _stamp().write_text(_version())


def _works() -> bool:
    """False when it was installed for another Python: its native parts are one version's."""
    return _stamp().exists() and _stamp().read_text() == _version()


def _stamp() -> Path:
    return _FOLDER / "python"


def _version() -> str:
    return (MAIN.folder / "pyvenv.cfg").read_text()
