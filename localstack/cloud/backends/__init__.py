"""The emulators of AWS that the local cloud can stand on: one module each, all behind `Backend`."""

from cloud.backends.backend import Backend, Server
from cloud.backends.localstack import LocalStack
from cloud.backends.ministack import MiniStack

__all__ = ["BACKENDS", "DEFAULT", "Backend", "Server"]

DEFAULT = MiniStack.name
BACKENDS: dict[str, Backend] = {each.name: each for each in (MiniStack(), LocalStack())}
