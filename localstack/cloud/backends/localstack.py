"""LocalStack: in a container where there is Docker, else from PyPI as a plain process. Both run functions as processes, by our own plugin.

Its DynamoDB is DynamoDB Local, a server of its own. Functions and tests talk to that directly: each of LocalStack's own requests costs
several times as much. Its tables and streams are the same from either side, because all credentials and regions share one database.
"""

import os
import shutil
import subprocess
from pathlib import Path

from cloud import dynamodb_local, java, loopback, processes
from cloud.aws import REGION
from cloud.backends.backend import Backend, Server
from cloud.paths import BACKENDS, LOCALSTACK, TARGET, write_atomically
from cloud.state import Stack
from cloud.venv import Environment

_HERE = BACKENDS / "localstack"
_PLUGIN = _HERE / "plugin"
_ENVIRONMENT = Environment(TARGET / "localstack", _HERE / "requirements.txt", "Installing LocalStack into target/localstack (some minutes)")
_COMPOSE = LOCALSTACK / "compose.yaml"
_HEALTH = "/_localstack/health"
_JAVA = """#!/bin/sh
# LocalStack names an agent for a newer DynamoDB Local.
for argument do
    shift
    case $argument in -javaagent:*) ;; *) set -- "$@" "$argument" ;; esac
done
exec '{java}' "$@"
"""


class LocalStack(Backend):
    """LocalStack, with DynamoDB Local."""

    name = "localstack"
    has_sockets = False
    unescapes_paths = False
    has_own_dynamodb = True

    def install(self) -> None:
        """Installs whatever of it can be, before it is started."""
        loopback.ensure()
        if not _has_docker():
            _ENVIRONMENT.ensure()
            dynamodb_local.folder()
            java.java()

    def server(self, stack: Stack, temporary: Path) -> Server:
        """How it is started: as a container where there is Docker."""
        if _has_docker():
            return self._container(stack)
        return self._process(stack, temporary)

    def stage_path(self, api: str, stage: str) -> str:
        """Below this, by any host name: API Gateway's own names do not resolve everywhere."""
        return f"/_aws/execute-api/{api}/{stage}"

    def _process(self, stack: Stack, temporary: Path) -> Server:
        _lay_out(temporary)
        path = f"{_ENVIRONMENT.folder / 'bin'}:/usr/bin:/bin"
        environment = {
            **_settings(stack),
            "PATH": path,
            "PYTHONPATH": str(_PLUGIN),
            "PYTHONPYCACHEPREFIX": str(TARGET / "pycache"),
            # Nothing but Docker makes these what they should be.
            "OVERRIDE_IN_DOCKER": "0",
            "FILESYSTEM_ROOT": str(temporary),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            **loopback.environment(),
        }
        command = [_ENVIRONMENT.python, "-m", "localstack.runtime.main"]
        return Server(command, environment, health=_HEALTH, start_seconds=180)

    def _container(self, stack: Stack) -> Server:
        settings = stack.folder / "localstack.env"
        content = "".join(f"{name}={value}\n" for name, value in _settings(stack).items())
        write_atomically(settings, content, mode=0o600)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DROVER_SETTINGS": str(settings),
            "DROVER_PLUGIN": str(_PLUGIN),
            "DROVER_LOOPBACK": loopback.environment()["LD_PRELOAD"],
        }
        # In the foreground: it ends with its signal, and takes the container with it.
        command = ["docker", "compose", "--file", _COMPOSE, "--project-name", f"drover-{stack.port}", "up", "--no-color", "--force-recreate"]
        return Server(command, environment, health=_HEALTH, start_seconds=600)


def _settings(stack: Stack) -> dict[str, str]:
    """LocalStack's settings, wherever it runs."""
    functions = {**stack.aws_of_functions, processes.MARKER: str(stack.folder)}
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{stack.emulator_port}",
        "GATEWAY_SERVER": "hypercorn",
        "LOCALSTACK_HOST": f"127.0.0.1:{stack.emulator_port}",
        "SQS_ENDPOINT_STRATEGY": "path",
        "AWS_DEFAULT_REGION": REGION,
        "LS_LOG": "warning",
        # It neither calls home, nor resolves names, nor fetches a certificate.
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # It has no CodeDeploy: aliases move at once, as they do on the other backend.
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.2",
        # The provider that leaves streams to DynamoDB Local, too: a write that LocalStack does not see is in them.
        "PROVIDER_OVERRIDE_DYNAMODB": "v2",
        "DYNAMODB_LOCAL_PORT": str(stack.dynamodb_port),
        "DYNAMODB_SHARE_DB": "1",
        "DYNAMODB_IN_MEMORY": "1",
        "DYNAMODB_HEAP_SIZE": "1g",
        # For functions: drover_localstack hands them on without the prefix.
        **{f"DROVER_FUNCTION_{name}": value for name, value in functions.items()},
    }


def _lay_out(root: Path) -> None:
    """Puts the servers that LocalStack starts where it looks for them, so that it fetches none."""
    libraries = root / "usr" / "lib" / "localstack"
    engine = libraries / "dynamodb-local" / "2"
    engine.parent.mkdir(parents=True, exist_ok=True)
    if not engine.exists():
        engine.symlink_to(dynamodb_local.folder())
    write_atomically(libraries / "java" / "21" / "bin" / "java", _JAVA.format(java=java.java()), mode=0o755)


def _has_docker() -> bool:
    return shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
