"""What must hold of `template.yaml` beyond what cfn-lint knows of every template: rules of our own for cfn-lint, and their negative controls.

The rules judge what SAM makes of the template, which is what CloudFormation gets. A resource that is meant to break a rule says so, and why,
in its own `Metadata` (`cfn-lint: config: ignore_checks`).
"""
