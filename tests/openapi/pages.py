"""Opens /docs and /redoc in a headless Chromium, over the DevTools protocol by two pipes, and prints what it saw as JSON: each request that was
sent, the operations that each page shows, and what came of trying an endpoint. `pages.py URL [FOLDER]` keeps screenshots in the folder."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE = 90.0


class Browser:
    """A browser with one tab."""

    def __init__(self, folder: str) -> None:
        ours, theirs = os.pipe(), os.pipe()

        def place() -> None:
            os.dup2(ours[0], 3, inheritable=True)
            os.dup2(theirs[1], 4, inheritable=True)
            # Of a descriptor that is there already nothing is made new, and it would be closed.
            os.set_inheritable(3, True)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--disable-background-networking"]
        flags += ["--no-first-run", "--disable-component-update", f"--user-data-dir={folder}", "--window-size=1280,1600", "about:blank"]
        self.process = subprocess.Popen(
            [os.environ["CHROMIUM"], *flags], preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.writer, self.reader = ours[1], theirs[0]
        self.rest, self.number, self.session = b"", 0, ""
        self.requests: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Sends a command, and gives its result."""
        self.number += 1
        command: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.writer, json.dumps(command).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.reader, 1 << 16)
            if not part:
                raise RuntimeError("the browser is gone")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return dict(json.loads(message))

    def value(self, expression: str) -> Any:
        """What an expression is, on the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")

    def until(self, what: str, expression: str) -> Any:
        """Waits until an expression is something."""
        end = time.monotonic() + PATIENCE
        while not (found := self.value(expression)):
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: {self.value('document.body.innerText.slice(0, 2000)')}")
            time.sleep(0.1)
        return found

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def keep(self, name: str) -> None:
        """A screenshot, if a folder for them is named."""
        if len(sys.argv) > 2:
            picture = self.call("Page.captureScreenshot", format="png")["data"]
            (Path(sys.argv[2]) / f"{name}.png").write_bytes(base64.b64decode(picture))

    def click(self, selector: str) -> None:
        self.until(selector, f"!!document.querySelector({json.dumps(selector)})")
        self.value(f"document.querySelector({json.dumps(selector)}).click()")


def main() -> None:
    url = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(folder)
        try:
            seen = visit(browser, url)
        finally:
            browser.process.kill()
            browser.process.wait()
    print(json.dumps(seen))


def visit(browser: Browser, url: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    browser.open(f"{url}/docs")
    browser.until("Swagger UI", "document.querySelectorAll('.opblock-tag').length > 5")
    browser.keep("docs")
    # One after another: of very many that are open at once Swagger UI makes only those that are looked at.
    sections = browser.value("[...document.querySelectorAll('.opblock-tag')].map((each) => each.id)")
    seen["docs"] = {"operations": sum(operations_of(browser, section) for section in sections)}
    block = "#operations-System-get_health"
    browser.click("#operations-tag-System")
    browser.click(f"{block} .opblock-summary-control")
    browser.click(f"{block} .execute")
    status = f"document.querySelector('{block} .live-responses-table tbody .response-col_status')?.innerText"
    body = f"document.querySelector('{block} .live-responses-table .microlight')?.innerText"
    seen["tried"] = {"status": browser.until("an answer", status).split()[0], "body": browser.until("its body", body)}
    browser.value(f"document.querySelector('{block}').scrollIntoView()")
    browser.keep("tried")
    browser.open(f"{url}/redoc")
    operations = "document.querySelectorAll('[data-section-id*=\"operation/\"], [id*=\"operation/\"]').length"
    seen["redoc"] = {"operations": browser.until("ReDoc", operations)}
    browser.keep("redoc")
    seen["requests"] = [request for request in browser.requests if not request.startswith(("data:", "blob:", "about:"))]
    return seen


def operations_of(browser: Browser, section: str) -> int:
    """Opens a section, and closes it again."""
    browser.click(f"#{section}")
    operations = int(browser.until(section, "document.querySelectorAll('.opblock').length"))
    browser.click(f"#{section}")
    browser.until(f"{section} is closed", "document.querySelectorAll('.opblock').length == 0")
    return operations


if __name__ == "__main__":
    main()
