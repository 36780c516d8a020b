"""Who calls, and from where. The limits are the real ones: by address in the worker API, by user in the extraction cloud. So each request comes
from a loopback address of its own, and the cloud's users take turns."""

import itertools
import json
import os
import random
import threading
from typing import Any

import schemathesis
import urllib3.util.connection as connection

CALLERS = json.loads(os.environ["DROVER_CALLERS"])
_users = itertools.cycle(CALLERS["users"])
_thread = threading.local()
_addresses = random.Random(0)
_connect = connection.create_connection


def _from_anywhere(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
    """Connects from a loopback address that nobody else has."""
    here = f"127.{_addresses.randrange(1, 255)}.{_addresses.randrange(256)}.{_addresses.randrange(1, 255)}"
    options["source_address"] = (here, 0)
    return _connect(address, *arguments[:1], **options)


connection.create_connection = _from_anywhere


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/scraper-credentials/")
class Scraper:
    def get(self, case: Any, context: Any) -> str:
        return CALLERS["administrator"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["X-Scraper-API-Key"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/(?!scraper-credentials/)")
class Worker:
    def get(self, case: Any, context: Any) -> str:
        return CALLERS["administrator"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["X-API-Token"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(?!api/)")
class User:
    def get(self, case: Any, context: Any) -> str:
        if case.meta is None or case.meta.phase.name.value != "stateful":
            return next(_users)
        # What follows from an answer must be asked by whom that was for.
        if not hasattr(_thread, "user"):
            _thread.user = next(_users)
        return str(_thread.user)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """A connection for each request: the address is a connection's."""
    case.headers.setdefault("Connection", "close")


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_text(context: Any, value: Any) -> bytes:
    """Lines, as they are written."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
