"""The section of `template.yaml` that has the dashboard and the saved queries, as text."""

import json
from typing import Any

from dashboard.board import Board

BEGIN = "  # ── What an operator looks at ─"
END = "  # ── Rollouts ─"
_WIDTH = 121


def section(board: Board, queries: list[dict[str, str]]) -> str:
    """The section, from its heading to the next one's."""
    lines = [
        BEGIN.ljust(_WIDTH, "─"),
        "  # Written by infra/dashboard/write, from infra/dashboard/rows.yaml, this template, and what the code emits.",
        "  Dashboard:",
        "    Type: AWS::CloudWatch::Dashboard",
        "    Properties:",
        "      DashboardName: !Ref AWS::StackName",
        "      DashboardBody: !Sub |-",
        *(f"        {line}" for line in _body(board.widgets())),
    ]
    groups = [name for name, resource in board.template["Resources"].items() if resource["Type"] == "AWS::Logs::LogGroup"]
    for query in queries:
        lines += [
            f"  {''.join(part.capitalize() for part in query['name'].split('-'))}Query:",
            "    Type: AWS::Logs::QueryDefinition",
            "    Properties:",
            f"      Name: !Sub ${{AWS::StackName}}/{query['name']}",
            "      QueryString: |-",
            *(f"        {line}" for line in query["text"].splitlines()),
            "      LogGroupNames:",
            *(f"        - !Ref {group}" for group in groups),
        ]
    return "\n".join(lines) + "\n\n"


def _body(widgets: list[dict[str, Any]]) -> list[str]:
    """JSON with a line for each metric, so that a change of one is a change of a line."""
    lines = ['{"widgets": [']
    for number, widget in enumerate(widgets):
        comma = "," if number < len(widgets) - 1 else ""
        properties = dict(widget["properties"])
        several = next((name for name in ("metrics", "alarms") if name in properties), None)
        if several is None:
            lines.append(f"{_json(widget)}{comma}")
            continue
        items = properties.pop(several)
        head = _json({**widget, "properties": properties}).removesuffix("}}")
        lines.append(f'{head}, "{several}": [')
        lines += [f"  {_json(item)}{',' if n < len(items) - 1 else ''}" for n, item in enumerate(items)]
        lines.append(f"]}}}}{comma}")
    return [*lines, "]}"]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def replaced(template: str, new: str) -> str:
    """The template's text with this section in place of the one that it has, or before the next if it has none."""
    before, _, rest = template.partition(END)
    return before.partition(BEGIN)[0] + new + END + rest
