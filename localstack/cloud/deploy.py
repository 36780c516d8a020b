"""Deploys a release by CloudFormation, as production does: packages to a bucket, the stack created or updated."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cloud import build, template
from cloud.aws import ACCESS_KEY, REGION, SECRET_KEY
from cloud.emulator import NAME as EMULATOR
from cloud.errors import CloudError
from cloud.state import Stack

STACK_NAME = "drover"

_BUCKET = "drover-deployments"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_DEPLOY_SECONDS = 300


@dataclass(frozen=True)
class Deployment:
    """What became of a deployment."""

    api: str
    stage: str
    sockets: str | None
    """The WebSocket API, where the emulator has such."""
    changed: bool


def deploy(stack: Stack, release: build.Release, defaults: Mapping[str, str], parameters: Mapping[str, str]) -> Deployment:
    """Deploys what was built, with `parameters`, and `defaults` where the template takes them; changes only what differs from what is
    there."""
    source = template.load(release.template)
    taken = template.parameters(source)
    if unknown := sorted(parameters.keys() - taken):
        raise CloudError(f"{release.template} takes no parameter {', '.join(unknown)}; it takes {', '.join(sorted(taken))}")
    chosen = {name: value for name, value in defaults.items() if name in taken} | dict(parameters)
    try:
        return _deploy(stack, release, source, chosen)
    except (BotoCoreError, ClientError) as error:
        raise CloudError(f"the emulator refused: {error}; see {stack.log(EMULATOR)}") from error


def _deploy(stack: Stack, release: build.Release, source: template.Template, parameters: Mapping[str, str]) -> Deployment:
    s3 = client("s3", stack)
    _ensure_bucket(s3)

    def upload(binary: str) -> str:
        package = build.package(binary, release)
        if not _exists(s3, package.key):
            s3.put_object(Bucket=_BUCKET, Key=package.key, Body=package.path.read_bytes())
        return f"s3://{_BUCKET}/{package.key}"

    deployed = template.without_saved_queries(template.without_layers(template.with_code(source, upload)))
    body = json.dumps(template.with_numbers(template.with_whole_answers(deployed), parameters)).encode()
    key = f"{sha256(body).hexdigest()}.template"
    s3.put_object(Bucket=_BUCKET, Key=key, Body=body)
    return _apply(client("cloudformation", stack), f"{stack.emulator}/{_BUCKET}/{key}", parameters)


def _apply(cloudformation: Any, template_url: str, parameters: Mapping[str, str]) -> Deployment:
    request = {
        "StackName": STACK_NAME,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())],
        "Capabilities": _CAPABILITIES,
    }
    try:
        changed = True
        if _describe(cloudformation) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        changed = False
    outputs = _await(cloudformation)
    try:
        return Deployment(api=outputs["RestApiId"], stage=outputs["StageName"], sockets=outputs.get("SocketApiId"), changed=changed)
    except KeyError as error:
        raise CloudError(f"template.yaml has no output {error}") from error


def _await(cloudformation: Any) -> dict[str, str]:
    """The stack's outputs, once it has settled."""
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while time.monotonic() < deadline:
        described = _describe(cloudformation) or {"StackStatus": "DELETE_COMPLETE"}
        status = described["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            # LocalStack says that it is complete a moment before it has the outputs.
            if outputs := described.get("Outputs"):
                return {output["OutputKey"]: output["OutputValue"] for output in outputs}
        elif not status.endswith("_IN_PROGRESS"):
            raise CloudError(f"the deployment ended as {status}:\n{_reasons(cloudformation)}")
        time.sleep(0.25)
    raise CloudError(f"the deployment has not ended after {_DEPLOY_SECONDS} s:\n{_reasons(cloudformation)}")


def _describe(cloudformation: Any) -> dict[str, Any] | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return next((stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"), None)


def _reasons(cloudformation: Any) -> str:
    """Why resources failed, the first fault first."""
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("_FAILED")]
    lines = [f"    {event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed]
    return "\n".join(lines) or "    (no resource says why)"


def _ensure_bucket(s3: Any) -> None:
    try:
        s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def _exists(s3: Any, key: str) -> bool:
    try:
        s3.head_object(Bucket=_BUCKET, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


def client(service: str, stack: Stack) -> Any:
    """A client of the emulator's."""
    return boto3.client(
        service,
        endpoint_url=stack.emulator,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        # Nothing of the person's own AWS configuration may have a say here: it could name a proxy or another endpoint.
        config=Config(s3={"addressing_style": "path"}, proxies={}, read_timeout=_DEPLOY_SECONDS),
    )
