"""Keeps what the release before needs to go on running, as CloudFormation does until all traffic has moved away from it.

`keep.py before STACK FILE` publishes what each function runs now as a version, unless its release did so itself, and notes their roles.
`keep.py after STACK FILE` brings back those roles that the release deployed since has no use for: they would go at the end of a rollout only.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3


def before(stack: str, notes: Path) -> None:
    """Publishes versions, and notes roles."""
    functions, roles = _client("lambda"), {}
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(f"{stack}-"):
                version = functions.publish_version(FunctionName=function["FunctionName"])["Version"]
                print(f"    {function['FunctionName']}: version {version}")
                role = function["Role"].rpartition("/")[2]
                roles[role] = _role(role)
    notes.write_text(json.dumps(roles))


def after(_stack: str, notes: Path) -> None:
    """Brings roles back."""
    iam = _client("iam")
    for name, role in json.loads(notes.read_text()).items():
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["trust"]))
        except iam.exceptions.EntityAlreadyExistsException:
            # Of both releases. Its policies are the new one's by now, for the old versions too.
            continue
        print(f"    {name} is back")
        for policy, document in role["inline"].items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        for policy in role["attached"]:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy)


def _role(name: str) -> dict[str, Any]:
    """All of a role."""
    iam = _client("iam")
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "trust": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
        "inline": {policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline},
        "attached": [policy["PolicyArn"] for policy in attached],
    }


def _client(service: str) -> Any:
    return boto3.client(service, region_name=os.environ["AWS_REGION"])


if __name__ == "__main__":
    {"before": before, "after": after}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
