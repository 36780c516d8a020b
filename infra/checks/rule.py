"""What all rules have in common."""

from collections.abc import Iterator
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from checks.stack import Stack

Faults = Iterator[tuple[str, str]]
"""Logical ids of resources, and what is wrong with each."""


class Check(CloudFormationLintRule):
    """A rule of ours. Its documentation is what cfn-lint tells of it."""

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.shortdesc = cls.description = cls.__doc__ or ""

    def faults(self, stack: Stack) -> Faults:
        """What is wrong with the template."""
        raise NotImplementedError

    def match(self, cfn: Any) -> list[RuleMatch]:
        """As cfn-lint calls it."""
        return [RuleMatch(["Resources", name], f"{name}: {fault}") for name, fault in self.faults(Stack(cfn.template))]
