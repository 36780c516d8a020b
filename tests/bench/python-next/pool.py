"""Claims a credential with one conditional write: shared/lease and shared/credentials in Python."""

import json
import os
import uuid
from collections import defaultdict
from typing import Any

from aws import cost, dynamodb
from botocore.exceptions import ClientError
from hints import Hints
from lookups import Platform

_TABLE = os.environ["CREDENTIALS_TABLE"]
_READS = 4

_ATTRIBUTES = (
    "lease_owner claimable_at lease_token lease_nonce status last_used_at updated_at session_id last_report policy use_count last_event"
).split()
_NAMES = {f"#{attribute}": attribute for attribute in _ATTRIBUTES}
_SETS = (
    "SET #lease_owner = :owner, #claimable_at = :until, #lease_nonce = :nonce, #status = :status, #last_used_at = :now, "
    "#updated_at = :now, #policy = :policy, #last_event = :event"
)
_ADDS = " ADD #lease_token :one, #use_count :one REMOVE #last_report"


_hints: defaultdict[str, Hints] = defaultdict(Hints)


def claim_any(platform: Platform, owner: str, session: str | None, now: int, until: int) -> dict[str, Any] | None:
    """A claimed credential of the platform as it is stored now; none if none is free."""
    hints = _hints[platform.name]
    reads = 0
    while True:
        key = hints.draw(now)
        if key is None:
            if reads == _READS or not _read_page(platform.name, hints, now):
                return None
            reads += 1
            continue
        item = _claim(key, platform, owner, session, now, until)
        if item is not None:
            return item
        hints.lose()


def _read_page(pool: str, hints: Hints, now: int) -> bool:
    answer = dynamodb.query(
        TableName=_TABLE,
        IndexName="claimable",
        KeyConditionExpression="#pool = :pool AND #claimable_at <= :now",
        ExpressionAttributeNames={"#pool": "pool", "#claimable_at": "claimable_at"},
        ExpressionAttributeValues={":pool": {"S": pool}, ":now": {"N": str(now)}},
        Select="ALL_PROJECTED_ATTRIBUTES",
        Limit=hints.width(),
        ReturnConsumedCapacity="TOTAL",
    )
    page = [{"pk": item["pk"], "sk": item["sk"]} for item in cost.count_read(answer)["Items"]]
    hints.refill(page, now)
    return bool(page)


def _claim(
    key: dict[str, Any], platform: Platform, owner: str, session: str | None, now: int, until: int
) -> dict[str, Any] | None:
    nonce = uuid.uuid4().hex
    event: dict[str, Any] = {"action": "claimed", "at": now, "by": owner}
    if session is not None:
        event["detail"] = session
    values = {
        ":owner": {"S": owner},
        ":until": {"N": str(until)},
        ":nonce": {"S": nonce},
        ":status": {"S": "in_use"},
        ":now": {"N": str(now)},
        ":policy": {"S": platform.policy},
        ":event": {"S": json.dumps(event, separators=(",", ":"))},
        ":one": {"N": "1"},
    }
    if session is None:
        update = f"{_SETS}{_ADDS}, #session_id"
    else:
        values[":session"] = {"S": session}
        update = f"{_SETS}, #session_id = :session{_ADDS}"
    try:
        answer = dynamodb.update_item(
            TableName=_TABLE,
            Key=key,
            UpdateExpression=update,
            ConditionExpression="#claimable_at <= :now",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ReturnConsumedCapacity="TOTAL",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        # A claim that was applied and whose answer was lost looks refused when it is repeated; the item then carries our own nonce.
        item: dict[str, Any] = error.response.get("Item", {})
        return item if item.get("lease_nonce") == {"S": nonce} else None
    return dict(cost.count_written(answer)["Attributes"])
