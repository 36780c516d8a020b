"""The processes of one stack: started in sessions of their own, recorded, and ended without ever hitting a stranger.

A recorded id may since have been given to another program. So a record carries the time its process started, and what is left of a process
that died, or has left its group, is ended only where its environment names the stack.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# In the environment of everything that a stack starts, and of what that starts in turn.
MARKER = "DROVER_LOCAL_STACK"

_GRACE_SECONDS = 5.0
_LAST_SECONDS = 5.0
_REAPING_SECONDS = 3.0
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process that a stack started; it leads its own session and process group."""

    name: str
    pid: int
    started: str
    """When, in the words of the system: only ever compared."""

    def alive(self) -> bool:
        """Whether it is still this very process that has the id."""
        return _start_time(self.pid) == self.started


def start(name: str, command: Sequence[str], *, environment: Mapping[str, str], stack: Path, log: Path) -> Process:
    """Starts a daemon that outlives this command."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=stack,
            env={**environment, MARKER: str(stack)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # It is to outlive this command: Popen need not warn that nobody waited for it.
    child.returncode = 0
    return Process(name, child.pid, _start_time(child.pid) or "")


def stop(processes: Iterable[Process], stack: Path | None = None) -> list[int]:
    """Ends processes with their groups, and where `stack` is given all else that belongs to it; the ids of what could not be ended."""
    known = list(processes)
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, _LAST_SECONDS)):
        deadline = time.monotonic() + patience
        signalled: set[int] = set()
        while left := _members(known, stack):
            # What was started after the first round gets its signal too.
            for pid in left - signalled:
                _send(pid, number)
            signalled |= left
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            _await_reaping(known)
            return []
    return sorted(_members(known, stack))


def _await_reaping(processes: Iterable[Process]) -> None:
    """Waits, for as long as it is worth it, until parents have taken note: then not even `ps` shows what has ended."""
    leaders = {process.pid for process in processes}
    for pid in leaders:
        # What this very command started is its own child.
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    deadline = time.monotonic() + _REAPING_SECONDS
    while leaders.intersection(_groups(zombies=True).values()) and time.monotonic() < deadline:
        time.sleep(0.05)


def _members(processes: Iterable[Process], stack: Path | None) -> set[int]:
    """Everything alive in the processes' groups, and what of the stack has a group of its own."""
    groups = _groups()
    # Where the system shows no environments, the group of a process that died has to do.
    shows = _PROC.joinpath("self", "environ").exists()
    members = {pid for pid in groups if _marked(pid, stack)} if shows and stack else set()
    for process in processes:
        leader = _start_time(process.pid)
        if leader == process.started or (leader is None and not shows):
            members |= {pid for pid, number in groups.items() if number == process.pid}
    return members


def _marked(pid: int, stack: Path) -> bool:
    """Whether a process's environment names the stack."""
    try:
        return f"{MARKER}={stack}".encode() in _PROC.joinpath(str(pid), "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    # What has gone by itself, or become somebody else's, needs no signal.
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _start_time(pid: int) -> str | None:
    """When a process started, or None if there is none or it is a zombie."""
    if _PROC.joinpath("self", "stat").exists():
        fields = _stat(pid)
        return None if fields is None or fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return None if not answer or answer.startswith("Z") else answer.partition(" ")[2].strip()


def _groups(*, zombies: bool = False) -> dict[int, int]:
    """The process group of every process, by its id."""
    if _PROC.joinpath("self", "stat").exists():
        found = {int(entry.name): _stat(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit()}
        return {pid: int(fields[2]) for pid, fields in found.items() if fields is not None and (zombies or fields[0] not in "ZX")}
    listing = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return {int(pid): int(group) for pid, group, state in rows if zombies or not state.startswith("Z")}


def _stat(pid: int) -> list[str] | None:
    """The fields of `/proc/<pid>/stat` from the state on: the name before it may contain anything."""
    try:
        return _PROC.joinpath(str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
