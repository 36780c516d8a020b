"""`GET /api/scraper-credentials/queue/{platform}/next` in Python: the same requests, answers and log lines as functions/credential-queue,
with boto3. It serves nothing else: it is what that function is measured beside.
"""

import json
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import lookups
import pool
from aws import cost
from sealing import unseal

_NEXT = re.compile(r"/api/scraper-credentials/queue/([a-z0-9_-]{1,40})/next")
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_API_KEY = re.compile(r"[!-~]{8,128}")

_Answer = tuple[int, dict[str, Any] | None, dict[str, str]]


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers a request of API Gateway, and says in the log what it cost."""
    started = time.perf_counter()
    cost.reset()
    headers = {name.lower(): values[-1] for name, values in event["multiValueHeaders"].items()}
    request_id = headers.get("x-request-id", "")
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = f"req_{uuid.uuid4().hex}"
    try:
        status, body, more = _answer(event, headers)
    except Exception as error:  # whatever it is, the caller gets an answer and the log the reason
        _log("ERROR", request_id, message="the request failed", error=repr(error))
        status, body, more = _error(500, "Internal error", "Something went wrong on our side; try again")
    milliseconds = (time.perf_counter() - started) * 1000
    _log(
        "INFO",
        request_id,
        message="answered",
        method=event["httpMethod"],
        route="/api/scraper-credentials/queue/{which}/next",
        status=status,
        milliseconds=milliseconds,
        dynamodb_requests=cost.dynamodb_requests,
        read_units=cost.read_units,
        write_units=cost.write_units,
        other_requests=cost.other_requests,
    )
    _metrics(milliseconds, failed=status >= 500)
    content = "" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    more |= {"content-length": str(len(content.encode())), "x-request-id": request_id}
    return {
        "statusCode": status,
        "multiValueHeaders": {name: [value] for name, value in more.items()},
        "body": content,
        "isBase64Encoded": False,
    }


def _answer(event: dict[str, Any], headers: dict[str, str]) -> _Answer:
    now = int(time.time() * 1000)
    api_key = headers.get("x-scraper-api-key", "")
    owner = lookups.caller(api_key, now) if _API_KEY.fullmatch(api_key) else None
    if owner is None:
        return _error(401, "Unauthorized", "Missing or invalid API key")
    path = _NEXT.fullmatch(event["path"])
    if path is None or event["httpMethod"] != "GET":
        return _error(404, "Not found", "There is nothing at this path")
    query = event.get("queryStringParameters") or {}
    session = query.get("session_id") or None
    if session and len(session) > 200:
        return _error(400, "Bad request", "session_id must have at most 200 characters")
    asked = query.get("lease_seconds") or None
    if asked and not (asked.isdecimal() and 30 <= int(asked) <= 43_200):
        return _error(400, "Bad request", "lease_seconds must be a whole number from 30 to 43200")
    platform = lookups.platform(path[1], now)
    if platform is None:
        return _error(400, "Invalid platform", "There is no such platform")
    until = now + 1000 * (int(asked) if asked else platform.lease_seconds)
    item = pool.claim_any(platform, owner, session, now, until)
    return (204, None, {}) if item is None else _granted(item, until)


def _granted(item: dict[str, Any], until: int) -> _Answer:
    token = int(item["lease_token"]["N"])
    expires_at = datetime.fromtimestamp(until // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "id": int(item["id"]["N"]),
        "platform": item["pool"]["S"],
        "name": item["name"]["S"],
        **json.loads(unseal(item["pk"]["S"], item["sealed"]["S"])),
        "lease_token": token,
        "lease_expires_at": expires_at,
    }
    headers = {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-lease-token": str(token),
        "x-lease-expires-at": expires_at,
    }
    return 200, body, headers


def _error(status: int, kind: str, message: str) -> _Answer:
    return status, {"error": kind, "message": message}, {"content-type": "application/json"}


def _log(level: str, request_id: str, **fields: object) -> None:
    timestamp = datetime.now(UTC).isoformat()
    print(json.dumps({"timestamp": timestamp, "level": level, **fields, "span": {"request_id": request_id, "name": "request"}}))


def _metrics(milliseconds: float, *, failed: bool) -> None:
    """In CloudWatch's embedded metric format."""
    values = {"Requests": 1, "Latency": milliseconds, **({"ServerErrors": 1} if failed else {})}
    directive = {"Namespace": "Drover", "Dimensions": [["function"]], "Metrics": [{"Name": name} for name in values]}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": about, "function": "credential-queue", **values}))
