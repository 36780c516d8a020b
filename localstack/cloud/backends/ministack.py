"""MiniStack, on loopback, in the environment that `up` itself runs in: the default."""

from pathlib import Path

from cloud.backends.backend import Backend, Server
from cloud.aws import REGION
from cloud.paths import BACKENDS, VENV
from cloud.state import Stack

_LAUNCHER = BACKENDS / "ministack" / "launcher.py"


class MiniStack(Backend):
    """MiniStack runs functions as processes, and holds its tables itself."""

    name = "ministack"
    has_sockets = True
    unescapes_paths = True
    has_own_dynamodb = False

    def install(self) -> None:
        """Nothing: it is part of the main environment."""

    def server(self, stack: Stack, temporary: Path) -> Server:
        """Its whole environment: functions inherit it, and must not see more on this machine than they would on AWS."""
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
            **stack.aws_of_functions,
        }
        return Server([VENV / "bin" / "python", _LAUNCHER], environment, health="/_ministack/health", start_seconds=60)

    def stage_path(self, api: str, stage: str) -> str:
        """Below this, by any host name: API Gateway's own names do not resolve everywhere."""
        return f"/restapis/{api}/{stage}/_user_request_"
