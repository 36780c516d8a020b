"""The front door: the one port that callers see."""

import time

from cloud import build, ports, processes
from cloud.backends import BACKENDS
from cloud.deploy import Deployment
from cloud.emulator import tail
from cloud.errors import CloudError
from cloud.state import Stack

NAME = "front-door"

_START_SECONDS = 15


def start(stack: Stack, deployment: Deployment) -> None:
    """Starts it, unless it runs and stands before this very deployment."""
    path = build.binary(NAME)
    backend = BACKENDS[stack.backend]
    arguments = ["--port", str(stack.port), "--stage", stack.emulator + backend.stage_path(deployment.api, deployment.stage)]
    if backend.unescapes_paths:
        arguments.append("--unescapes")
    if deployment.sockets:
        arguments += ["--sockets", stack.emulator + backend.sockets_path(deployment.sockets, deployment.stage)]
    # A binary that was built anew is another one.
    identity = [*arguments, str(path.stat().st_mtime_ns)]
    running = stack.processes.get(NAME)
    if running is not None and running.alive():
        if stack.front_door == identity:
            return
        processes.stop([running])
    environment = {"PATH": "/usr/bin:/bin"}
    process = processes.start(NAME, [str(path), *arguments], environment=environment, stack=stack.folder, log=stack.log(NAME))
    stack.processes[NAME] = process
    stack.front_door = identity
    stack.save()
    deadline = time.monotonic() + _START_SECONDS
    while not ports.answers(stack.port):
        if not process.alive():
            raise CloudError(f"the front door ended at once; its last words:\n{tail(stack, NAME)}")
        if time.monotonic() > deadline:
            raise CloudError(f"the front door does not answer on port {stack.port}; see {stack.log(NAME)}")
        time.sleep(0.05)
