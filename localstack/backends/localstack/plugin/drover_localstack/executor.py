"""Runs a function's `bootstrap` as a plain process: one process per execution environment, which LocalStack reuses while it is warm."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as Overtime
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from drover_localstack.runtime_api import Answer, InitError, Invocation, RuntimeApi

_INIT_SECONDS = 20
_GRACE_SECONDS = 2
# What LocalStack tells its own runtime; AWS tells functions no such thing.
_NOT_OF_AWS = ("LOCALSTACK_", "EDGE_PORT")
# What a variable of LocalStack's own environment begins with that is meant for functions.
_FOR_FUNCTIONS = "DROVER_FUNCTION_"


class _Exited(Exception):
    """The process ended before it answered."""


class _Instance:
    """A process, its Runtime API, and its log."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.api = RuntimeApi()
        # A file, not a pipe: all that was written before an answer is there with the answer, and a full pipe would hold the process up.
        self._log = tempfile.TemporaryFile()
        self._read = 0
        self.process = subprocess.Popen(
            [root / "bootstrap"],
            cwd=root,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address, "LAMBDA_TASK_ROOT": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._watch, name="lambda-process", daemon=True).start()

    def await_ready(self) -> None:
        """Waits until it polls for work."""
        try:
            self.api.ready.result(_INIT_SECONDS)
        except InitError as error:
            self.end()
            raise StatusErrorException("the function could not begin", payload=error.payload) from error
        except (_Exited, Overtime) as error:
            self.end()
            fault = str(error) or f"no poll within {_INIT_SECONDS} s"
            raise StatusErrorException("the function did not begin", payload=_fault("Runtime.ExitError", f"Error: {fault}")) from error

    def alive(self) -> bool:
        """Whether it can be given work."""
        return self.process.poll() is None

    def new_log(self) -> str:
        """What it has written since this was last asked."""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), size - self._read, self._read)
        self._read = size
        return text.decode(errors="replace")

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Ends it for good."""
        self.process.terminate()
        try:
            self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.api.close()

    def _watch(self) -> None:
        status = self.process.wait()
        self.api.fail(_Exited(f"signal {-status}" if status < 0 else f"exit status {status}"))


class ProcessExecutor(RuntimeExecutor):
    """One execution environment. A process that timed out or died is replaced at the next invocation, as on AWS."""

    _instance: _Instance | None = None
    _environment: Mapping[str, str] = {}

    def start(self, env_vars: dict[str, str]) -> None:
        """Starts the process and waits until it asks for work."""
        functions = {name.removeprefix(_FOR_FUNCTIONS): value for name, value in os.environ.items() if name.startswith(_FOR_FUNCTIONS)}
        ours = {name: str(value) for name, value in env_vars.items() if not name.startswith(_NOT_OF_AWS)}
        self._environment = {"LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", **ours, **functions}
        self._spawn()

    def stop(self) -> None:
        """Ends the process."""
        if self._instance:
            self._instance.end()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Runs one invocation. LocalStack gives an environment one at a time."""
        instance = self._warm_instance()
        seconds = self.function_version.config.timeout
        identity = payload["invoke-id"]
        invocation = Invocation(identity, payload["invoked-function-arn"], payload["trace-id"], payload["payload"].encode(), seconds)
        started = time.monotonic()
        instance.api.submit(invocation)
        try:
            answer = invocation.answer.result(seconds)
        except Overtime:
            instance.kill()
            message = f"RequestId: {identity} Error: Task timed out after {seconds:.2f} seconds"
            answer = Answer(_fault("Sandbox.Timedout", message), is_error=True)
        except _Exited as error:
            message = f"RequestId: {identity} Error: Runtime exited with error: {error}"
            answer = Answer(_fault("Runtime.ExitError", message), is_error=True)
        log = self._log_of(identity, instance.new_log(), time.monotonic() - started)
        return InvocationResult(identity, answer.payload, is_error=answer.is_error, logs=log)

    def get_logs(self) -> str:
        """What LocalStack asks for where it found no log of an invocation, which is never the case."""
        return ""

    def get_address(self) -> str:
        """Where functions are."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack is for functions."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Where LocalStack's own runtime in a container would call back: there is none."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpacks the code. What unzips it drops permissions."""
        code = function_version.config.code
        code.prepare_for_execution()
        (code.get_unzipped_code_location() / "bootstrap").chmod(0o755)

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Nothing: LocalStack deletes the code itself."""

    def _warm_instance(self) -> _Instance:
        if self._instance and self._instance.alive():
            return self._instance
        return self._spawn()

    def _spawn(self) -> _Instance:
        if self._instance:
            self._instance.end()
        self._instance = _Instance(self.function_version.config.code.get_unzipped_code_location(), self._environment)
        self._instance.await_ready()
        return self._instance

    def _log_of(self, identity: str, written: str, seconds: float) -> str:
        milliseconds = f"{seconds * 1000:.2f} ms"
        version = self.function_version.id.qualifier
        return (
            f"START RequestId: {identity} Version: {version}\n{written}END RequestId: {identity}\n"
            f"REPORT RequestId: {identity}\tDuration: {milliseconds}\tMemory Size: {self.function_version.config.memory_size} MB\n"
        )


def _fault(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
