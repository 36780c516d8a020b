"""The dashboard's widgets, as CloudWatch wants them: what they refer to is left to `Fn::Sub`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.emitted import OF_ANY, OF_REQUESTS, Emitted

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 24

Template = dict[str, Any]
Metric = list[Any]
Widget = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """A function of the template."""

    name: str
    """Its logical id, without `Function`."""
    crate: str
    memory: int
    answers: bool
    """Whether it answers HTTP requests."""
    queues: tuple[str, ...]
    """The logical ids of the queues that it works off."""

    @property
    def ref(self) -> str:
        return f"${{{self.name}Function}}"


@dataclass(frozen=True)
class Board:
    """What the dashboard is made of."""

    template: Template
    emitted: Emitted
    rows: Sequence[dict[str, Any]]

    def widgets(self) -> list[Widget]:
        """All widgets, in their places."""
        placed, y = [], 0
        for title, widgets in [("All APIs", list(self._overview())), *self._rows()]:
            heading = {"type": "text", "x": 0, "y": y, "width": _COLUMNS, "height": 1, "properties": {"markdown": f"## {title}"}}
            placed.append(heading)
            y += 1
            for number, widget in enumerate(widgets):
                column, line = number % (_COLUMNS // _WIDTH), number // (_COLUMNS // _WIDTH)
                kind, properties = widget["type"], widget["properties"]
                place = {"x": column * _WIDTH, "y": y + line * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
                placed.append({"type": kind, **place, "properties": properties})
            y += -(-len(widgets) // (_COLUMNS // _WIDTH)) * _HEIGHT
        return placed

    def _rows(self) -> Iterator[tuple[str, list[Widget]]]:
        functions = {function.name: function for function in self.functions()}
        tables = {name.removesuffix("Table") for name in self._of("AWS::DynamoDB::Table")}
        for number, row in enumerate(self.rows):
            named, held = list(row["functions"]), list(row["tables"])
            if number == len(self.rows) - 1:
                named += sorted(functions.keys() - {name for each in self.rows for name in each["functions"]})
                held += sorted(tables - {name for each in self.rows for name in each["tables"]})
            yield row["title"], list(self._row([functions[name] for name in named], held))

    def _row(self, functions: list[Function], tables: list[str]) -> Iterator[Widget]:
        answering = [function for function in functions if function.answers]
        working = [function for function in functions if not function.answers]
        if answering:
            requests = [_ours("Requests", function) for function in answering]
            errors = [_search(function) for function in answering]
            yield _graph("Requests; server errors on the right", [*requests, *map(_right, errors)])
            yield _graph("Latency, p50 and p99 (ms)", [m for f in answering for m in (_ours("Latency", f, stat="p50"), _ours("Latency", f, stat="p99"))])
        if working:
            runs = [_lambda("Invocations", function) for function in working]
            yield _graph("Runs; failed ones on the right", [*runs, *(_right(_lambda("Errors", function)) for function in working)])
            yield _graph("Time of a run, p99 (ms)", [_lambda("Duration", function, stat="p99") for function in working])
        queues = [queue for function in functions for queue in function.queues if queue not in self._dead_letter_queues()]
        if queues:
            age = [_queue("ApproximateAgeOfOldestMessage", queue) for queue in queues]
            depth = [_queue("ApproximateNumberOfMessagesVisible", queue) for queue in [*queues, *map(self._dead_letters_of, queues)]]
            yield _graph("Age of the oldest message (s); messages on the right", [*age, *map(_right, depth)], stat="Maximum")
        counted = [_ours(name, function) for function in functions for name in self._own(function)]
        if counted:
            yield _graph("Counted", counted)
        units = [_table(f"Consumed{kind}CapacityUnits", table) for table in tables for kind in ("Read", "Write")]
        throttled = [_table(f"{kind}ThrottleEvents", table) for table in tables for kind in ("Read", "Write")]
        yield _graph("Capacity units; throttled on the right", [*units, *map(_right, throttled)])

    def _own(self, function: Function) -> list[str]:
        """The metrics that are not every function's."""
        return sorted(self.emitted.by(function.crate, answers=function.answers).keys() - OF_REQUESTS - OF_ANY)

    def _overview(self) -> Iterator[Widget]:
        alarms = [name for name in self._of("AWS::CloudWatch::Alarm") if not name.endswith("RolloutAlarm")]
        yield {"type": "alarm", "properties": {"title": "Alarms", "alarms": [f"${{{name}.Arn}}" for name in alarms]}}
        gateway = ["ApiName", "${AWS::StackName}", "Stage", "live"]
        answers = [["AWS/ApiGateway", name, *gateway, {"label": label}] for name, label in [("Count", "requests"), ("4XXError", "4xx"), ("5XXError", "5xx")]]
        yield _graph("Requests", [answers[0], *map(_right, answers[1:])])
        latency = [["AWS/ApiGateway", "Latency", *gateway, {"label": stat, "stat": stat}] for stat in ("p50", "p95", "p99")]
        yield _graph("Latency (ms)", latency)
        functions = list(self.functions())
        yield _graph("Functions that fail", [_lambda("Errors", function) for function in functions])
        yield _graph("Lines of errors in the logs", [_ours("ErrorLines", function) for function in functions])
        account = [["AWS/Lambda", "ConcurrentExecutions", {"label": "at once", "stat": "Maximum"}], _right(["AWS/Lambda", "Throttles", {"label": "throttled"}])]
        yield _graph("Functions at once, of the whole account", account)
        dead = sorted(self._dead_letter_queues() | {"FailedEventsQueue"})
        yield _graph("Dead letters and failed events", [_queue("ApproximateNumberOfMessagesVisible", queue) for queue in dead], stat="Maximum")
        hidden = [_hidden(_lambda("Duration", function), f"m{number}") for number, function in enumerate(functions)]
        sums = []
        for memory in sorted({function.memory for function in functions}):
            of_it = ", ".join(f"m{number}" for number, function in enumerate(functions) if function.memory == memory)
            sums.append([{"expression": f"{memory} * SUM([{of_it}]) / 1024000", "label": f"functions of {memory} MB"}])
        yield _graph("What Lambda charges for, an hour (GB-seconds)", [*sums, *hidden], period=3600)
        tables = [name.removesuffix("Table") for name in self._of("AWS::DynamoDB::Table")]
        sums, hidden = [], []
        for kind in ("Read", "Write"):
            ids = [f"{kind.lower()}{number}" for number in range(len(tables))]
            sums.append([{"expression": f"SUM([{', '.join(ids)}])", "label": f"{kind.lower()} units"}])
            hidden += [_hidden(_table(f"Consumed{kind}CapacityUnits", table), name) for table, name in zip(tables, ids, strict=True)]
        yield _graph("What DynamoDB charges for, an hour (units)", [*sums, *hidden], period=3600)

    def functions(self) -> Iterator[Function]:
        """The template's functions."""
        usual = self.template["Globals"]["Function"]
        for name, resource in self._of("AWS::Serverless::Function").items():
            properties = resource["Properties"]
            events = properties.get("Events", {}).values()
            queues = tuple(event["Properties"]["Queue"]["Fn::GetAtt"][0] for event in events if event["Type"] == "SQS")
            yield Function(
                name=name.removesuffix("Function"),
                crate=resource["Metadata"]["BuildProperties"]["Binary"],
                memory=properties.get("MemorySize", usual["MemorySize"]),
                answers=any(event["Type"] == "Api" for event in events),
                queues=queues,
            )

    def _dead_letter_queues(self) -> set[str]:
        return {self._dead_letters_of(name) for name, queue in self._of("AWS::SQS::Queue").items() if "RedrivePolicy" in queue["Properties"]}

    def _dead_letters_of(self, queue: str) -> str:
        return str(self.template["Resources"][queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0])

    def _of(self, kind: str) -> dict[str, Any]:
        return {name: resource for name, resource in self.template["Resources"].items() if resource["Type"] == kind}


def _graph(title: str, metrics: Iterable[Metric], *, stat: str = "Sum", period: int = 60) -> Widget:
    return {"type": "metric", "properties": {"title": title, "region": "${AWS::Region}", "period": period, "stat": stat, "metrics": list(metrics)}}


def _ours(metric: str, function: Function, *, stat: str | None = None) -> Metric:
    label = f"{_kebab(function.name)} {stat or metric}"
    return ["Drover", metric, "function", function.ref, {"label": label, **({"stat": stat} if stat else {})}]


def _search(function: Function) -> Metric:
    """The server errors of all versions of a function."""
    search = f"SEARCH('{{Drover,function,version}} MetricName=\"ServerErrors\" function=\"{function.ref}\"', 'Sum')"
    return [{"expression": f"SUM({search})", "label": f"{_kebab(function.name)} server errors"}]


def _lambda(metric: str, function: Function, *, stat: str | None = None) -> Metric:
    return ["AWS/Lambda", metric, "FunctionName", function.ref, {"label": f"{_kebab(function.name)} {metric}", **({"stat": stat} if stat else {})}]


def _queue(metric: str, queue: str) -> Metric:
    kind = "age" if "Age" in metric else "messages"
    return ["AWS/SQS", metric, "QueueName", f"${{{queue}.QueueName}}", {"label": f"{_kebab(queue.removesuffix('Queue'))} {kind}"}]


def _table(metric: str, table: str) -> Metric:
    return ["AWS/DynamoDB", metric, "TableName", f"${{{table}Table}}", {"label": f"{_kebab(table)} {metric}"}]


def _hidden(metric: Metric, name: str) -> Metric:
    """A metric that is there for an expression."""
    *path, _ = metric
    return [*path, {"id": name, "visible": False}]


def _right(metric: Metric) -> Metric:
    """A metric by the scale on the right."""
    *path, options = metric
    return [*path, {**options, "yAxis": "right"}]


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
