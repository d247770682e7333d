"""A page with the curve editor in Chromium: what a person does on it, and what Python would receive.

The page here is a plain one. The WebUI's functions and the fields that the editor looks at stand in, under their own
ids, and `received` lists what a real page would send to Python: see `browser.py` for a page of gradio's.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LEFT, RIGHT, TOP, BOTTOM, HEIGHT, GUTTER, CHANGES = 44, 24, 14, 38, 200, 22, 34  # of the drawing, in pixels
LIMIT = 10_000  # milliseconds, for everything that is waited for
PRESETS = [["Sad to happy", "-0.7 > 0 > 0.7"], ["Pulse", "loop 0%:(0):smooth, 50%:(0.7):smooth"], ["Steady", "0.5"]]
# Texts to begin with
SAD = "smile = -0.7 > 0 > 0.7"
KEYS = "smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.25)"
BEZIERS = "smile = 0:(0):bez/0.5/0/0.5/1, 6:(0.6):bez/0.5/0/0.5/1, 12:(0.9)"
TRACKS = "smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 9:(-0.75)\nglasses = 0.9"

# The WebUI's own functions, as far as they are used
SCRIPT = """
function gradioApp() { return document.querySelector("gradio-app")?.shadowRoot ?? document; }
function updateInput(target) { target.dispatchEvent(new Event("input", {bubbles: true})); }
function onUiLoaded(callback) {
    const wait = setInterval(() => {
        if (!gradioApp().querySelector("#ready")) return;
        clearInterval(wait);
        callback();
    }, 50);
}
function onAfterUiUpdate(act) { new MutationObserver(act).observe(document, {childList: true, subtree: true}); }
"""
# What gradio does with a text: Python gets it where it is another, and a little later the page's event comes
PYTHON = """
const received = [];
function tell(text) {
    if (text === received.at(-1)) return;
    received.push(text);
    setTimeout(() => send("tracks", text), 30);
}
function send(name, detail) {
    document.querySelector(".wplus-curve").dispatchEvent(new CustomEvent(`wplus-${name}`, {detail}));
}
function update(text) {
    document.querySelector("textarea").value = text;
    tell(text);
}
"""
# Until what was changed is painted, and not for ever
SETTLE = """() => new Promise((done) => {
    setTimeout(done, 1000);
    requestAnimationFrame(() => requestAnimationFrame(() => done()));
})"""


def static_page() -> str:
    names = ("tracks", "identity", "direction", "add", "strength", "regions", "report", "calibrated")
    data = {name: f"script_txt2img_wplus_{name}" for name in names} | {"tab": "txt2img", "presets": json.dumps(PRESETS)}
    known = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    numbers = {"-ad-video-length": 16, "-ad-batch-size": 16, "-ad-fps": 8, "_batch_size": 1}
    kinds = {"report": "", "calibrated": "", "stage": 'class="wplus-regions" data-tab="txt2img"'}
    empty = "".join(f'<div id="{data.get(name, name)}" {more}></div>' for name, more in kinds.items())
    fields = [f'<label id="txt2img{n}">{n}<input type="number" value="{v}"></label>' for n, v in numbers.items()]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The curve editor</title><link rel="stylesheet" href="style.css">
<script>{SCRIPT}{PYTHON}</script><script type="module" src="javascript/wplus_page.mjs"></script></head>
<body style="margin: 16px; font-family: sans-serif">
{"".join(fields)}<label id="txt2img-ad-enable"><input type="checkbox" checked>AnimateDiff</label>
<label id="{data["identity"]}">Identity<input value="None"></label>
<label id="{data["direction"]}">Direction<input value="smile"></label><p id="{data["strength"]}"><input value="1"></p>
<button id="{data["add"]}" onclick="update('smile = 0.5')">Add</button><label id="{data["tracks"]}">Tracks
<textarea rows="4" cols="60" oninput="tell(this.value)"></textarea></label>
<details open><summary>Editor</summary><div class="wplus-curve" {known}></div></details>
<p id="{data["regions"]}"><textarea></textarea></p>{empty}<div id="ready"></div></body></html>"""


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        body = static_page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[SimpleHTTPRequestHandler] = Handler) -> Iterator[str]:
    """Serve the plain page, or another handler's. Gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def launched(sync_api: object) -> Iterator[object]:
    """A Chromium, driven by playwright."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=60_000)
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: object, url: str = "", **options: object) -> Iterator[object]:
    """A new page, at an address where one is given. No script of it may fail."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    page = context.new_page()
    page.set_default_timeout(LIMIT)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    if url:
        visit(page, url)
    yield page
    context.close()
    assert page.faults == []


def visit(page: object, url: str) -> None:
    page.goto(url, wait_until="domcontentloaded")
    page.locator("#ready").wait_for(state="attached")


class Editor:
    """One editor: what a person does, and what Python receives."""

    def __init__(self, page: object, tab: str = "txt2img") -> None:
        self.page, self.tab = page, tab
        self.root = page.locator(f".wplus-curve[data-tab={tab}]")
        self.svg = self.root.locator("svg.wplus-plot")
        self.area = self.part("tracks").locator("textarea")
        self.half, self.past, self.last = 1.0, False, 15  # of the axis; whether there is a gutter; the last frame

    def part(self, name: str) -> object:
        """An element of the accordion by the end of its id."""
        return self.page.locator(f"#script_{self.tab}_wplus_{name}")

    @property
    def received(self) -> list[str]:
        return self.page.evaluate("received")

    # What a person does

    def type(self, text: str) -> None:
        """Type a text into the box, and wait until Python has it."""
        self.area.fill(text)
        self.gets(text)

    def at(self, frame: float, value: float) -> tuple[float, float]:
        """The place of a frame and a value on the page."""
        box = self.svg.bounding_box()
        inner = box["width"] - LEFT - RIGHT - (GUTTER if self.past else 0)
        y = TOP + (self.half - value) / (2 * self.half) * (HEIGHT - TOP - BOTTOM)
        return box["x"] + LEFT + frame / self.last * inner, box["y"] + y

    def press(self, frame: float, value: float, off: tuple[float, float] = (0, 0)) -> None:
        x, y = self.at(frame, value)
        self.page.mouse.move(x + off[0], y + off[1])
        self.page.mouse.down()

    def move(self, frame: float, value: float, off: tuple[float, float] = (0, 0), steps: int = 5) -> None:
        x, y = self.at(frame, value)
        self.page.mouse.move(x + off[0], y + off[1], steps=steps)

    def release(self) -> None:
        self.page.mouse.up()

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], off: tuple[float, float] = (0, 0), steps: int = 5
    ) -> None:
        self.press(*start, off)
        self.move(*end, off, steps)
        self.release()

    def click(self, frame: float, value: float) -> None:
        self.page.mouse.click(*self.at(frame, value))

    def double_click(self, frame: float, value: float) -> None:
        self.page.mouse.dblclick(*self.at(frame, value))

    def keyboard(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """A key of the keyboard is held down."""
        self.page.keyboard.down(key)
        try:
            yield
        finally:
            self.page.keyboard.up(key)

    def button(self, label: str) -> object:
        return self.root.get_by_role("button", name=label, exact=False).first

    def field(self, label: str) -> object:
        return self.root.get_by_label(label)

    def enter(self, label: str, text: str) -> None:
        """Write into a field, and commit it."""
        self.field(label).fill(text)
        self.field(label).press("Enter")

    # What comes of it

    def gets(self, text: str) -> None:
        """Wait until Python has exactly this text, and it is painted."""
        until = time.monotonic() + LIMIT / 1000
        while (got := self.received[-1:]) != [text]:
            assert time.monotonic() < until, f"Python has {got}, expected {text!r}"
            self.page.wait_for_timeout(20)
        assert self.area.input_value() == text
        self.svg.scroll_into_view_if_needed()
        self.settle()

    @contextmanager
    def nothing_sent(self) -> Iterator[None]:
        """Python receives nothing of what is done meanwhile."""
        before = len(self.received)
        yield
        self.settle()
        assert self.received[before:] == []

    @contextmanager
    def sent_once(self) -> Iterator[None]:
        """Python receives one text of what is done meanwhile."""
        before = len(self.received)
        yield
        self.settle()
        assert len(self.received[before:]) == 1

    def settle(self) -> None:
        """Wait until what was changed is painted."""
        self.page.evaluate(SETTLE)

    @property
    def keys(self) -> object:
        return self.root.locator(".wplus-key.wplus-active:visible")

    @property
    def chosen(self) -> list[str]:
        """The chosen keys, in words."""
        self.settle()
        said = "all => all.filter((e) => e.checkVisibility()).map((e) => e.getAttribute('aria-valuetext'))"
        return self.root.locator(".wplus-chosen").evaluate_all(said)

    @property
    def lines(self) -> object:
        return self.root.locator(".wplus-line[display=inline]")  # a level one has no height: not "visible"

    @property
    def ghosts(self) -> object:
        return self.root.locator(".wplus-ghosts path:visible")

    @property
    def dots(self) -> int:
        """How many frames the active curve has a dot for."""
        self.settle()
        return self.root.locator(".wplus-dots.wplus-active").get_attribute("d").count("M")

    @property
    def status(self) -> str:
        return self.root.locator(".wplus-status").inner_text()

    @property
    def readout(self) -> object:
        return self.root.locator(".wplus-readout")

    @property
    def axis(self) -> object:
        return self.root.locator(".wplus-axis")

    @property
    def ruler(self) -> str:
        self.settle()
        return self.root.locator(".wplus-grid").text_content()
