"""The Lambda Runtime API, on a loopback port of its own for one process of a function."""

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

_MILLISECONDS = 1000


@dataclass(frozen=True)
class Answer:
    """How an invocation ended."""

    payload: bytes
    is_error: bool


@dataclass(frozen=True)
class Invocation:
    """What a function is to do."""

    id: str
    arn: str
    trace: str
    payload: bytes
    seconds: float
    """The time it has, from when the process takes it."""
    answer: "Future[Answer]" = field(default_factory=Future)


class RuntimeApi:
    """Serves one process. Threads are few: the process has one connection, and asks one thing at a time."""

    def __init__(self) -> None:
        self.ready: Future[None] = Future()
        """Done with the first poll; fails where the process says that it cannot begin."""
        self._waiting: SimpleQueue[Invocation | None] = SimpleQueue()
        self._begun: dict[str, Invocation] = {}
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, name="lambda-runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is, as the process is told."""
        return f"127.0.0.1:{self._server.server_port}"

    def submit(self, invocation: Invocation) -> None:
        """Hands an invocation to the process when it next asks."""
        self._begun[invocation.id] = invocation
        self._waiting.put(invocation)

    def fail(self, error: Exception) -> None:
        """Ends whatever is being waited for: the process is gone."""
        for waiting in (self.ready, *(invocation.answer for invocation in list(self._begun.values()))):
            if not waiting.done():
                waiting.set_exception(error)

    def close(self) -> None:
        """Ends the server."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> Invocation | None:
        """Waits for an invocation; None where the server ends."""
        if not self.ready.done():
            self.ready.set_result(None)
        return self._waiting.get()

    def end(self, invocation: str, answer: Answer) -> bool:
        """Takes the process's answer; false where nobody waits for it any more."""
        begun = self._begun.pop(invocation, None)
        if begun is None or begun.answer.done():
            return False
        begun.answer.set_result(answer)
        return True


class InitError(Exception):
    """The process said that it cannot begin."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # An answer goes out in one piece, and at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """`GET …/runtime/invocation/next`."""
        if not self.path.endswith("/runtime/invocation/next"):
            return self._reply(HTTPStatus.NOT_FOUND)
        invocation = self.server.api.next()
        if invocation is None:
            return self._reply(HTTPStatus.GONE)
        return self._reply(
            HTTPStatus.OK,
            invocation.payload,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.seconds) * _MILLISECONDS)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
                "Lambda-Runtime-Trace-Id": invocation.trace,
            },
        )

    def do_POST(self) -> None:
        """`POST …/runtime/init/error` and `POST …/runtime/invocation/ID/(response|error)`."""
        body = self._body()
        match self.path.strip("/").split("/")[1:]:
            case ["runtime", "init", "error"]:
                self.server.api.fail(InitError(body))
            case ["runtime", "invocation", invocation, "response" | "error" as kind]:
                if not self.server.api.end(invocation, Answer(body, is_error=kind == "error")):
                    return self._reply(HTTPStatus.BAD_REQUEST)
            case _:
                return self._reply(HTTPStatus.NOT_FOUND)
        return self._reply(HTTPStatus.ACCEPTED)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        # The trailers, to the empty line that ends them.
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _reply(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
