"""The virtual environment in `target/venv`. Runs on a bare Python: it is what brings in everything else."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from cloud.console import step
from cloud.errors import CloudError
from cloud.paths import REQUIREMENTS, TARGET, VENV

_PYTHON = VENV / "bin" / "python"
_STAMP = VENV / "requirements.sha256"


def ensure() -> None:
    """Installs what `requirements.txt` pins, unless that is what is installed already."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _STAMP.exists() and _STAMP.read_text() == wanted and _works():
            return
        with step("Installing the emulator into target/venv (the first time takes about a minute)"):
            shutil.rmtree(VENV, ignore_errors=True)
            _run(
                [sys.executable, "-m", "venv", str(VENV)],
                "Python's venv module does not work here (Debian, Ubuntu: apt-get install python3-venv)",
            )
            _run(
                [str(_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
                "pip could not install localstack/requirements.txt: its own words are above; "
                "it uses the package index that your pip is configured for",
            )
            _STAMP.write_text(wanted)


def enter(arguments: Sequence[str]) -> NoReturn:
    """Goes on as `python -m cloud …` of the virtual environment."""
    os.execv(_PYTHON, [str(_PYTHON), "-m", "cloud", *arguments])


def entered() -> bool:
    """Whether this process runs in it."""
    return sys.prefix == str(VENV)


def _works() -> bool:
    """False when the Python that it was made with is gone."""
    return _PYTHON.exists() and subprocess.run([_PYTHON, "-c", ""], capture_output=True, check=False).returncode == 0


def _run(command: list[str], fault: str) -> None:
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise CloudError(fault)
