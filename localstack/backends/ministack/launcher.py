"""Starts MiniStack, with twelve faults of 1.5.33 mended. It touches internals: check each on an upgrade of the pin.

Not part of the package `cloud`: the emulator's process runs it, and nothing else.
"""

import functools
import random
import socketserver
import sys
from typing import Any

# Its Runtime API answers in two writes: Nagle's algorithm holds the second back until the function's delayed acknowledgement, 40 ms.
# Set before the module that derives from it is imported.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack.app import main  # noqa: E402
from ministack.core import iam_actions, iam_evaluator, lambda_runtime  # noqa: E402
from ministack.core.responses import error_response_json  # noqa: E402
from ministack.services import apigateway_v1, dynamodb_streams, lambda_svc, ses  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402


def shorten_log_wait() -> None:
    """After each invocation it waits 5 ms for more log lines than have come: 1 ms does. Those that come later are told with the next one."""
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.05, 0.001, 0.25)


def import_any_methods() -> None:
    """Its OpenAPI import passes over `x-amazon-apigateway-any-method`, which is what SAM makes of `Method: ANY`."""
    import_path_item = apigateway_v1._import_path_item

    def with_any(api: str, path: str, item: dict[str, Any], *rest: Any) -> None:
        named = {("ANY" if key == "x-amazon-apigateway-any-method" else key): operation for key, operation in item.items()}
        import_path_item(api, path, named, *rest)

    apigateway_v1._OPENAPI_HTTP_METHODS.add("any")
    apigateway_v1._import_path_item = with_any


def accept_metric_math() -> None:
    """It refuses a template with an alarm on an expression of metrics. Nobody is alarmed here: the first metric stands for all of them."""
    record = provisioners._cw_metric_alarm_record

    def with_one_metric(name: str, alarm: dict[str, Any]) -> Any:
        measured = next((each["MetricStat"] for each in alarm.get("Metrics") or [] if "MetricStat" in each), None)
        if measured is None:
            return record(name, alarm)
        one = {**measured["Metric"], "Period": measured["Period"], "Statistic": measured["Stat"]}
        return record(name, {**alarm, **one, "Metrics": []})

    provisioners._cw_metric_alarm_record = with_one_metric


def read_concurrency_as_a_number() -> None:
    """A parameter of a template is text, and it compares an event source's `MaximumConcurrency` with numbers: nothing is polled then."""
    allowed = lambda_svc._sqs_esm_concurrency

    def with_number(mapping: dict[str, Any], *rest: Any) -> int:
        limit = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
        return allowed({**mapping, "ScalingConfig": {"MaximumConcurrency": int(limit)}} if limit else mapping, *rest)

    lambda_svc._sqs_esm_concurrency = with_number


def accept_rollouts() -> None:
    """It knows no CodeDeploy, and refuses a template that has it. Here an alias moves to a new version at once."""

    def create(logical_id: str, _properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        return f"{stack}-{logical_id}", {}

    def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
        pass

    for kind in ("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup"):
        provisioners._RESOURCE_HANDLERS[kind] = {"create": create, "delete": delete}


def move_event_sources_to_aliases() -> None:
    """Where an update of a stack points an event source at an alias, it goes on calling the function past it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    update = handlers["update"]

    def with_qualifier(mapping: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        updated, attributes = update(mapping, old, new, stack)
        lambda_svc._esms[updated]["Qualifier"] = lambda_svc._resolve_name_and_qualifier(new["FunctionName"])[1]
        return updated, attributes

    handlers["update"] = with_qualifier


def route_by_weight() -> None:
    """It keeps the weights of an alias's versions, and sends everything to the first."""
    record, invoke = lambda_svc._effective_func_record_for_qualifier, lambda_svc._invoke

    def drawn(function: dict[str, Any] | None, qualifier: str | None) -> str | None:
        alias = (function or {}).get("aliases", {}).get(qualifier, {})
        draw = random.random()
        for version, weight in (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}).items():
            draw -= weight
            if draw < 0:
                return str(version)
        return qualifier

    def weighted_record(function: dict[str, Any] | None, qualifier: str | None) -> Any:
        return record(function, drawn(function, qualifier))

    async def weighted_invoke(name: str, event: dict[str, Any], headers: dict[str, str], path: str | None = None, query: Any = None) -> Any:
        qualifier = path or lambda_svc._qp_first(query or {}, "Qualifier")
        return await invoke(name, event, headers, drawn(lambda_svc._functions.get(name), qualifier), query)

    lambda_svc._effective_func_record_for_qualifier = weighted_record
    lambda_svc._invoke = weighted_invoke


def authorize_batches_as_singles() -> None:
    """It asks for `sqs:SendMessageBatch`, which IAM does not know: a batch needs the permission for its single messages."""
    extract = iam_actions.extract_iam_action

    def without_batch(service: str, *request: Any) -> str | None:
        action = extract(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = without_batch


def authorize_streams_by_name() -> None:
    """It asks for a log's group without the stream, so that `group:*` does not match, and for `*` in place of a table's stream."""
    extract = iam_actions.extract_resource_arn

    def with_stream(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str:
        arn: str = extract(service, method, path, headers, body, *rest)
        given = functools.partial(iam_actions._safe_json_field, body)
        if service == "logs" and given("logGroupName"):
            return f"{arn}:log-stream:{given('logStreamName')}"
        if service == "dynamodbstreams":
            _query, region, account = rest
            place = dynamodb_streams._decode_iterator(given("ShardIterator") or "") or {}
            any_of_table = f"arn:aws:dynamodb:{region}:{account}:table/{given('TableName')}/stream/*" if given("TableName") else ""
            return given("StreamArn") or place.get("arn") or any_of_table or arn
        return arn

    iam_actions.extract_resource_arn = with_stream


def authorize_mail_by_sender() -> None:
    """It asks for `*` where a letter is sent: SES asks for the identity that the sender is of, the address or its domain."""
    extract = iam_actions.extract_resource_arn

    def with_sender(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], *place: Any) -> str:
        arn: str = extract(service, method, path, headers, body, query, *place)
        source = iam_actions._query_param(query, "Source") if service == "ses" else ""
        if not source:
            return arn
        region, account = place
        identity = source if ses._identities.get(source) else source.rpartition("@")[2]
        return f"arn:aws:ses:{region}:{account}:identity/{identity}"

    iam_actions.extract_resource_arn = with_sender


def refuse_unreadable_event_sources() -> None:
    """It reads an event source for a function whatever the function's role may do: Lambda refuses a source that the role may not read."""
    needed = {
        "sqs": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        "dynamodb": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
    }
    mapping = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, provision = lambda_svc._create_esm, mapping["create"]

    def missing(function: str, source: str) -> str | None:
        record, *_ = provisioners._lambda_function_for_cfn_ref(function)
        if record is None or source.count(":") < 5:
            return None
        service, region, account = source.split(":")[2:5]
        policies = iam_evaluator._gather_role_policies(record["config"]["Role"].rsplit("/", 1)[-1], account)
        for action in needed.get(service, []):
            asked = iam_evaluator.EvalContext("", "AssumedRole", account, action, source, region)
            if iam_evaluator.evaluate(asked, policies).decision != "Allow":
                return f"The provided execution role does not have permissions to call {action} on {source}"
        return None

    def create_checked(request: dict[str, Any]) -> Any:
        refusal = missing(request.get("FunctionName", ""), request.get("EventSourceArn", ""))
        return error_response_json("InvalidParameterValueException", refusal, 400) if refusal else create(request)

    def provision_checked(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        if refusal := missing(properties["FunctionName"], properties["EventSourceArn"]):
            raise ValueError(refusal)
        return provision(logical_id, properties, stack)

    lambda_svc._create_esm = create_checked
    mapping["create"] = provision_checked


shorten_log_wait()
accept_rollouts()
move_event_sources_to_aliases()
route_by_weight()
authorize_batches_as_singles()
authorize_streams_by_name()
authorize_mail_by_sender()
refuse_unreadable_event_sources()
read_concurrency_as_a_number()
import_any_methods()
accept_metric_math()
sys.argv = ["ministack"]
main()
