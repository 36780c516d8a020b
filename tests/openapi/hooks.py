"""Who calls, from where, and about which hosts. The limits are the real ones: by address in the worker API, by user in the extraction cloud, by
key in the video jobs. So each request comes from a loopback address of its own, and the cloud's users, the one video tenant's keys and the one portal
tenant's users take turns.
What would be fetched or told is on this machine: no name that was made up is asked for elsewhere."""

import itertools
import json
import os
import random
import re
import threading
from typing import Any

import schemathesis
import urllib3.util.connection as connection
from urllib3.connectionpool import HTTPConnectionPool

CALLERS = json.loads(os.environ["DROVER_CALLERS"])
# RFC 6455, section 4.1.
HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
_users = itertools.cycle(CALLERS["users"])
_key_owners = itertools.cycle(CALLERS["key_owners"])
_video_keys = itertools.cycle(CALLERS["video_keys"])
_portal_tokens = itertools.cycle(CALLERS["portal_tokens"])
_thread = threading.local()
_addresses = random.Random(0)
_connect = connection.create_connection
_host = re.compile(r"^(https?://)[^/?#\\\s]+", re.IGNORECASE)


def _from_anywhere(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
    """Connects from a loopback address that nobody else has."""
    here = f"127.{_addresses.randrange(1, 255)}.{_addresses.randrange(256)}.{_addresses.randrange(1, 255)}"
    options["source_address"] = (here, 0)
    return _connect(address, *arguments[:1], **options)


connection.create_connection = _from_anywhere


def _put_away(pool: HTTPConnectionPool, used: Any) -> None:
    """A connection for each request: the address is a connection's, and after a handshake it is a socket."""
    if used is not None:
        used.close()
    _put(pool, used)


_put = HTTPConnectionPool._put_conn
HTTPConnectionPool._put_conn = _put_away


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/scraper-credentials/")
class Scraper:
    def get(self, case: Any, context: Any) -> str:
        return CALLERS["administrator"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["X-Scraper-API-Key"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(api/v1|ws)/")
class Fetcher:
    def get(self, case: Any, context: Any) -> str:
        return next(_video_keys)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["X-API-Key"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/api/(?!scraper-credentials/|v1/)")
class Worker:
    def get(self, case: Any, context: Any) -> str:
        return CALLERS["administrator"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["X-API-Token"] = data


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(cpcb/(?!admin/)|pwmr/|logs/)")
class PortalUser:
    def get(self, case: Any, context: Any) -> str:
        return next(_portal_tokens)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/cpcb/admin/")
class PortalAdministrator:
    def get(self, case: Any, context: Any) -> str:
        return CALLERS["administrator"]

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(?!api/|ws/|cpcb/|pwmr/|logs/)")
class User:
    def get(self, case: Any, context: Any) -> str:
        callers, role = (_key_owners, "key_owner") if case.operation.path.startswith("/api-keys") else (_users, "user")
        if case.meta is None or case.meta.phase.name.value != "stateful":
            return next(callers)
        # What follows from an answer must be asked by whom that was for.
        if not hasattr(_thread, role):
            setattr(_thread, role, next(callers))
        return str(getattr(_thread, role))

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Makes a handshake of what is for a socket, and has all that is to be fetched or told on this machine."""
    if case.operation.path.startswith("/ws/"):
        case.headers.update(HANDSHAKE)
    if case.operation.path.startswith(("/tasks", "/webhooks")):
        case.body = _here(case.body)


def _here(value: Any) -> Any:
    """The same with this machine in the place of every host."""
    if isinstance(value, dict):
        return {name: _here(within) for name, within in value.items()}
    if isinstance(value, list):
        return [_here(within) for within in value]
    return _host.sub(r"\1localhost", value) if isinstance(value, str) else value


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_text(context: Any, value: Any) -> bytes:
    """Lines, as they are written."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
