"""Writes the dashboard and the saved queries into `template.yaml`; with `--check`, says whether they are as they would be written."""

import sys
from pathlib import Path

import yaml

from cloud import template
from cloud.paths import ROOT
from dashboard.board import Board
from dashboard.emitted import emitted
from dashboard.section import replaced, section


def main() -> int:
    """The status to exit with."""
    path = ROOT / "template.yaml"
    source = yaml.safe_load((Path(__file__).parent / "rows.yaml").read_text())
    board = Board(template.load(path), emitted(ROOT), source["rows"])
    before = path.read_text()
    after = replaced(before, section(board, source["queries"]))
    if sys.argv[1:] == ["--check"]:
        if before != after:
            print("template.yaml: the dashboard is not what it is made of: run infra/dashboard/write")
        return int(before != after)
    path.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
