"""The dashboard and the saved queries: they show all that there is, and nothing that there is not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checks import rule
from checks.stack import Stack, named, referred
from dashboard.emitted import Metrics, emitted

_EMITTED = emitted(Path(__file__).parents[3])
_DOCS = Path(__file__).parents[3] / "docs"
_NAMESPACE = "Drover"
_REST_API = "Api"
# What every function uses: an arrow from each would hide the others.
_FOR_ALL = {"identity", "limits"}

Metric = tuple[str, str, list[Any]]
"""Its namespace, its name, and its dimensions: names and values in turn."""


def _widgets(board: dict[str, Any]) -> list[dict[str, Any]]:
    body = board.get("DashboardBody", {})
    return list(json.loads(body.get("Fn::Sub", body) if isinstance(body, dict) else body)["widgets"])


def _shown(widget: dict[str, Any]) -> Iterator[Metric]:
    """The metrics of a widget, without expressions."""
    for metric in widget.get("properties", {}).get("metrics", []):
        path = [each for each in metric if not isinstance(each, dict)]
        if path:
            namespace, name, *dimensions = path
            yield namespace, name, dimensions


def _expressions(widget: dict[str, Any]) -> str:
    """The expressions of a widget."""
    metrics = widget.get("properties", {}).get("metrics", [])
    return " ".join(part["expression"] for metric in metrics for part in metric if isinstance(part, dict) and "expression" in part)


def _alarmed(alarm: dict[str, Any]) -> Iterator[Metric]:
    several = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    for metric in several or [alarm]:
        dimensions = [part for each in metric.get("Dimensions", []) for part in (each["Name"], each["Value"])]
        yield metric.get("Namespace", ""), metric.get("MetricName", ""), dimensions


def _function(dimensions: list[Any]) -> str | None:
    """The logical id of the function that a metric of ours is of."""
    pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
    value = pairs.get("function")
    return str(value).removeprefix("${").removesuffix("}") if isinstance(value, str) else referred(value)


def _emitted_by(stack: Stack) -> dict[str, Metrics]:
    """What each function may emit, by its logical id."""
    asked = {
        stack.function(permission["FunctionName"])
        for _, permission in stack.properties("Lambda::Permission")
        if permission.get("Principal") == "apigateway.amazonaws.com" and _REST_API in named(permission.get("SourceArn"))
    }
    crates = {name: resource.get("Metadata", {}).get("BuildProperties", {}).get("Binary", "") for name, resource in stack.of("Lambda::Function")}
    return {name: _EMITTED.by(crate, answers=name in asked) for name, crate in crates.items()}


class MetricsEmitted(rule.Check):
    """A metric of ours that an alarm or the dashboard watches is one that its function emits, with just these dimensions."""

    id = "E9631"

    def faults(self, stack: Stack) -> rule.Faults:
        emitted_by = _emitted_by(stack)
        watched = [(name, metric) for name, alarm in stack.properties("CloudWatch::Alarm") for metric in _alarmed(alarm)]
        watched += [(name, metric) for name, board in stack.properties("CloudWatch::Dashboard") for each in _widgets(board) for metric in _shown(each)]
        for name, (namespace, metric, dimensions) in watched:
            if namespace == _NAMESPACE:
                function = str(_function(dimensions))
                if emitted_by.get(function, {}).get(metric) != set(dimensions[::2]):
                    yield name, f"watches {metric} of {function} by {', '.join(dimensions[::2])}, which emits no such metric"


class RefusalsTold(rule.Check):
    """Whatever may be refused what only an operator can mend is in an alarm."""

    id = "E9637"

    def faults(self, stack: Stack) -> rule.Faults:
        watched = {(metric, _function(dimensions)) for _, alarm in stack.properties("CloudWatch::Alarm") for _, metric, dimensions in _alarmed(alarm)}
        for function, metrics in _emitted_by(stack).items():
            for metric in sorted({"MailsRefused", "SecretsRefused"} & metrics.keys()):
                if (metric, function) not in watched:
                    yield function, f"may emit {metric} without an alarm"


class MetricsShown(rule.Check):
    """What the code emits is on the dashboard."""

    id = "E9632"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, board in stack.properties("CloudWatch::Dashboard"):
            widgets = _widgets(board)
            shown = {metric for each in widgets for namespace, metric, _ in _shown(each) if namespace == _NAMESPACE}
            # Those of all versions of a function are searched for.
            shown |= set(re.findall(r'MetricName="(\w+)"', " ".join(map(_expressions, widgets))))
            for metric in sorted(_EMITTED.names - shown):
                yield name, f"does not show {metric}, which the code emits"


class DashboardWhole(rule.Check):
    """There is a dashboard, and on it are every function, every queue and every table."""

    id = "E9633"

    def faults(self, stack: Stack) -> rule.Faults:
        boards = list(stack.properties("CloudWatch::Dashboard"))
        seen = {part for _, board in boards for part in named(board.get("DashboardBody"))}
        for name, _ in stack.of("Lambda::Function", "SQS::Queue", "DynamoDB::Table"):
            if name not in seen:
                yield name, "is not on the dashboard (infra/dashboard/rows.yaml)"


class DashboardFits(rule.Check):
    """The dashboard has no more than CloudWatch takes: 500 widgets, 500 metrics in each, 2500 in all; and in an alarm widget 100 alarms."""

    id = "E9634"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, board in stack.properties("CloudWatch::Dashboard"):
            widgets = _widgets(board)
            each = [len(widget.get("properties", {}).get("metrics", [])) for widget in widgets]
            alarms = [len(widget.get("properties", {}).get("alarms", [])) for widget in widgets]
            if len(widgets) > 500 or max(each, default=0) > 500 or sum(each) > 2_500 or max(alarms, default=0) > 100:
                yield name, f"has {len(widgets)} widgets with {sum(each)} metrics: more than CloudWatch takes"


class PartsTold(rule.Check):
    """Every function, table and queue has its row in docs/architecture.md, a table's with its indexes, and its place in the picture there."""

    id = "E9636"

    def faults(self, stack: Stack) -> rule.Faults:
        told, drawn = (_DOCS / "architecture.md").read_text(), (_DOCS / "pictures" / "architecture.txt").read_text()
        drawn_names = set(re.findall(r"[\w-]+", drawn))
        for kind, form in [("Lambda::Function", "FunctionName"), ("DynamoDB::Table", "TableName"), ("SQS::Queue", "QueueName")]:
            for logical, part in stack.properties(kind):
                name = _own_name(part.get(form))
                if name.endswith("-dead") or name == "failed-events":
                    continue
                rows = [line for line in told.splitlines() if line.startswith(f"| `{name}` |")]
                if not rows:
                    yield logical, f"has no row in docs/architecture.md ({name})"
                for index in [*part.get("LocalSecondaryIndexes", []), *part.get("GlobalSecondaryIndexes", [])]:
                    if not any(f"`{index['IndexName']}`" in row for row in rows):
                        yield logical, f"has no word of its index {index['IndexName']} in docs/architecture.md ({name})"
                if name not in drawn_names and name not in _FOR_ALL:
                    yield logical, f"is not in the picture of docs/architecture.md ({name})"


def _own_name(name: Any) -> str:
    """A name without the stack's."""
    text = name.get("Fn::Sub", "") if isinstance(name, dict) else str(name)
    return str(text).removeprefix("${AWS::StackName}-")


class LogsSearched(rule.Check):
    """A saved query looks into every log, of every function."""

    id = "E9635"

    def faults(self, stack: Stack) -> rule.Faults:
        groups = {name for name, _ in stack.of("Logs::LogGroup")}
        for name, query in stack.properties("Logs::QueryDefinition"):
            for group in sorted(groups - set(named(query.get("LogGroupNames")))):
                yield name, f"does not look into {group}"
