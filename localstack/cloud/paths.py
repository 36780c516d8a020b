"""Where things lie in the clone."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCALSTACK = ROOT / "localstack"
TEMPLATE = ROOT / "template.yaml"
REQUIREMENTS = LOCALSTACK / "requirements.txt"
BACKENDS = LOCALSTACK / "backends"
DEPLOYMENT_REQUIREMENTS = ROOT / "infra" / "requirements.txt"
PRODUCTS = LOCALSTACK / "demo-site" / "products.json"

TARGET = ROOT / "target"
VENV = TARGET / "venv"
DEPLOYMENT_VENV = TARGET / "deployment"
# Cargo puts what it builds with `--profile local` here; the stacks, one folder per port, and their `env` file lie beside it.
LOCAL = TARGET / "local"
PACKAGES = LOCAL / "packages"
ENV_FILE = LOCAL / "env"


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Writes a file such that a reader sees the old content or the new, and nobody but `mode` allows ever sees either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
