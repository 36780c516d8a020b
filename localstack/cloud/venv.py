"""Virtual environments under `target/`. Runs on a bare Python: it is what brings in everything else."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cloud import installed
from cloud.paths import DEPLOYMENT_REQUIREMENTS, DEPLOYMENT_VENV, REQUIREMENTS, ROOT, TARGET, VENV


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the file that pins what is in it."""

    folder: Path
    requirements: Path
    title: str

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def ensure(self) -> None:
        """Installs what is pinned, unless that is what is installed already."""
        installed.ensure(self.folder, made_from=[self.requirements], title=self.title, make=self._make, works=self._works)

    def _make(self) -> None:
        installed.run(
            [sys.executable, "-m", "venv", self.folder],
            "Python's venv module does not work here (Debian, Ubuntu: apt-get install python3-venv)",
        )
        # All of it is pinned, so there is nothing to resolve; and most of it is never imported, so that compiling it is only slow.
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"]
        installed.run(
            [self.python, "-m", "pip", "install", *options, "-r", self.requirements],
            f"pip could not install {self.requirements.name}: its own words are above; "
            "it uses the package index that your pip is configured for",
        )

    def _works(self) -> bool:
        """False when the Python that it was made with is gone."""
        return self.python.exists() and subprocess.run([self.python, "-c", ""], capture_output=True, check=False).returncode == 0


MAIN = Environment(VENV, REQUIREMENTS, "Installing the local cloud into target/venv (the first time takes about a minute)")
"""What `up` itself, the default emulator and the tests run on."""

DEPLOYMENT = Environment(
    DEPLOYMENT_VENV, DEPLOYMENT_REQUIREMENTS, "Installing what deploys into target/deployment (the first time takes about two minutes)"
)
"""What builds for AWS, deploys there, and checks the template: infra/tool."""


SCHEMATHESIS = Environment(
    TARGET / "schemathesis", ROOT / "tests" / "openapi" / "requirements.txt", "Installing what tries the APIs' document into target/schemathesis"
)
"""What tries every operation of the document: tests/openapi. It wants other versions of what the local cloud wants too."""


def enter(arguments: Sequence[str]) -> NoReturn:
    """Goes on as `python -m cloud …` of the main environment."""
    os.execv(MAIN.python, [str(MAIN.python), "-m", "cloud", *arguments])


def entered() -> bool:
    """Whether this process runs in it."""
    return sys.prefix == str(VENV)
