"""What calls functions by itself: no event vanishes, and no rush of them takes all there is."""

from checks import rule
from checks.stack import Stack, on_failure, referred

_STREAM_REMEMBERS_SECONDS = 86_400


class QueueEventsBounded(rule.Check):
    """A function that reads a queue has a bound, and gives back only the messages that failed."""

    id = "E9301"

    def faults(self, stack: Stack) -> rule.Faults:
        queues = dict(stack.of("SQS::Queue"))
        for name, source in stack.properties("Lambda::EventSourceMapping"):
            if referred(source["EventSourceArn"]) not in queues:
                continue
            if "MaximumConcurrency" not in source.get("ScalingConfig", {}):
                yield name, "has no bound (ScalingConfig)"
            if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield name, "gives a whole batch back for one message (FunctionResponseTypes)"


class StreamEventsKept(rule.Check):
    """What a function cannot read from a stream is put away while the stream still remembers it, and as little of it as can be."""

    id = "E9302"

    def faults(self, stack: Stack) -> rule.Faults:
        tables = dict(stack.of("DynamoDB::Table"))
        for name, source in stack.properties("Lambda::EventSourceMapping"):
            if referred(source["EventSourceArn"]) not in tables:
                continue
            if referred(on_failure(source)) not in dict(stack.of("SQS::Queue")):
                yield name, "forgets what failed (DestinationConfig)"
            if not 0 < source.get("MaximumRecordAgeInSeconds", -1) < _STREAM_REMEMBERS_SECONDS:
                yield name, "tries until the stream forgets (MaximumRecordAgeInSeconds)"
            if source.get("BisectBatchOnFunctionError") is not True:
                yield name, "gives up a whole batch for one record (BisectBatchOnFunctionError)"


class SchedulesKept(rule.Check):
    """What a rule could not deliver, and what its function failed at, is put away."""

    id = "E9303"

    def faults(self, stack: Stack) -> rule.Faults:
        queues = dict(stack.of("SQS::Queue"))
        configured = {stack.function(each["FunctionName"]): each for _, each in stack.properties("Lambda::EventInvokeConfig")}
        for name, properties in stack.properties("Events::Rule"):
            for target in properties["Targets"]:
                if referred(target.get("DeadLetterConfig", {}).get("Arn")) not in queues:
                    yield name, "forgets what it could not deliver (DeadLetterConfig)"
                function = stack.function(target["Arn"])
                config = configured.get(function, {})
                if referred(on_failure(config)) not in queues or config.get("Qualifier") in {None, "$LATEST"}:
                    yield str(function), "forgets what it failed at (EventInvokeConfig)"
