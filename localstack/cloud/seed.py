"""Demonstration accounts, made as an operator makes them: with `droverctl`, and through the administrator's API."""

import json
import os
import secrets
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from cloud import build
from cloud.deploy import STACK_NAME, client
from cloud.aws import ACCESS_KEY, REGION, SECRET_KEY
from cloud.errors import CloudError
from cloud.state import Stack

CONSOLE_EMAIL = "admin@example.com"
"""Who signs in to the console."""

_DEMO = ["--email", "demo@example.com", "--name", "Demo User", "--plan", "professional"]
_OPERATOR = ["--email", "operator@example.com", "--name", "Operator", "--plan", "enterprise", "--operator"]
_WORKERS = ["--email", "workers@example.com", "--name", "Workers"]
_ADMINISTRATOR = ["--email", CONSOLE_EMAIL, "--name", "Administrator", "--operator"]
_VIDEOS = ["--email", "videos@example.com", "--name", "Videos"]

SENDER = "drover@drover.example"
"""What e-mail is sent from; the emulators keep it and send nothing."""

_SCRAPER_ADMIN = "/api/scraper-credentials/admin"
_CREDENTIALS: list[dict[str, Any]] = [
    *(
        {"platform": platform, "name": f"Account {n}", "email": f"{platform}-{n}@example.com", "password": f"demo-{n}"}
        for platform in ("linkedin", "techfetch")
        for n in (1, 2, 3)
    ),
    {"platform": "glassdoor", "name": "Cookie Set 1", "credentials": {"cookie": "session_id=demo", "csrf_token": "demo"}},
]

_PROXIES: list[dict[str, Any]] = [
    {"host": f"{country.lower()}.proxy.example.com", "port": 8080, "username": "demo", "password": f"demo-{country}", "country": country}
    for country in ("DE", "GB", "US")
]


class _NotThere(CloudError):
    """A path that the stack does not have."""


def seed(stack: Stack) -> None:
    """Makes the accounts that the stack does not have yet. What is made is remembered at once: one that was interrupted goes on where it stopped."""
    for name, make in (
        ("DROVER_ADMIN_KEY", lambda: _account(stack, "operator", _OPERATOR)),
        ("DROVER_CLOUD_KEY", lambda: _account(stack, "demo", _DEMO)),
        ("DROVER_SCRAPER_KEY", lambda: _pools(stack)),
        ("DROVER_WORKER_KEY", lambda: _fleet(stack)),
        ("DROVER_VIDEO_KEY", lambda: _account(stack, "videos", _VIDEOS, "--api", "video")),
        ("DROVER_CONSOLE_PASSWORD", lambda: _administrator(stack)),
    ):
        if name not in stack.keys:
            stack.keys[name] = make()
            stack.save()


def _pools(stack: Stack) -> str:
    """Credentials of some platforms, those that are not there; a scraper's key."""
    admin = stack.keys["DROVER_ADMIN_KEY"]
    there = _get(stack, admin, f"{_SCRAPER_ADMIN}/credentials?limit=100")["credentials"]
    names = {(credential["platform"], credential["name"]) for credential in there}
    for credential in _CREDENTIALS:
        if (credential["platform"], credential["name"]) not in names:
            _post(stack, admin, f"{_SCRAPER_ADMIN}/credentials", credential)
    key: str = _post(stack, admin, f"{_SCRAPER_ADMIN}/keys", {"name": "demo"})["api_key"]
    return key


def _fleet(stack: Stack) -> str:
    """Some proxies; a worker's key."""
    # A release before this one may have none.
    with suppress(_NotThere):
        _post(stack, stack.keys["DROVER_ADMIN_KEY"], "/api/proxies", {"proxies": _PROXIES})
    return _account(stack, "workers", _WORKERS, "--api", "worker")


def _administrator(stack: Stack) -> str:
    """Somebody who signs in to the console; their password."""
    password = secrets.token_urlsafe(12)
    _droverctl(stack, "users", "set-password", "--user", _user(stack, _ADMINISTRATOR), given=password)
    return password


def session_keys(stack: Stack) -> None:
    """Makes the keys that sessions are signed with; where there are some, nothing is done."""
    _droverctl(stack, "session-keys", "create")


def sender(stack: Stack) -> None:
    """Has the sender of e-mail verified: the emulators do it by themselves."""
    client("ses", stack).verify_email_identity(EmailAddress=SENDER)


def is_complete(stack: Stack) -> bool:
    """Whether the stack has every account."""
    names = {"DROVER_ADMIN_KEY", "DROVER_CLOUD_KEY", "DROVER_CONSOLE_PASSWORD", "DROVER_SCRAPER_KEY", "DROVER_VIDEO_KEY", "DROVER_WORKER_KEY"}
    return names <= stack.keys.keys()


def _get(stack: Stack, key: str, path: str) -> dict[str, Any]:
    return _call(stack, key, "GET", path, None)


def _post(stack: Stack, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return _call(stack, key, "POST", path, json.dumps(body).encode())


def _call(stack: Stack, key: str, method: str, path: str, body: bytes | None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "X-Scraper-API-Key": key, "X-API-Token": key, "Idempotency-Key": "demonstration"}
    request = urllib.request.Request(stack.url + path, body, headers, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        kind = _NotThere if error.code == HTTPStatus.NOT_FOUND else CloudError
        raise kind(f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise CloudError(f"{method} {path} failed: {error}") from None


def _user(stack: Stack, about: list[str]) -> str:
    """The user of this address: the one that was made before, if one was."""
    email = about[about.index("--email") + 1]
    if email not in stack.users:
        stack.users[email] = _droverctl(stack, "users", "create", *about)["user_id"]
        stack.save()
    return stack.users[email]


def _account(stack: Stack, name: str, about: list[str], *more: str) -> str:
    key: str = _droverctl(stack, "keys", "create", "--user", _user(stack, about), "--name", name, "--all-permissions", *more)["api_key"]
    return key


def _droverctl(stack: Stack, *arguments: str, given: str | None = None) -> dict[str, Any]:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "AWS_ENDPOINT_URL": stack.emulator,
        "AWS_ENDPOINT_URL_DYNAMODB": stack.dynamodb,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "DROVER_STACK": STACK_NAME,
    }
    command = [str(build.binary("droverctl")), *arguments, "--format", "json"]
    answer = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise CloudError(f"droverctl {' '.join(arguments)} failed: {answer.stderr.strip()}")
    return dict(json.loads(answer.stdout))
