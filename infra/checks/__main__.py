"""Checks `template.yaml` by the rules in `rules/`, then the rules by the controls in `controls.yaml`."""

import copy
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from cfnlint.api import lint
from cfnlint.rules import RulesCollection
from samtranslator.translator.transform import transform

from cloud import template
from cloud.paths import ROOT

_REGION = "eu-west-1"
_HERE = Path(__file__).parent

Template = dict[str, Any]


class _NoPolicies:
    """Names no policy of AWS's: the template names none but those that SAM brings."""

    def load(self) -> dict[str, str]:
        return {}


def main() -> int:
    """Prints every fault; the status to exit with."""
    # What SAM says of its own feature flags.
    logging.disable(logging.WARNING)
    os.environ["AWS_DEFAULT_REGION"] = _REGION
    source = template.load(ROOT / "template.yaml")
    rules = RulesCollection()
    rules.create_from_directory(str(_HERE / "rules"))
    faults = [str(match) for match in _broken(rules, _deployed(source))]
    controls: dict[str, list[dict[str, Any]]] = yaml.safe_load((_HERE / "controls.yaml").read_text())
    if untested := sorted(set(rules.rules) - controls.keys()):
        faults.append(f"no control: {', '.join(untested)}")
    for name, changes in controls.items():
        for change in changes:
            if not any(match.rule.id == name for match in _broken(rules, _changed(source, change))):
                faults.append(f"{name} accepts {change}")
    print("\n".join(faults) or f"template.yaml keeps {len(rules)} rules; {sum(map(len, controls.values()))} changes that break them are refused.")
    return 1 if faults else 0


def _broken(rules: RulesCollection, deployed: Template) -> list[Any]:
    return list(lint(json.dumps(deployed), rules, [_REGION]))


def _deployed(source: Template) -> Template:
    """What SAM makes of a template: what CloudFormation gets."""
    built = copy.deepcopy(template.with_code(source, lambda binary: f"s3://bucket/{binary}"))
    for name, resource in built["Resources"].items():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = f"s3://bucket/{name}"
    return dict(transform(built, {}, _NoPolicies()))


def _changed(source: Template, change: dict[str, Any]) -> Template:
    """What is deployed with a control's change."""
    changed = copy.deepcopy(source)
    for path, value in change.get("with", {}).items():
        _put(changed, path, value)
    if "without" in change:
        holder, key = _find(changed, change["without"])
        del holder[key]
    deployed = _deployed(changed)
    for path, value in change.get("deployed", {}).items():
        _put(deployed, path, value)
    return deployed


def _put(tree: Template, path: str, value: object) -> None:
    holder, key = _find(tree, path)
    holder[key] = value


def _find(tree: Template, path: str) -> tuple[Any, Any]:
    """The mapping or list that the last part of a path is in, and that part. What is not there on the way is made."""
    *way, last = path.split(".")
    holder: Any = tree
    for step in way:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    return holder, int(last) if isinstance(holder, list) else last


if __name__ == "__main__":
    sys.exit(main())
