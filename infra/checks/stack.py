"""A template as CloudFormation gets it: its resources, what they refer to, and the settings that its parameters allow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]
Setting = dict[str, str]


@dataclass(frozen=True)
class Stack:
    """The resources, parameters and mappings of a template."""

    template: dict[str, Any]

    def of(self, *kinds: str) -> Iterator[tuple[str, Resource]]:
        """The resources of these types (without `AWS::`), by their logical ids."""
        for name, resource in self.template["Resources"].items():
            if resource["Type"].removeprefix("AWS::") in kinds:
                yield name, resource

    def properties(self, *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The properties of the resources of these types."""
        for name, resource in self.of(*kinds):
            yield name, resource.get("Properties", {})

    def function(self, value: object) -> str | None:
        """The function that a reference to it, or to its alias, stands for."""
        name = referred(value)
        resource = self.template["Resources"].get(name, {})
        if resource.get("Type") == "AWS::Lambda::Alias":
            return referred(resource["Properties"]["FunctionName"])
        return name if resource.get("Type") == "AWS::Lambda::Function" else None

    def alias(self, value: object) -> str | None:
        """The alias that a reference stands for."""
        name = referred(value)
        return name if self.template["Resources"].get(name, {}).get("Type") == "AWS::Lambda::Alias" else None

    def settings(self) -> Iterator[Setting]:
        """The defaults of all parameters; then the same with one parameter at each of its other values."""
        parameters = self.template.get("Parameters", {})
        defaults = {name: str(parameter["Default"]) for name, parameter in parameters.items() if "Default" in parameter}
        yield defaults
        for name, parameter in parameters.items():
            for value in parameter.get("AllowedValues", [parameter[end] for end in ("MinValue", "MaxValue") if end in parameter]):
                yield {**defaults, name: str(value)}

    def number(self, value: Any, setting: Setting) -> float:
        """What a number is under a setting."""
        if isinstance(value, dict) and "Ref" in value:
            value = setting[value["Ref"]]
        elif isinstance(value, dict) and "Fn::FindInMap" in value:
            mapping, *keys = value["Fn::FindInMap"]
            value = self.template["Mappings"][mapping]
            for key in keys:
                value = value[setting[key["Ref"]] if isinstance(key, dict) else key]
        return float(value)

    def dead_letter_queues(self) -> set[str]:
        """The queues that take what others could not work on."""
        found = set()
        for _, properties in self.properties("SQS::Queue"):
            found.add(referred((properties.get("RedrivePolicy") or {}).get("deadLetterTargetArn")))
        for _, properties in self.properties("Lambda::EventSourceMapping", "Lambda::EventInvokeConfig"):
            found.add(referred(on_failure(properties)))
        for _, properties in self.properties("Events::Rule"):
            found.update(referred(target.get("DeadLetterConfig", {}).get("Arn")) for target in properties.get("Targets", []))
        return {name for name in found if name}


def referred(value: object) -> str | None:
    """The resource or parameter that `Ref` or `Fn::GetAtt` names."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
    return None


def on_failure(properties: dict[str, Any]) -> object:
    """Where an event source or asynchronous calls put what failed."""
    return ((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")


def named(value: object) -> Iterator[str]:
    """Everything that a value refers to: by `Ref`, by `Fn::GetAtt`, or within `Fn::Sub`."""
    match value:
        case {"Fn::Sub": [str(text), dict(values)]}:
            yield from named({"Fn::Sub": text})
            yield from named(values)
        case {"Fn::Sub": text}:
            yield from (part.partition("}")[0].partition(".")[0] for part in str(text).split("${")[1:])
        case dict():
            if name := referred(value):
                yield name
            for each in value.values():
                yield from named(each)
        case list():
            for each in value:
                yield from named(each)
