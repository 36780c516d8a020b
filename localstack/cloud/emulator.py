"""The emulator of AWS that a stack stands on, on loopback."""

import time
import urllib.request
from http import HTTPStatus

from cloud import processes
from cloud.backends import BACKENDS
from cloud.errors import CloudError
from cloud.state import Stack

NAME = "emulator"

# Whatever proxy the person's environment names does not know this machine's loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TAIL_LINES = 20


def start(stack: Stack) -> None:
    """Starts it and waits until it answers."""
    backend = BACKENDS[stack.backend]
    temporary = stack.folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    server = backend.server(stack, temporary)
    command = [str(argument) for argument in server.command]
    process = processes.start(NAME, command, environment=server.environment, stack=stack.folder, log=stack.log(NAME))
    stack.processes[NAME] = process
    stack.save()
    deadline = time.monotonic() + server.start_seconds
    while not _answers(stack.emulator + server.health):
        if not process.alive():
            raise CloudError(f"the emulator ended at once; its last words:\n{tail(stack, NAME)}")
        if time.monotonic() > deadline:
            raise CloudError(f"the emulator does not answer after {server.start_seconds} s; see {stack.log(NAME)}")
        time.sleep(0.1)


def tail(stack: Stack, name: str) -> str:
    """The last lines of a process's log."""
    lines = stack.log(name).read_text(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (nothing)"


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
