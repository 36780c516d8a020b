"""Folders under `target/` that hold what was installed or built there, and are made anew only where what they are made from has changed."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloud.console import step
from cloud.errors import CloudError
from cloud.paths import TARGET

_STAMP = "made-from.sha256"


def ensure(
    folder: Path, *, made_from: Sequence[Path], title: str, make: Callable[[], None], works: Callable[[], bool] = lambda: True
) -> None:
    """Sees to it that `folder` holds what `make` puts there of the files `made_from`, and that it `works`."""
    wanted = hashlib.sha256(b"\0".join(path.read_bytes() for path in made_from)).hexdigest()
    stamp = folder / _STAMP
    TARGET.mkdir(exist_ok=True)
    with (TARGET / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted and works():
            return
        with step(title):
            # Without its stamp a folder counts as nothing: whatever ends this, it is made anew the next time.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make()
            stamp.write_text(wanted)


def run(command: Sequence[str | Path], fault: str, *, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command whose words go to the terminal; raises `fault` where it fails."""
    try:
        status = subprocess.run(command, cwd=cwd, env=environment, check=False, stdout=sys.stderr).returncode
    except OSError as error:
        raise CloudError(f"{fault} ({error})") from error
    if status != 0:
        raise CloudError(fault)
