"""What is looked up before a claim, and trusted for 30 seconds: API keys and platforms."""

import hashlib
import json
import os
from dataclasses import dataclass

from aws import cost, dynamodb

_CREDENTIALS = os.environ["CREDENTIALS_TABLE"]
_IDENTITY = os.environ["IDENTITY_TABLE"]
_TRUSTED_MS = 30_000
_REMEMBERED = 1_000


@dataclass(frozen=True)
class Platform:
    """Where credentials are used."""

    name: str
    lease_seconds: int
    policy: str
    """How its pool is run, as each claim writes it down."""


_keys: dict[str, tuple[str, int]] = {}
_platforms: dict[str, tuple[Platform, int]] = {}


def caller(api_key: str, now: int) -> str | None:
    """The id of a scraper's key that works."""
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    if (found := _keys.get(digest)) and now < found[1]:
        return found[0]
    key = {"pk": {"S": f"KEY#{digest}"}, "sk": {"S": "KEY"}}
    item = cost.count_read(dynamodb.get_item(TableName=_IDENTITY, Key=key, ReturnConsumedCapacity="TOTAL")).get("Item")
    if not item or not item["is_active"]["BOOL"] or not (item["kind"]["S"] == "scraper" or item["is_operator"]["BOOL"]):
        return None
    if len(_keys) >= _REMEMBERED:
        _keys.clear()
    _keys[digest] = item["id"]["S"], now + _TRUSTED_MS
    return _keys[digest][0]


def platform(name: str, now: int) -> Platform | None:
    """A platform's settings."""
    if (found := _platforms.get(name)) and now < found[1]:
        return found[0]
    key = {"pk": {"S": "PLATFORMS"}, "sk": {"S": name}}
    answer = dynamodb.get_item(TableName=_CREDENTIALS, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    item = cost.count_read(answer).get("Item")
    if not item:
        return None
    retire_after = item["retire_after"].get("N")
    policy = {
        "lease_seconds": int(item["lease_seconds"]["N"]),
        "order": item["order"]["S"],
        "cooldown_base_minutes": int(item["cooldown_base_minutes"]["N"]),
        "cooldown_cap_minutes": int(item["cooldown_cap_minutes"]["N"]),
        "retire_after": None if retire_after is None else int(retire_after),
    }
    known = Platform(name, policy["lease_seconds"], json.dumps(policy, separators=(",", ":")))
    _platforms[name] = known, now + _TRUSTED_MS
    return known
