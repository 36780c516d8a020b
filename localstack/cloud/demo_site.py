"""The demonstration site: a small shop to scrape, on loopback. `python -m cloud.demo_site PORT` serves it."""

import html
import json
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloud import ports, processes
from cloud.errors import CloudError
from cloud.paths import LOCALSTACK, PRODUCTS, VENV
from cloud.state import Stack

NAME = "demo-site"

_START_SECONDS = 15
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} | The Drover's Outfitters</title></head>
<body>
<header><a href="/">The Drover's Outfitters</a></header>
<main class="main-content">
{main}
</main>
</body>
</html>
"""
_PRODUCT = """<article class="product">
  <h1 class="product-title">{name}</h1>
  <p class="product-description">{description}</p>
  <p><span class="price">£{price}</span> · <span class="rating">{rating}</span> of 5</p>
</article>"""


@dataclass(frozen=True)
class Content:
    """One answer."""

    kind: str
    text: str


def site() -> dict[str, Content]:
    """Every page of the site by its path."""
    departments = json.loads(PRODUCTS.read_text())
    pages = {"/robots.txt": Content("text/plain", "User-agent: *\nAllow: /\n")}
    links = "\n".join(f'<li><a href="{_path(each["slug"])}">{html.escape(each["name"])}</a></li>' for each in departments)
    pages["/"] = _content("Catalogue", f'<ul class="departments">\n{links}\n</ul>')
    for department in departments:
        products = [_PRODUCT.format(**{key: html.escape(value) for key, value in product.items()}) for product in department["products"]]
        pages[_path(department["slug"])] = _content(department["name"], "\n".join(products))
    return pages


def pages() -> list[str]:
    """The paths of the pages that list products."""
    return [_path(department["slug"]) for department in json.loads(PRODUCTS.read_text())]


def start(stack: Stack) -> None:
    """Starts it, unless it runs."""
    running = stack.processes.get(NAME)
    if running is not None and running.alive():
        return
    command = [str(VENV / "bin" / "python"), "-m", "cloud.demo_site", str(stack.demo_port)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(LOCALSTACK), "PYTHONDONTWRITEBYTECODE": "1"}
    process = processes.start(NAME, command, environment=environment, stack=stack.folder, log=stack.log(NAME))
    stack.processes[NAME] = process
    stack.save()
    deadline = time.monotonic() + _START_SECONDS
    while not ports.answers(stack.demo_port):
        if not process.alive() or time.monotonic() > deadline:
            raise CloudError(f"the demonstration site does not answer on port {stack.demo_port}; see {stack.log(NAME)}")
        time.sleep(0.05)


def _path(slug: str) -> str:
    return f"/catalogue/{slug}.html"


def _content(title: str, main: str) -> Content:
    return Content("text/html", _PAGE.format(title=html.escape(title), main=main))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out in two writes; see backends/ministack/launcher.py.
    disable_nagle_algorithm = True
    content = site()

    def do_GET(self) -> None:
        found = self.content.get(self.path.partition("?")[0])
        status, answer = (HTTPStatus.OK, found) if found else (HTTPStatus.NOT_FOUND, Content("text/plain", "Not found\n"))
        body = answer.text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
