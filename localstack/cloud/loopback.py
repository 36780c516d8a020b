"""Keeps servers that listen on every interface, and cannot be told otherwise, to loopback."""

from cloud import installed
from cloud.paths import LOCALSTACK, TARGET

_SOURCE = LOCALSTACK / "loopback.c"
_FOLDER = TARGET / "loopback"
_LIBRARY = _FOLDER / "loopback.so"


def ensure() -> None:
    """Compiles it, where that is not done."""
    installed.ensure(_FOLDER, made_from=[_SOURCE], title="Compiling what keeps servers to loopback", make=_compile, works=_LIBRARY.exists)


def environment() -> dict[str, str]:
    """What a process needs in its environment, for itself and for all that it starts."""
    ensure()
    return {"LD_PRELOAD": str(_LIBRARY)}


def _compile() -> None:
    # Rust needs a C compiler too, to link.
    installed.run(["cc", "-O2", "-shared", "-fPIC", "-o", _LIBRARY, _SOURCE], "cc could not compile localstack/loopback.c")
