"""What the person at the keyboard sees."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_BAR_WIDTH = 30


@contextmanager
def step(title: str) -> Iterator[None]:
    """Says what is being done, and how long it took once it is."""
    print(f"==> {title}", flush=True)
    started = time.monotonic()
    yield
    elapsed = time.monotonic() - started
    if elapsed >= 1:
        print(f"    {elapsed:.1f} s", flush=True)


def note(text: str) -> None:
    """Says something about the current step."""
    print(f"    {text}", flush=True)


def complain(text: str) -> None:
    """Says what went wrong."""
    print(f"drover: {text}", file=sys.stderr, flush=True)


class ProgressBar:
    """A bar that is drawn anew in place on a terminal, and is one line per change elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._shown = ""

    def show(self, percent: int, label: str) -> None:
        """Draws `percent` (0 to 100)."""
        if self._live:
            filled = _BAR_WIDTH * percent // 100
            text = f"    [{'█' * filled}{'░' * (_BAR_WIDTH - filled)}] {percent:3d} %  {label}"
        else:
            text = f"    {percent:3d} %  {label}"
        if text == self._shown:
            return
        padding = " " * max(0, len(self._shown) - len(text))
        print(f"\r{text}{padding}" if self._live else text, end="" if self._live else "\n", flush=True)
        self._shown = text

    def finish(self) -> None:
        """Leaves the bar as it stands."""
        if self._live and self._shown:
            print(flush=True)


def table(rows: Sequence[Sequence[str]], *, widest: int = 48) -> str:
    """Rows, of which the first is the heading, as aligned columns."""
    cut = [[cell if len(cell) <= widest else cell[: widest - 1] + "…" for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cut, strict=True)]
    cut.insert(1, ["─" * width for width in widths])
    return "\n".join("    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cut)
