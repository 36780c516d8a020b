"""Reads `template.yaml` and points its functions at packages."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from cloud.errors import CloudError

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, and dates left as text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.constructor.ConstructorError(None, None, f"!{suffix} stands before what it cannot", node.start_mark)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path) -> Template:
    """The template, its short forms (`!Ref x`) as long ones (`{"Ref": x}`), so that it can be written as JSON."""
    try:
        return dict(yaml.load(path.read_text(), Loader=_Loader))  # noqa: S506 (it derives from SafeLoader)
    except OSError as error:
        raise CloudError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise CloudError(f"{path} is no YAML: {error}") from error


def with_code(template: Template, locate: Callable[[str], str]) -> Template:
    """The template with each function's `CodeUri` as `locate` says for the binary that its metadata names."""
    resources = dict(template["Resources"])
    for name, function in _functions(template):
        binary = function.get("Metadata", {}).get("BuildProperties", {}).get("Binary")
        if not binary:
            raise CloudError(f"template.yaml: {name} names no binary in Metadata.BuildProperties.Binary")
        resources[name] = {**function, "Properties": {**function["Properties"], "CodeUri": locate(binary)}}
    return {**template, "Resources": resources}


def without_layers(template: Template) -> Template:
    """The template without layers, and without runtimes that functions have for what is in those: functions are processes of this machine, where
    `/opt` is the machine's own.
    """
    resources = {name: resource for name, resource in template["Resources"].items() if resource["Type"] != "AWS::Serverless::LayerVersion"}
    for name, function in _functions(template):
        properties = {key: value for key, value in resources[name]["Properties"].items() if key not in {"Layers", "Runtime"}}
        resources[name] = {**function, "Properties": properties}
    return {**template, "Resources": resources}


def without_saved_queries(template: Template) -> Template:
    """The template without saved queries of logs: no emulator has them."""
    resources = {name: resource for name, resource in template["Resources"].items() if resource["Type"] != "AWS::Logs::QueryDefinition"}
    return {**template, "Resources": resources}


def with_whole_answers(template: Template) -> Template:
    """The template without answers that a gateway passes on as they are made: no emulator's does."""
    return _with_events(template, _with_whole_answer)


def with_numbers(template: Template, chosen: Mapping[str, str]) -> Template:
    """The template with numbers where event sources name a parameter for how many they call at once: MiniStack leaves it a text, which no SDK reads."""

    def with_number(event: dict[str, Any]) -> dict[str, Any]:
        match event["Properties"].get("ScalingConfig"):
            case {"MaximumConcurrency": {"Ref": name}}:
                number = int(chosen.get(name, template["Parameters"][name].get("Default")))
                return {**event, "Properties": {**event["Properties"], "ScalingConfig": {"MaximumConcurrency": number}}}
            case _:
                return event

    return _with_events(template, with_number)


def _with_events(template: Template, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Template:
    resources = dict(template["Resources"])
    for name, function in _functions(template):
        properties = function["Properties"]
        events = {key: change(event) for key, event in properties.get("Events", {}).items()}
        resources[name] = {**function, "Properties": {**properties, "Events": events}} if events else function
    return {**template, "Resources": resources}


def _with_whole_answer(event: dict[str, Any]) -> dict[str, Any]:
    if event["Type"] != "Api":
        return event
    streaming = {"ResponseTransferMode", "TimeoutInMillis"}
    return {**event, "Properties": {key: value for key, value in event["Properties"].items() if key not in streaming}}


def parameters(template: Template) -> set[str]:
    """The names of the parameters that the template takes."""
    return set(template.get("Parameters", {}))


def _functions(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield name, resource
