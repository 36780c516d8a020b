"""Clients of AWS, made once per process, and what a request costs."""

from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 4},
    # The inputs are the same in every call: checking them against the service's model each time would find nothing.
    parameter_validation=False,
)
dynamodb = boto3.client("dynamodb", config=_CONFIG)
kms = boto3.client("kms", config=_CONFIG)


class Cost:
    """What the request that is being answered has cost; a function answers one at a time."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begins a new request."""
        self.dynamodb_requests = 0
        self.other_requests = 0
        self.read_units = 0.0
        self.write_units = 0.0

    def count_dynamodb(self, **_: Any) -> None:
        """Counts an attempt."""
        self.dynamodb_requests += 1

    def count_other(self, **_: Any) -> None:
        """Counts an attempt."""
        self.other_requests += 1

    def count_read(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Adds the capacity that an answer says was consumed."""
        self.read_units += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer

    def count_written(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Adds the capacity that an answer says was consumed."""
        self.write_units += answer["ConsumedCapacity"]["CapacityUnits"]
        return answer


cost = Cost()
dynamodb.meta.events.register("before-send.dynamodb", cost.count_dynamodb)
kms.meta.events.register("before-send.kms", cost.count_other)
