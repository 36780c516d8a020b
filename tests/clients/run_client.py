"""Runs the contract's Python program as it stands, but for three strings: the base URL, the key and the page.

    run_client.py PROGRAM BASE_URL KEY PAGE

The program looks at its task once, right after it has made it. Its last part, from "# Check task status" on, is therefore run once
more when the task has ended.
"""

import sys
import time
from pathlib import Path

LAST_PART = "# Check task status"
PATIENCE_SECONDS = 60


def main(program: str, base_url: str, key: str, page: str) -> None:
    source = Path(program).read_text(encoding="utf-8")
    for documented, actual in [
        ("https://api.selextract.com", base_url),
        ("sk_prod_your_api_key_here", key),
        ("https://example-store.com/products", page),
    ]:
        if source.count(documented) != 1:
            sys.exit(f"{documented} is not in {program} exactly once")
        source = source.replace(documented, actual)
    names = {"__name__": "__main__"}
    exec(compile(source, program, "exec"), names)

    client, task_id = names["client"], names["task"]["id"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.get_task(task_id)["status"] in ("pending", "running"):
        if time.monotonic() > deadline:
            sys.exit("the task does not end")
        time.sleep(0.05)
    exec(compile(source[source.index(LAST_PART) :], program, "exec"), names)


if __name__ == "__main__":
    main(*sys.argv[1:])
