"""Builds the workspace's binaries and packs functions as Lambda wants them."""

import hashlib
import io
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cloud.errors import CloudError
from cloud.paths import LOCAL, PACKAGES, ROOT, TARGET, TEMPLATE, write_atomically

# Zip's own epoch: the same binary gives the same package, to the byte.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE = 0o100755 << 16


@dataclass(frozen=True)
class Release:
    """What can be deployed: a template, and the folder of the binaries that it names."""

    template: Path
    binaries: Path


CLONE = Release(TEMPLATE, LOCAL)
"""This clone's own."""


@dataclass(frozen=True)
class Package:
    """A function's code, ready to deploy."""

    key: str
    path: Path


def build() -> None:
    """Builds every binary, with Cargo's own progress on the terminal. The tests select the same, so that nothing is built twice."""
    if shutil.which("cargo") is None:
        raise CloudError("cargo is not on the PATH: install Rust (rustup.rs) and try again")
    command = ["cargo", "build", "--workspace", "--bins", "--profile", "local"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise CloudError("the build failed: Cargo's own words are above")


def binary(name: str, release: Release = CLONE) -> Path:
    """A binary of a release; this clone's is the one that `build` built."""
    path = release.binaries / name
    if not path.is_file():
        raise CloudError(f"{release.template} names the binary {name}, but there is none of that name in {release.binaries}")
    return path


def package(name: str, release: Release) -> Package:
    """The package of the binary `name`; made anew only when the binary changed."""
    content = binary(name, release).read_bytes()
    path = PACKAGES / f"{name}-{hashlib.sha256(content).hexdigest()}.zip"
    if not path.exists():
        for outdated in PACKAGES.glob(f"{name}-{'?' * 64}.zip"):
            outdated.unlink(missing_ok=True)
        write_atomically(path, _zip(content))
    return Package(key=f"{hashlib.sha256(path.read_bytes()).hexdigest()}.zip", path=path)


def _zip(content: bytes) -> bytes:
    entry = zipfile.ZipInfo("bootstrap", _EPOCH)
    entry.create_system = 3
    entry.external_attr = _EXECUTABLE
    entry.compress_type = zipfile.ZIP_DEFLATED
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, content, compresslevel=1)
    return packed.getvalue()
