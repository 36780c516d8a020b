"""What is remembered of one stack between commands: `target/local/<port>/`."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cloud.errors import CloudError
from cloud.paths import LOCAL, write_atomically
from cloud.processes import Process

_PRIVATE = 0o600


@dataclass
class Stack:
    """One stack of this clone: its front door's port tells it from others."""

    port: int
    backend: str
    """The emulator that it stands on, by its name in `cloud.backends`."""
    emulator_port: int = 0
    dynamodb_port: int = 0
    """Of backends whose DynamoDB is a server of its own."""
    functions_endpoint: str = ""
    demo_port: int = 0
    parameters: dict[str, str] = field(default_factory=dict)
    """What was given with `--parameter`: a later `up` keeps it."""
    front_door: list[str] = field(default_factory=list)
    """What the running front door was started as."""
    keys: dict[str, str] = field(default_factory=dict)
    """The seeded accounts' keys by their names in the env file; empty until seeded."""
    users: dict[str, str] = field(default_factory=dict)
    """The seeded accounts' ids by their addresses."""
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its logs, temporary files and records lie."""
        return LOCAL / str(self.port)

    @property
    def env_file(self) -> Path:
        """What tests and scripts need of it."""
        return self.folder / "env"

    @property
    def url(self) -> str:
        """Where its APIs are."""
        return f"http://localhost:{self.port}"

    @property
    def emulator(self) -> str:
        """Where AWS is."""
        return f"http://127.0.0.1:{self.emulator_port}"

    @property
    def dynamodb(self) -> str:
        """Where DynamoDB is."""
        return f"http://127.0.0.1:{self.dynamodb_port}" if self.dynamodb_port else self.emulator

    @property
    def aws_of_functions(self) -> dict[str, str]:
        """Where functions find AWS, as they are told."""
        return {
            "AWS_ENDPOINT_URL": self.functions_endpoint or self.emulator,
            "AWS_ENDPOINT_URL_DYNAMODB": self.functions_endpoint or self.dynamodb,
        }

    @property
    def demo_host(self) -> str:
        """The demonstration site's address and port."""
        return f"127.0.0.1:{self.demo_port}"

    def log(self, name: str) -> Path:
        """The log of one of its processes."""
        return self.folder / f"{name}.log"

    def save(self) -> None:
        """Remembers it, and lists its processes for people."""
        write_atomically(self.folder / "state.json", json.dumps(asdict(self), indent=2), mode=_PRIVATE)
        listing = "".join(f"{process.name} {process.pid}\n" for process in self.processes.values())
        write_atomically(self.folder / "pids", listing)

    def forget(self) -> None:
        """Forgets it, but for its logs."""
        for name in ("state.json", "pids", "env"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)


def load(port: int) -> Stack | None:
    """The stack on `port`, if one is remembered."""
    path = LOCAL / str(port) / "state.json"
    try:
        known = json.loads(path.read_text())
        processes = {name: Process(**process) for name, process in known.pop("processes").items()}
        return Stack(**known, processes=processes)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise CloudError(
            f"{path} is not as this version writes it ({error}): end the processes that {path.parent}/pids lists, and delete it"
        ) from error


def ports() -> list[int]:
    """The ports of every stack of this clone that is remembered."""
    return sorted(int(path.parent.name) for path in LOCAL.glob("*/state.json") if re.fullmatch(r"[0-9]+", path.parent.name))


@contextmanager
def locked(port: int) -> Iterator[None]:
    """Only one command at a time works on one stack."""
    folder = LOCAL / str(port)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, _PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise CloudError(f"another command is working on the stack on port {port}: wait until it is done") from error
    finally:
        os.close(descriptor)
