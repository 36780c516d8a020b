"""Where LocalStack differs from AWS in what the suites look at, and how that is mended."""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from hypercorn.config import Config as HypercornConfig
from localstack.aws.api import RequestContext
from localstack.aws.handlers.codec import ContentDecoder
from localstack.http import Request
from localstack.services.apigateway.next_gen.execute_api.context import InvocationRequest, RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.handlers import parse
from localstack.services.apigateway.next_gen.execute_api.handlers.parse import InvocationRequestParser
from localstack.services.apigateway.next_gen.execute_api.variables import ContextVariables
from localstack.services.cloudformation.engine.v2.change_set_model import NodeOutput, NodeResource, Nothing, is_nothing
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import ChangeSetModelPreproc, PreprocEntityDelta
from localstack.services.cloudformation.engine.v2.change_set_model_transform import ChangeSetModelTransform
from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor
from localstack.services.dynamodbstreams.v2.provider import DynamoDBStreamsProvider
from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller
from localstack.services.lambda_.event_source_mapping.pollers.poller import EmptyPollResultsException
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
from localstack.services.lambda_.invocation.models import lambda_stores

LOG = logging.getLogger(__name__)

# Below this it serves the stages of REST APIs.
_STAGES = "/_aws/execute-api/"
# Longer than the pools of the functions' SDK and of the chaos proxy keep a connection.
_KEEP_ALIVE_SECONDS = 120.0
# How many batches of a queue AWS hands out at once where the event source says nothing, to begin with.
_BATCHES_AT_ONCE = 5
# How long a poll of a queue waits for a first message.
_LONG_POLL_SECONDS = 1
# How long CloudFormation waits before it looks at a resource again.
_PAUSE_SECONDS = 0.2


def mend() -> None:
    """Mends all of it."""
    keep_connections()
    log_where_the_function_says()
    handle_batches_at_once()
    leave_messages_as_they_are()
    leave_iterators_as_they_are()
    tell_where_a_request_is_from()
    leave_paths_as_they_are()
    leave_bodies_as_they_are()
    look_at_resources_more_often()
    expand_before_anything_is_resolved()
    look_up_numbers()
    leave_out_what_a_condition_leaves_out()


def keep_connections() -> None:
    """It closes a connection after five seconds of rest: just as a client's pool may be about to use it again."""
    HypercornConfig.keep_alive_timeout = _KEEP_ALIVE_SECONDS


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


def leave_messages_as_they_are() -> None:
    """It reads a message's body as JSON, for filters that nobody has set, and writes it anew: other spaces, other bytes."""

    class Unread:
        """The module `json`, to which everything is plain text."""

        JSONDecodeError = json.JSONDecodeError

        @staticmethod
        def loads(text: str) -> Any:
            raise json.JSONDecodeError("left alone", text, 0)

    sqs_poller.json = Unread


def leave_iterators_as_they_are() -> None:
    """It takes a stream's iterator for an address and writes its own into it. This DynamoDB Local's begin differently, and break."""
    modify = DynamoDBStreamsProvider.modify_stream_arn_for_ddb_local

    def unless_it_is_the_engines_own(self: DynamoDBStreamsProvider, text: str) -> str:
        return text if ":ddblocal:" in text else modify(self, text)

    DynamoDBStreamsProvider.modify_stream_arn_for_ddb_local = unless_it_is_the_engines_own


def tell_where_a_request_is_from() -> None:
    """It tells functions that every request is from 127.0.0.1. The front door names the caller, and lets no caller name another."""
    create = InvocationRequestParser.create_context_variables

    def with_source(context: RestApiInvocationContext) -> ContextVariables:
        variables = create(context)
        if source := context.request.headers.get("X-Forwarded-For"):
            variables["identity"]["sourceIp"] = source
        return variables

    InvocationRequestParser.create_context_variables = staticmethod(with_source)


def leave_paths_as_they_are() -> None:
    """It takes `;x` off a path's end, and slashes off its beginning. API Gateway does neither."""

    def enrich(context: RestApiInvocationContext, invocation: InvocationRequest) -> None:
        address = context.request.environ.get("RAW_URI") or context.request.path
        path = address.partition("?")[0].removeprefix(f"{_STAGES}{context.api_id}/{context.stage}") or "/"
        invocation["path"] = invocation["raw_path"] = path

    InvocationRequestParser._enrich_with_raw_path = staticmethod(enrich)


def leave_bodies_as_they_are() -> None:
    """It reads forms, and unpacks what claims to be gzip, and answers what is neither with a 500 of its own."""
    decode = ContentDecoder.__call__

    def unless_it_is_for_a_function(self: ContentDecoder, chain: Any, context: RequestContext, response: Any) -> None:
        if not context.request.path.startswith(_STAGES):
            decode(self, chain, context, response)

    ContentDecoder.__call__ = unless_it_is_for_a_function
    parse.restore_payload = Request.get_data


def look_at_resources_more_often() -> None:
    """CloudFormation looks every 5 seconds whether a resource has come about; most have within one."""
    loop = ResourceProviderExecutor.deploy_loop

    def with_short_pauses(self: ResourceProviderExecutor, *arguments: Any, **named: Any) -> Any:
        return loop(self, *arguments, **{"sleep_time": _PAUSE_SECONDS, **named})

    ResourceProviderExecutor.deploy_loop = with_short_pauses


def expand_before_anything_is_resolved() -> None:
    """Before SAM expands a template it resolves all references, to find macros in them. There are none, but there are circles, which the
    expanded template has not: a function's rollout names an alarm, which names the function. It never comes back from those."""
    ChangeSetModelTransform._execute_local_transforms = lambda _self: None


def look_up_numbers() -> None:
    """It does not find a number in a template's mapping, whose keys are text."""
    resolve = ChangeSetModelPreproc._resolve_mapping

    def by_text(self: ChangeSetModelPreproc, name: str, top: object, second: object) -> Any:
        return resolve(self, name, str(top), str(second))

    ChangeSetModelPreproc._resolve_mapping = by_text


def leave_out_what_a_condition_leaves_out() -> None:
    """It resolves what stands in resources and outputs that are not made, and finds that the others among them which it names do not exist."""

    def unless_left_out(visit: Callable[..., Any]) -> Callable[..., Any]:
        def visited(self: ChangeSetModelPreproc, *place: NodeResource | NodeOutput, **name: NodeResource | NodeOutput) -> Any:
            # It is passed either way.
            (node,) = (*place, *name.values())
            if not is_nothing(node.condition_reference):
                condition = self._resolve_resource_condition_reference(node.condition_reference)
                if not condition.before and not condition.after:
                    return PreprocEntityDelta(before=Nothing, after=Nothing)
            return visit(self, node)

        return visited

    ChangeSetModelPreproc.visit_node_resource = unless_left_out(ChangeSetModelPreproc.visit_node_resource)
    ChangeSetModelPreproc.visit_node_output = unless_left_out(ChangeSetModelPreproc.visit_node_output)


def _concurrency(poller: SqsPoller) -> int:
    """The `MaximumConcurrency` of the poller's event source."""
    for _account, _region, store in lambda_stores.iter_stores():
        for mapping in store.event_source_mappings.values():
            if mapping.get("EventSourceArn") == poller.source_arn:
                return int((mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or _BATCHES_AT_ONCE)
    return _BATCHES_AT_ONCE
