"""Chromium without a window, driven through its own driver by the WebDriver protocol.

Two programs of the system, `chromium` and `chromedriver`, and nothing of PyPI: no test downloads a
driver, and the tests need no package for this.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",  # nothing is clicked while it still scrolls
)
ENTER, TAB, SPACE, ESCAPE = "\ue007", "\ue004", " ", "\ue00c"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key that the protocol has for an element."""
_SECONDS = 60


def missing() -> str | None:
    """What is not on the PATH; None where both programs are."""
    if not any(map(shutil.which, BROWSERS)):
        return "no chromium on PATH"
    return None if shutil.which("chromedriver") else "no chromedriver on PATH"


class Browser:
    """A window of the browser."""

    def __init__(self, address: str, profile: Path) -> None:
        self._driver = address
        binary = next(filter(None, map(shutil.which, BROWSERS)))
        wanted = {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {
                "binary": binary,
                "args": [*FLAGS, f"--user-data-dir={profile}"],
            },
        }
        made = _ask("POST", f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})
        self._address = f"{address}/session/{made['sessionId']}"

    def open(self, file: Path) -> None:
        self._post("url", url=file.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function body gives, run in the page."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def text(self, selector: str) -> str:
        """What is in the first element that fits, seen or not."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def is_seen(self, selector: str) -> bool:
        """Whether any element that fits is seen."""
        found = "[...document.querySelectorAll(arguments[0])]"
        return bool(self.run(f"return {found}.some((one) => one.checkVisibility())", selector))

    def focus(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).focus()", selector)

    def choose(self, selector: str, value: str) -> None:
        """An option of a list, by its value."""
        self.run(
            "const list = document.querySelector(arguments[0]); list.value = arguments[1];"
            "list.dispatchEvent(new Event('change'))",
            selector, value,
        )  # fmt: skip

    def click(self, selector: str) -> None:
        self._post(f"element/{self._find(selector)}/click")

    def write(self, selector: str, text: str) -> None:
        self._post(f"element/{self._find(selector)}/value", text=text)

    def press(self, *keys: str) -> None:
        """Keys on whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("actions", actions=[{"type": "key", "id": "keys", "actions": actions}])

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._post("goog/cdp/execute", cmd=command, params=parameters)

    def size(self, width: int, height: int = 900) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def media(self, media: str = "", **features: str) -> None:
        """As on paper, or with settings of the system such as `prefers_color_scheme`."""
        given = [{"name": key.replace("_", "-"), "value": one} for key, one in features.items()]
        self.devtools("Emulation.setEmulatedMedia", media=media, features=given)

    def said(self) -> list[str]:
        """What the console has shown since it was asked last."""
        entries = self._post("se/log", type="browser")
        return [f"{one['level']}: {one['message']}" for one in entries]

    def requested(self) -> list[str]:
        """The addresses that were asked for since they were asked for last."""
        entries = self._post("se/log", type="performance")
        events = [json.loads(one["message"])["message"] for one in entries]
        return [
            one["params"]["request"]["url"]
            for one in events
            if one["method"] == "Network.requestWillBeSent"
        ]

    def picture(self, file: Path, *, whole: bool = True) -> Path:
        found = self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))
        return file

    def close(self) -> None:
        _ask("DELETE", self._address)

    def _find(self, selector: str) -> str:
        found = self._post("element", using="css selector", value=selector)
        return str(found[_ELEMENT])

    def _post(self, command: str, **parameters: Any) -> Any:
        return _ask("POST", f"{self._address}/{command}", parameters)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`; it and its driver are ended afterwards."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert driver.stdout is not None
        port = next(
            found[1] for line in driver.stdout if (found := re.search(r"on port (\d+)\.", line))
        )
        window = Browser(f"http://127.0.0.1:{port}", folder / "profile")
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.wait(_SECONDS)
        if driver.stdout is not None:
            driver.stdout.close()


def _ask(method: str, address: str, body: Any = None) -> Any:
    """Raises `RuntimeError` with what the driver says of a fault."""
    content = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    asked.get_method = lambda: method  # type: ignore[method-assign]
    # Not through a proxy: the driver is a process of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=_SECONDS) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None
