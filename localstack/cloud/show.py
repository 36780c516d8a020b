"""The main job before your eyes: a scraping task through the public API, from its creation to its first rows."""

import time
from typing import Any

import requests

from cloud import demo_site
from cloud.console import ProgressBar, note, step, table
from cloud.errors import CloudError
from cloud.state import Stack

SELECTORS = {"title": ".product-title", "price": ".price", "rating": ".rating"}

_ROWS = 6
_LIMIT_SECONDS = 180
# The API allows 100 requests a minute.
_POLL_SECONDS = 0.8
_REQUEST_SECONDS = 30


def show(stack: Stack) -> str:
    """Runs it; the task's id."""
    try:
        return _show(stack)
    except requests.RequestException as error:
        raise CloudError(f"{stack.url} did not answer as it should: {error}") from error


def _show(stack: Stack) -> str:
    with requests.Session() as session:
        # Without the person's proxies and netrc.
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {stack.keys['DROVER_CLOUD_KEY']}"
        with step("A first task: every page of the demonstration site"):
            pages = [f"http://{stack.demo_host}{path}" for path in demo_site.pages()]
            task = _answer(
                session.post(
                    f"{stack.url}/tasks",
                    json={
                        "name": "Extract product prices",
                        "task_type": "simple_scraping",
                        "config": {"urls": pages, "selectors": SELECTORS, "output_format": "json"},
                    },
                    timeout=_REQUEST_SECONDS,
                )
            )
            identity = str(task["id"])
            note(f"POST {stack.url}/tasks made task {identity} of {len(pages)} pages")
            _follow(session, stack, identity)
        rows = _answer(session.get(f"{stack.url}/tasks/{identity}/download", timeout=_REQUEST_SECONDS))
    _print_rows(rows)
    return identity


def _follow(session: requests.Session, stack: Stack, identity: str) -> None:
    """Shows the task's progress until it has ended."""
    bar = ProgressBar()
    deadline = time.monotonic() + _LIMIT_SECONDS
    try:
        while True:
            task = _answer(session.get(f"{stack.url}/tasks/{identity}", timeout=_REQUEST_SECONDS))
            bar.show(int(task["progress"]), task["status"])
            if task["status"] == "completed":
                return
            if task["status"] not in {"pending", "running"}:
                raise CloudError(f"the task ended as {task['status']}: {task.get('error_message')}")
            if time.monotonic() > deadline:
                raise CloudError(f"the task has not ended after {_LIMIT_SECONDS} s; see {stack.log('emulator')}")
            time.sleep(_POLL_SECONDS)
    finally:
        bar.finish()


def _print_rows(result: Any) -> None:
    rows = result["data"] if isinstance(result, dict) and "data" in result else result
    if not isinstance(rows, list) or not rows:
        raise CloudError(f"the result has no rows: {str(result)[:200]}")
    columns = list(SELECTORS)
    note(f"{len(rows)} rows; the first:")
    print(table([columns, *([str(row.get(column, "")) for column in columns] for row in rows[:_ROWS])]), flush=True)


def _answer(response: requests.Response) -> Any:
    if not response.ok:
        raise CloudError(f"{response.request.method} {response.url} answered {response.status_code}: {response.text[:500]}")
    return response.json()
