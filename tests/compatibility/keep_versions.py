"""Publishes what each function of a stack runs now as a version, unless its release did so itself: what is deployed over it leaves it alone."""

import os
import sys

import boto3


def main(stack: str) -> None:
    """Says which versions there are."""
    client = boto3.client("lambda", region_name=os.environ["AWS_REGION"])
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if name.startswith(f"{stack}-"):
                print(f"    {name}: version {client.publish_version(FunctionName=name)['Version']}")


main(sys.argv[1])
