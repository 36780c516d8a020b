"""Alarms: whatever fails is told to somebody."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checks import rule
from checks.stack import Stack, named, referred

_HANDBOOK = Path(__file__).parents[3] / "docs" / "operations.md"


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm watches."""
    several = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    return several or [alarm]


def _watched(stack: Stack, *names: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every alarm on a metric of one of these names, with that metric."""
    for name, alarm in stack.properties("CloudWatch::Alarm"):
        for metric in _metrics(alarm):
            if metric.get("MetricName") in names:
                yield name, alarm, metric


def _wants_more(alarm: dict[str, Any]) -> bool:
    """Whether it goes off when there is too little of something."""
    return str(alarm.get("ComparisonOperator")).startswith("LessThan")


class AlarmTold(rule.Check):
    """An alarm goes to a topic. Quiet is no alarm, but of what must never be quiet."""

    id = "E9601"

    def faults(self, stack: Stack) -> rule.Faults:
        topics = dict(stack.of("SNS::Topic"))
        for name, alarm in stack.properties("CloudWatch::Alarm"):
            if not {referred(action) for action in alarm.get("AlarmActions", [])} & topics.keys():
                yield name, "is told to nobody (AlarmActions)"
            if alarm.get("TreatMissingData") != ("breaching" if _wants_more(alarm) else "notBreaching"):
                yield name, "goes off, or cannot tell, when nothing happens, or does not when something should (TreatMissingData)"


class AlarmsArrive(rule.Check):
    """CloudWatch may publish to the topic of alarms: not to one under SNS's own key, which it may not use."""

    id = "E9602"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, topic in stack.properties("SNS::Topic"):
            if topic.get("KmsMasterKeyId") == "alias/aws/sns":
                yield name, "gets no alarm, since CloudWatch may not use SNS's own key (KmsMasterKeyId)"


class FunctionErrorsTold(rule.Check):
    """The errors of each function, of whatever version, are in an alarm."""

    id = "E9611"

    def faults(self, stack: Stack) -> rule.Faults:
        watched: set[str] = set()
        for _, alarm in stack.properties("CloudWatch::Alarm"):
            for metric in _metrics(alarm):
                if metric.get("MetricName") == "Errors" and len(metric["Dimensions"]) == 1:
                    watched.update(named(metric["Dimensions"]))
        for name, _ in stack.of("Lambda::Function"):
            if name not in watched:
                yield name, "may fail without an alarm"


class DeadLettersTold(rule.Check):
    """A queue for dead letters has an alarm."""

    id = "E9612"

    def faults(self, stack: Stack) -> rule.Faults:
        watched: set[str] = set()
        for _, alarm in stack.properties("CloudWatch::Alarm"):
            for metric in _metrics(alarm):
                if metric.get("Namespace") == "AWS/SQS":
                    watched.update(named(metric["Dimensions"]))
        for name in sorted(stack.dead_letter_queues() - watched):
            yield name, "takes dead letters without an alarm"


class AlarmSmallEnough(rule.Check):
    """An alarm has ten metrics at most: CloudWatch takes no more, and tells so only when it is deployed."""

    id = "E9613"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, alarm in stack.properties("CloudWatch::Alarm"):
            if sum("Expression" not in each for each in alarm.get("Metrics", [])) > 10:
                yield name, "has more than ten metrics: make two of it"


class SchedulesTold(rule.Check):
    """A rule that should fire each minute has an alarm for when it does not, or its function does not run."""

    id = "E9614"

    def faults(self, stack: Stack) -> rule.Faults:
        counted = [metric for _, alarm, metric in _watched(stack, "Invocations") if _wants_more(alarm)]
        watched = {name for metric in counted for name in named(metric.get("Dimensions"))}
        for name, schedule in stack.properties("Events::Rule"):
            if not watched & {name, *(stack.function(target["Arn"]) for target in schedule["Targets"])}:
                yield name, "may stop without an alarm"


class StreamsTold(rule.Check):
    """What reads a stream has an alarm for when it is far behind."""

    id = "E9615"

    def faults(self, stack: Stack) -> rule.Faults:
        watched = {name for _, _, metric in _watched(stack, "IteratorAge") for name in named(metric.get("Dimensions"))}
        tables = dict(stack.of("DynamoDB::Table"))
        for name, source in stack.properties("Lambda::EventSourceMapping"):
            if referred(source["EventSourceArn"]) in tables and stack.function(source["FunctionName"]) not in watched:
                yield name, "may fall behind its stream without an alarm"


class TableThrottlesTold(rule.Check):
    """A table that refuses reads or writes has an alarm."""

    id = "E9616"

    def faults(self, stack: Stack) -> rule.Faults:
        for kind in ("ReadThrottleEvents", "WriteThrottleEvents"):
            watched = {name for _, _, metric in _watched(stack, kind) for name in named(metric.get("Dimensions"))}
            for name, _ in stack.of("DynamoDB::Table"):
                if name not in watched:
                    yield name, f"may be throttled without an alarm ({kind})"


class QueuesTold(rule.Check):
    """A queue whose messages wait for long has an alarm."""

    id = "E9617"

    def faults(self, stack: Stack) -> rule.Faults:
        watched = {name for _, _, metric in _watched(stack, "ApproximateAgeOfOldestMessage") for name in named(metric.get("Dimensions"))}
        for name, source in stack.properties("Lambda::EventSourceMapping"):
            queue = referred(source["EventSourceArn"])
            if queue in dict(stack.of("SQS::Queue")) and queue not in watched:
                yield name, f"may be behind {queue} without an alarm"


class AlarmsExplained(rule.Check):
    """What an alarm means, and what to do, is in the operator's handbook."""

    id = "E9618"

    def faults(self, stack: Stack) -> rule.Faults:
        handbook = _HANDBOOK.read_text()
        # One for each function, which have all the same to say.
        told = "`…RolloutAlarm`" in handbook
        for name, _ in stack.of("CloudWatch::Alarm"):
            if f"`{name}`" not in handbook and not (told and name.endswith("RolloutAlarm")):
                yield name, "is not in docs/operations.md"
        alarms = dict(stack.of("CloudWatch::Alarm"))
        for name in re.findall(r"`(\w+Alarm)`", handbook):
            if name not in alarms:
                yield name, "is in docs/operations.md, and there is no such alarm"


class StageThrottled(rule.Check):
    """A stage of an API bounds what all callers together may ask of it."""

    id = "E9621"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, stage in stack.properties("ApiGateway::Stage"):
            every = [each for each in stage.get("MethodSettings", []) if each.get("HttpMethod") == "*" and each.get("ResourcePath") == "/*"]
            if not any({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= each.keys() for each in every):
                yield name, "has no bound (MethodSettings)"
