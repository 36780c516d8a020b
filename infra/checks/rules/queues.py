"""Queues: nothing that was put into one is lost, or worked on twice at once."""

from checks import rule
from checks.stack import Stack, referred

_LONGEST_SECONDS = 14 * 86_400
# As Lambda wants it: a batch that is throttled or fails is not given to another function meanwhile.
_TIMEOUTS = 6


class QueueEncrypted(rule.Check):
    """A queue is encrypted."""

    id = "E9201"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, queue in stack.properties("SQS::Queue"):
            if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue:
                yield name, "is not encrypted (SqsManagedSseEnabled)"


class QueueHasDeadLetters(rule.Check):
    """A queue puts away what fails again and again, unless it is for dead letters itself."""

    id = "E9202"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, queue in stack.properties("SQS::Queue"):
            redrive = queue.get("RedrivePolicy") or {}
            target = referred(redrive.get("deadLetterTargetArn"))
            if name in stack.dead_letter_queues():
                continue
            if target not in dict(stack.of("SQS::Queue")):
                yield name, "has no queue for dead letters (RedrivePolicy)"
            elif not 3 <= int(redrive.get("maxReceiveCount", 0)) <= 10:
                yield name, "gives up too soon, or too late (maxReceiveCount)"


class DeadLettersKept(rule.Check):
    """Dead letters are kept for as long as SQS keeps anything."""

    id = "E9203"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, queue in stack.properties("SQS::Queue"):
            if name in stack.dead_letter_queues() and queue.get("MessageRetentionPeriod") != _LONGEST_SECONDS:
                yield name, f"forgets dead letters before {_LONGEST_SECONDS} s (MessageRetentionPeriod)"


class QueueHidesLongEnough(rule.Check):
    """A message stays hidden for six times as long as its function may run, whatever the parameters."""

    id = "E9204"

    def faults(self, stack: Stack) -> rule.Faults:
        queues, functions = dict(stack.properties("SQS::Queue")), dict(stack.properties("Lambda::Function"))
        for _, source in stack.properties("Lambda::EventSourceMapping"):
            queue = referred(source["EventSourceArn"])
            if queue not in queues:
                continue
            hidden = queues[queue].get("VisibilityTimeout", 30)
            runs = functions[stack.function(source["FunctionName"])].get("Timeout", 3)
            for setting in stack.settings():
                seconds, least = stack.number(hidden, setting), _TIMEOUTS * stack.number(runs, setting)
                if seconds < least:
                    yield queue, f"hides messages for {seconds:.0f} s, not {least:.0f} (VisibilityTimeout)"
                    break
