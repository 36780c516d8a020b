"""Runs a function as Lambda does: a process of its own, which polls a Runtime API on loopback. With a stopwatch at the start, at each
invocation, and on the process's CPU time and memory. Knows nothing of what is measured.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Self

# What Lambda tells every function of itself, and the credentials that the emulator takes.
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
}
_NEXT = "/2018-06-01/runtime/invocation/next"
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What a function answered, and how long that took from the event's delivery."""

    payload: Any
    milliseconds: float


class Function:
    """A running function that has polled for its first event."""

    def __init__(self, command: Sequence[str | Path], settings: Mapping[str, str], output: IO[bytes] | None = None) -> None:
        self._name = Path(command[0]).name
        self._output = output
        self._server = _RuntimeApi()
        environment = {
            "PATH": os.environ["PATH"],
            **_SETTINGS,
            **settings,
            "AWS_DEFAULT_REGION": settings["AWS_REGION"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
        }
        started_at = time.perf_counter()
        self._process = subprocess.Popen(command, env=environment, stdout=output or subprocess.DEVNULL)
        try:
            self.milliseconds_to_first_poll = (self._wait_for(self._server.polls) - started_at) * 1000
            self._cpu_clock = _cpu_clock_of(self._process.pid)
        except BaseException:
            self.stop()
            raise

    def invoke(self, event: object) -> Answer:
        """The answer to an event, once the function polls for the next."""
        delivered_at = time.perf_counter()
        self._server.events.put(json.dumps(event).encode())
        answered_at, failed, payload = self._wait_for(self._server.answers)
        if failed:
            sys.exit(f"{self._name} failed: {payload.decode(errors='replace')}")
        self._wait_for(self._server.polls)
        return Answer(json.loads(payload), (answered_at - delivered_at) * 1000)

    def cpu_microseconds(self) -> float:
        """The CPU time of all its threads since it was started."""
        return time.clock_gettime_ns(self._cpu_clock) / 1000

    def peak_megabytes(self) -> float:
        """The most memory that it ever had resident."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024

    def stop(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_for(self, queue: "SimpleQueue[Any]") -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                return queue.get(timeout=0.5)
            except Empty:
                pass
        sys.exit(f"{self._name} neither polls nor answers; its exit code: {self._process.poll()}\n{self._last_words()}")

    def _last_words(self) -> str:
        if self._output is None:
            return ""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:]


class _RuntimeApi(ThreadingHTTPServer):
    """Lambda's side: gives out events, and takes answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.polls: SimpleQueue[float] = SimpleQueue()
        self.events: SimpleQueue[bytes | None] = SimpleQueue()
        self.answers: SimpleQueue[tuple[float, bool, bytes]] = SimpleQueue()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        # A poll that waits gets no answer any more.
        self.events.put(None)
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _RuntimeApi

    def do_GET(self) -> None:
        if self.path != _NEXT:
            self.send_error(404)
            return
        self.server.polls.put(time.perf_counter())
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        request_id = str(uuid.uuid4())
        deadline = int((time.time() + _PATIENCE_SECONDS) * 1000)
        self._answer(
            200,
            event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:000000000000:function:bench",
                "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            },
        )

    def do_POST(self) -> None:
        answered_at = time.perf_counter()
        payload = self._body()
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
        self.server.answers.put((answered_at, self.path.endswith("/error"), payload))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


def _cpu_clock_of(process: int) -> int:
    """The clock that counts a process's CPU time, to the nanosecond; /proc/PID/stat counts in hundredths of a second."""
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(process, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return clock.value
