"""The command line: `localstack/up`, `localstack/down` and `localstack/dynamodb-local`."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from cloud import browser, venv, walk, yt_dlp
from cloud.backends import BACKENDS, DEFAULT
from cloud.build import Release
from cloud.console import complain
from cloud.errors import CloudError

_HIGHEST_PORT = 65535


class _Signalled(BaseException):
    """A signal to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: Sequence[str]) -> int:
    """Runs a command; the status to exit with."""
    # What was started is ended, however the command is interrupted.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return _run(_parse(arguments), arguments)
    except CloudError as error:
        _complain(error, str(error))
        return 1
    except KeyboardInterrupt as error:
        _complain(error, "interrupted")
        return 128 + signal.SIGINT
    except _Signalled as error:
        _complain(error, "ended by a signal")
        return 128 + error.number


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    if options.command == "down":
        from cloud.down import down

        down(options.port)
        return 0
    if options.command == "dynamodb-local":
        from cloud import dynamodb_local

        dynamodb_local.run(options.port)
    if options.command in {"browser", "console-walk", "yt-dlp"}:
        # Who asks reads the paths alone, also where something is installed first.
        with contextlib.redirect_stdout(sys.stderr):
            found = {"browser": lambda: [browser.find()], "console-walk": lambda: [walk.find()], "yt-dlp": yt_dlp.find}[options.command]()
        print(*found, sep="\n")
        return 0
    if options.command == "deployment":
        venv.DEPLOYMENT.ensure()
        return 0
    if options.command == "schemathesis":
        venv.SCHEMATHESIS.ensure()
        return 0
    venv.MAIN.ensure()
    if options.command == "up":
        if not venv.entered():
            venv.enter(arguments)
        # Imports what only the virtual environment has.
        from cloud.up import up

        up(options)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="localstack")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser(
        "up",
        prog="localstack/up",
        description="Builds Drover, starts a local cloud, deploys template.yaml to it, and runs a first scraping task. "
        "On a running stack: deploys what changed, and keeps data and keys.",
    )
    up.add_argument("--port", type=_port, default=8000, help="the port that all APIs are on (default: %(default)s)")
    up.add_argument("--no-show", dest="show", action="store_false", help="leave the first task out")
    up.add_argument("--env-file", type=_path, metavar="PATH", help="write what scripts need there, not to target/local/env")
    up.add_argument("--parameter", type=_parameter, action="append", default=[], metavar="KEY=VALUE", help="a parameter of template.yaml")
    up.add_argument("--backend", choices=sorted(BACKENDS), help=f"the emulator of AWS (default: {DEFAULT})")
    up.add_argument("--emulator-port", type=_port, metavar="N", help="the emulator's port (default: a free one)")
    up.add_argument("--dynamodb-port", type=_port, metavar="N", help="DynamoDB's port, where it is a server of its own (default: a free one)")
    up.add_argument("--functions-endpoint", type=_url, metavar="URL", help="where functions find AWS (default: the emulator)")
    up.add_argument(
        "--release", type=_release, metavar="FOLDER", help="deploy this release, not the clone's: its template.yaml, its binaries in bin/"
    )
    down = commands.add_parser("down", prog="localstack/down", description="Stops this clone's local clouds.")
    down.add_argument("--port", type=_port, help="only the one on this port")
    dynamodb = commands.add_parser(
        "dynamodb-local",
        prog="localstack/dynamodb-local",
        description="Runs DynamoDB Local alone, in memory and in the foreground, on 127.0.0.1.",
    )
    dynamodb.add_argument("--port", type=_port, required=True, help="the port to listen on")
    commands.add_parser("browser", prog="localstack/python browser", description="Installs a browser, if there is none, and prints where it is.")
    commands.add_parser(
        "console-walk", prog="localstack/python console-walk", description="Installs what walks through the console, and prints where it is."
    )
    commands.add_parser("yt-dlp", prog="localstack/python yt-dlp", description="Installs yt-dlp, and prints where it is and its Python.")
    commands.add_parser("deployment", prog="localstack/python deployment", description="Installs target/deployment only.")
    commands.add_parser("schemathesis", prog="localstack/python schemathesis", description="Installs target/schemathesis only.")
    commands.add_parser("venv", prog="localstack/python venv", description="Installs target/venv only.")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _path(text: str) -> Path:
    # Before anything changes the folder that it is relative to.
    return Path(text).absolute()


def _release(text: str) -> Release:
    folder = _path(text)
    return Release(folder / "template.yaml", folder / "bin")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise argparse.ArgumentTypeError(f"{text!r} is no address")
    return text.rstrip("/")


def _end(number: int, _frame: FrameType | None) -> None:
    raise _Signalled(number)


def _complain(error: BaseException, message: str) -> None:
    """Says what went wrong, then what was done about it."""
    for text in (message, *getattr(error, "__notes__", ())):
        complain(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
