"""A headless Chromium, driven by its own protocol through two pipes: no port, and no package."""

import base64
import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.missing import program, unable

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_CODES = {"Enter": 13, "Backspace": 8}
_PATIENCE_S = 60.0


class Tab:
    """One page of the browser, and all that it said."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, (method, said["error"])
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    def open(self, url: str) -> None:
        """Open an address, and wait until all of it is there."""
        self.wait_for_page(lambda: self.call("Page.navigate", url=url))

    def wait_for_page(self, leave: Callable[[], object]) -> None:
        """Do what leads to another page, and wait until all of that is there."""
        self.events.clear()
        leave()
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())
        self.settle()

    def settle(self) -> None:
        """Wait until what was begun is drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, script: str) -> Any:  # (whatever a script returns)
        """Return what a script of ours, which no policy of the page holds for, comes to."""
        ended = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in ended, ended["exceptionDetails"]
        return ended["result"].get("value")

    def type(self, text: str) -> None:
        """Type into what has the focus, key by key."""
        for character in text:
            self.call("Input.dispatchKeyEvent", type="char", text=character)
        self.settle()

    def press(self, key: str) -> None:
        """Press a key that has a name."""
        more: dict[str, object] = {"windowsVirtualKeyCode": _CODES[key]}
        if key == "Enter":
            more["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def show(self, *, width: int, is_dark: bool) -> None:
        """Be a window of so many pixels, of somebody who likes it light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def keep(self, path: Path) -> None:
        """Keep what can be seen as a picture."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    @property
    def requested(self) -> list[str]:
        """The addresses that were asked for since a page was opened."""
        sent = [e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [str(each["request"]["url"]) for each in sent]

    @property
    def complaints(self) -> list[str]:
        """What the console shows since a page was opened."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in kinds]

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reader], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser says nothing"
            block = os.read(self._reader, 1 << 20)
            assert block, "the browser ended"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    """Start a browser with its profile in `folder`."""
    chromium = program("chromium") or unable("Chromium is not installed")
    to_it, writer = os.pipe()
    reader, from_it = os.pipe()
    options = [*QUIET, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
    # The protocol is spoken on the descriptors 3 and 4.
    words = f'exec 3<&{to_it} 4>&{from_it} && exec "$@"'
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/bash", "-c", words, "browser", chromium, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(to_it, from_it),
        )
    os.close(to_it)
    os.close(from_it)
    try:
        yield Tab(reader, writer)
    finally:
        os.close(writer)
        os.close(reader)
        process.terminate()
        process.wait(_PATIENCE_S)
