"""Where LocalStack differs from AWS in what the suites look at, and how that is mended."""

import logging
import threading
from typing import Any

from localstack.services.lambda_.event_source_mapping.pollers.poller import EmptyPollResultsException
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
from localstack.services.lambda_.invocation.models import lambda_stores

LOG = logging.getLogger(__name__)

# How many batches of a queue AWS hands out at once where the event source says nothing, to begin with.
_BATCHES_AT_ONCE = 5
# How long a poll of a queue waits for a first message.
_LONG_POLL_SECONDS = 1


def mend() -> None:
    """Mends all of it."""
    log_where_the_function_says()
    handle_batches_at_once()


def log_where_the_function_says() -> None:
    """It logs to `/aws/lambda/NAME`, whatever `LoggingConfig` says."""
    default = ExecutionEnvironment.get_log_group_name

    def configured(self: ExecutionEnvironment) -> str:
        return (self.function_version.config.logging_config or {}).get("LogGroup") or default(self)

    ExecutionEnvironment.get_log_group_name = configured


def handle_batches_at_once() -> None:
    """It hands out one batch of a queue after the other, each only once the function is done with the one before, and sleeps in between."""
    poll, handle = SqsPoller.poll_events, SqsPoller.handle_messages

    def poll_when_there_is_room(self: SqsPoller) -> None:
        if not hasattr(self, "drover_room"):
            self.drover_room = threading.BoundedSemaphore(_concurrency(self))
            self.maximum_batching_window = max(self.maximum_batching_window, _LONG_POLL_SECONDS)
        # What cannot be handled now stays in the queue, visible to others. Nobody but this thread takes room, so it is still there below.
        with self.drover_room:
            pass
        try:
            poll(self)
        except EmptyPollResultsException:
            # It has waited already.
            return

    def handle_aside(self: SqsPoller, messages: list[dict[str, Any]]) -> None:
        self.drover_room.acquire()

        def run() -> None:
            try:
                handle(self, messages)
            except Exception as error:  # noqa: BLE001 (as its own loop does: the messages come back by themselves)
                LOG.info("a batch of %s failed: %s", self.source_arn, error)
            finally:
                self.drover_room.release()

        threading.Thread(target=run, name="sqs-batch", daemon=True).start()

    SqsPoller.poll_events = poll_when_there_is_room
    SqsPoller.handle_messages = handle_aside


def _concurrency(poller: SqsPoller) -> int:
    """The `MaximumConcurrency` of the poller's event source."""
    for _account, _region, store in lambda_stores.iter_stores():
        for mapping in store.event_source_mappings.values():
            if mapping.get("EventSourceArn") == poller.source_arn:
                return int((mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or _BATCHES_AT_ONCE)
    return _BATCHES_AT_ONCE
