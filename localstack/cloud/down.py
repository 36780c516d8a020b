"""`down`: ends stacks, to the last process."""

from cloud import processes, state
from cloud.console import note
from cloud.errors import CloudError
from cloud.paths import ENV_FILE


def down(port: int | None) -> None:
    """Ends the stack on `port`, or every stack of this clone."""
    known = state.ports()
    if port is not None and port not in known:
        raise CloudError(f"this clone has no stack on port {port}" + (f"; it has {', '.join(map(str, known))}" if known else ""))
    if not known:
        note("nothing is running")
    for each in known if port is None else [port]:
        with state.locked(each):
            _end(each)


def _end(port: int) -> None:
    stack = state.load(port)
    if stack is None:
        return
    if left := processes.stop(stack.processes.values(), stack.folder):
        raise CloudError(f"processes of the stack on port {port} do not end: {', '.join(map(str, left))}")
    if ENV_FILE.exists() and f"DROVER_URL={stack.url}\n" in ENV_FILE.read_text():
        ENV_FILE.unlink()
    stack.forget()
    note(f"the stack on port {port} is stopped")
