"""What an emulator of AWS is to the local cloud."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cloud.state import Stack


@dataclass(frozen=True)
class Server:
    """How an emulator is started, and where it says that it is ready."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]
    health: str
    """The path that answers 200."""
    start_seconds: int


class Backend(ABC):
    """An emulator of AWS."""

    name: ClassVar[str]
    has_own_dynamodb: ClassVar[bool]
    """Whether its DynamoDB is a server of its own, with a port of its own (`Stack.dynamodb_port`)."""
    has_sockets: ClassVar[bool]
    """Whether it has WebSocket APIs."""
    unescapes_paths: ClassVar[bool]
    """Whether it undoes one level of a path's escapes before functions see it, which API Gateway does not."""

    @abstractmethod
    def install(self) -> None:
        """Installs what it needs, below `target/`."""

    @abstractmethod
    def server(self, stack: Stack, temporary: Path) -> Server:
        """How it is started for `stack`; what it keeps while it runs goes to `temporary`."""

    @abstractmethod
    def stage_path(self, api: str, stage: str) -> str:
        """Where it serves a stage of a REST API."""

    def sockets_path(self, api: str, stage: str) -> str:
        """Where it serves a stage of a WebSocket API, if it `has_sockets`: below this functions post to its connections too."""
        return f"/_aws/execute-api/{api}/{stage}"
