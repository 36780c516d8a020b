"""Alarms: whatever fails is told to somebody."""

from typing import Any

from checks import rule
from checks.stack import Stack, named, referred


def _metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm watches."""
    several = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    return several or [alarm]


class AlarmTold(rule.Check):
    """An alarm goes to a topic, and quiet is no alarm."""

    id = "E9601"

    def faults(self, stack: Stack) -> rule.Faults:
        topics = dict(stack.of("SNS::Topic"))
        for name, alarm in stack.properties("CloudWatch::Alarm"):
            if not {referred(action) for action in alarm.get("AlarmActions", [])} & topics.keys():
                yield name, "is told to nobody (AlarmActions)"
            if alarm.get("TreatMissingData") != "notBreaching":
                yield name, "goes off, or cannot tell, when nothing happens (TreatMissingData)"


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


class StageThrottled(rule.Check):
    """A stage of an API bounds what all callers together may ask of it."""

    id = "E9621"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, stage in stack.properties("ApiGateway::Stage"):
            every = [each for each in stage.get("MethodSettings", []) if each.get("HttpMethod") == "*" and each.get("ResourcePath") == "/*"]
            if not any({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= each.keys() for each in every):
                yield name, "has no bound (MethodSettings)"
