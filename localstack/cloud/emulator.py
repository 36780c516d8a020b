"""The emulator of AWS: MiniStack, on loopback, in an environment of its own."""

import time
import urllib.error
import urllib.request
from http import HTTPStatus

from cloud import processes
from cloud.errors import CloudError
from cloud.paths import LAUNCHER, VENV
from cloud.state import Stack

NAME = "emulator"
REGION = "eu-west-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"

_START_SECONDS = 60
# Whatever proxy the person's environment names does not know this machine's loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TAIL_LINES = 20


def start(stack: Stack) -> None:
    """Starts it and waits until it answers."""
    temporary = stack.folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    # All of it: functions inherit this environment, and must not see more on this machine than they would on AWS.
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(temporary / "state"),
        "S3_DATA_DIR": str(temporary / "s3"),
        "LOG_LEVEL": "WARNING",
        # The defaults listen on every interface, and take hold of whatever Docker daemon there is.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(stack.emulator_port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{temporary}/no-docker",
        # With an address instead of a name, lambda_http cannot parse where a request went.
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        # IAM is enforced: a function may do what its role says, and no more.
        "AUTH": "true",
        # Handed on to the functions.
        "AWS_ENDPOINT_URL": stack.functions_endpoint or stack.emulator,
    }
    command = [str(VENV / "bin" / "python"), str(LAUNCHER)]
    process = processes.start(NAME, command, environment=environment, stack=stack.folder, log=stack.log(NAME))
    stack.processes[NAME] = process
    stack.save()
    deadline = time.monotonic() + _START_SECONDS
    while not _healthy(stack):
        if not process.alive():
            raise CloudError(f"the emulator ended at once; its last words:\n{tail(stack, NAME)}")
        if time.monotonic() > deadline:
            raise CloudError(f"the emulator does not answer after {_START_SECONDS} s; see {stack.log(NAME)}")
        time.sleep(0.1)


def tail(stack: Stack, name: str) -> str:
    """The last lines of a process's log."""
    lines = stack.log(name).read_text(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (nothing)"


def _healthy(stack: Stack) -> bool:
    try:
        with _DIRECT.open(f"{stack.emulator}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False
