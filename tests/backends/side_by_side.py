"""Prints what `cargo test` told of several backends side by side: one row for each suite, one for each test that failed.

side_by_side.py RESULTS.BACKEND...
"""

import re
import sys
from collections import Counter
from pathlib import Path

_TEST = re.compile(r"^test (?P<name>\S+) \.\.\. (?P<outcome>ok|FAILED|ignored)")
_NOT_RUN = "not run"


def outcomes(path: Path) -> dict[str, str]:
    """Each test's outcome by its name."""
    found = (_TEST.match(line) for line in path.read_text(errors="replace").splitlines())
    return {test["name"]: test["outcome"] for test in found if test}


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Rows as aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(heading, *rows, strict=True)]
    lines = [heading, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def main(paths: list[Path]) -> None:
    """Prints both tables."""
    backends = {path.suffix.removeprefix("."): outcomes(path) for path in paths}
    names = sorted(set().union(*backends.values()))
    suites = sorted({name.partition("::")[0] for name in names})
    rows = [[suite, *(_told(results, names, f"{suite}::") for results in backends.values())] for suite in suites]
    rows.append(["all", *(_told(results, names, "") for results in backends.values())])
    print(table(["suite: passed/failed/not run", *backends], rows))
    failed = [name for name in names if any(results.get(name) == "FAILED" for results in backends.values())]
    if failed:
        print()
        print(table(["failed", *backends], [[name, *(results.get(name, _NOT_RUN) for results in backends.values())] for name in failed]))


def _told(results: dict[str, str], names: list[str], suite: str) -> str:
    count = Counter(results.get(name, _NOT_RUN) for name in names if name.startswith(suite))
    return f"{count['ok']}/{count['FAILED']}/{count[_NOT_RUN] + count['ignored']}"


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
