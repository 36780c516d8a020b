"""Starts MiniStack, with five faults of 1.5.33 mended. It touches internals: check each on an upgrade of the pin.

Not part of the package `cloud`: the emulator's process runs it, and nothing else.
"""

import socketserver
import sys
from typing import Any

# Its Runtime API answers in two writes: Nagle's algorithm holds the second back until the function's delayed acknowledgement, 40 ms.
# Set before the module that derives from it is imported.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

from ministack.app import main  # noqa: E402
from ministack.core import lambda_runtime  # noqa: E402
from ministack.services import apigateway_v1, lambda_svc  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402


def shorten_log_wait() -> None:
    """After each invocation it waits 50 ms for a first log line that has mostly come by then: 2 ms do."""
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.002, 0.001, 0.25)


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


shorten_log_wait()
read_concurrency_as_a_number()
import_any_methods()
accept_metric_math()
sys.argv = ["ministack"]
main()
