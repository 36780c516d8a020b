"""Policies: who may do what, by name."""

from collections.abc import Iterator
from typing import Any

from checks import rule
from checks.stack import Stack

# What a rollout's role needs. Each is AWS's own list, narrow by its actions.
_MANAGED = {"service-role/AWSCodeDeployRoleForLambda", "service-role/AWSCodeDeployRoleForLambdaLimited"}


def _allowed(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that allows something, by the resource that it stands in."""
    for name, properties in stack.properties("IAM::Role", "IAM::ManagedPolicy", "IAM::Policy", "SQS::QueuePolicy", "S3::BucketPolicy", "KMS::Key"):
        documents = [properties.get("PolicyDocument"), properties.get("KeyPolicy")]
        documents += [policy.get("PolicyDocument") for policy in properties.get("Policies", [])]
        for document in filter(None, documents):
            for statement in _list(document["Statement"]):
                if statement.get("Effect") == "Allow":
                    yield name, statement


class ActionsNamed(rule.Check):
    """A policy names each action that it allows."""

    id = "E9501"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, statement in _allowed(stack):
            for action in _list(statement.get("Action", "*")):
                if "*" in action:
                    yield name, f"allows {action}"


class ResourcesNamed(rule.Check):
    """A policy names each resource that it is about, or what is below one of this stack."""

    id = "E9502"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, statement in _allowed(stack):
            for resource in _list(statement.get("Resource", "*")):
                text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                if "*" in str(text) and not str(text).startswith("${"):
                    yield name, f"is about {text}"


class ManagedPoliciesKnown(rule.Check):
    """Besides this stack's own policies only those of AWS's that are known here are attached."""

    id = "E9503"

    def faults(self, stack: Stack) -> rule.Faults:
        for name, role in stack.properties("IAM::Role"):
            for policy in role.get("ManagedPolicyArns", []):
                if isinstance(policy, dict) and "Ref" in policy:
                    continue
                text = policy.get("Fn::Sub", policy) if isinstance(policy, dict) else policy
                if str(text).partition(":policy/")[2] not in _MANAGED:
                    yield name, f"has the policy {text}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
