"""Demonstration accounts, made with the operator's own command."""

import json
import os
import subprocess
from typing import Any

from cloud import build
from cloud.deploy import STACK_NAME
from cloud.emulator import ACCESS_KEY, REGION, SECRET_KEY
from cloud.errors import CloudError
from cloud.state import Stack

_DEMO = ["--email", "demo@example.com", "--name", "Demo User", "--plan", "professional"]
_OPERATOR = ["--email", "operator@example.com", "--name", "Operator", "--plan", "enterprise", "--operator"]


def seed(stack: Stack) -> dict[str, str]:
    """Makes the accounts; their keys, by their names in the env file."""
    return {"DROVER_ADMIN_KEY": _account(stack, "operator", _OPERATOR), "DROVER_CLOUD_KEY": _account(stack, "demo", _DEMO)}


def _account(stack: Stack, name: str, about: list[str]) -> str:
    user = _droverctl(stack, "users", "create", *about)["user_id"]
    key: str = _droverctl(stack, "keys", "create", "--user", user, "--name", name, "--all-permissions")["api_key"]
    return key


def _droverctl(stack: Stack, *arguments: str) -> dict[str, Any]:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "AWS_ENDPOINT_URL": stack.emulator,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "DROVER_STACK": STACK_NAME,
    }
    command = [str(build.binary("droverctl")), *arguments, "--format", "json"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise CloudError(f"droverctl {' '.join(arguments)} failed: {answer.stderr.strip()}")
    return dict(json.loads(answer.stdout))
