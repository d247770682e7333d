"""The curve editor in Chromium, on a plain page: drafts, fingers, and what a drag costs.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import editor_page
import pytest
from editor_page import KEYS, Editor

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


# The draft


@pytest.fixture
def draft(curve, url):
    """An editor after a reload, which has the draft of an earlier visit."""
    editor_page.visit(curve.page, url)
    draft = curve.root.locator(".wplus-draft")
    draft.wait_for()
    return draft


def test_a_draft_is_never_forced(curve, draft):
    assert curve.area.input_value() == "" and curve.keys.count() == 0


def test_a_draft_is_taken_up(curve, draft):
    draft.get_by_role("button", name="Take it up").click()
    curve.gets(KEYS)
    assert draft.is_hidden()


def test_a_draft_is_declined(curve, draft):
    with curve.nothing_sent():
        draft.get_by_role("button", name="No", exact=True).click()
    assert draft.is_hidden()


def test_of_a_text_that_was_cleared_there_is_no_draft(curve, url):
    curve.type("")
    editor_page.visit(curve.page, url)
    curve.svg.wait_for()
    assert curve.root.locator(".wplus-draft").is_hidden()


def test_a_draft_brings_its_strength_along(curve, url):
    strength = curve.part("strength").locator("input")
    strength.fill("0 > 1")
    curve.type("smile = 1")
    editor_page.visit(curve.page, url)
    curve.root.get_by_role("button", name="Take it up").click()
    curve.gets("smile = 1")
    assert strength.input_value() == "0 > 1"


def test_a_draft_brings_its_regions_along(curve, url):
    area = curve.part("regions").locator("textarea")
    area.fill("left = (0.3 0.4 0.1 0.2)")
    curve.type("smile[left] = 1")
    editor_page.visit(curve.page, url)
    curve.root.get_by_role("button", name="Take it up").click()
    curve.gets("smile[left] = 1")
    assert area.input_value() == "left = (0.3 0.4 0.1 0.2)"


# Fingers


@pytest.fixture
def finger(chromium, url):
    """An editor on a telephone."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    with editor_page.opened(chromium, url, **options) as page:
        editor = Editor(page)
        editor.svg.wait_for()
        editor.type("smile = 0:(0), 8:(0.5)")
        yield editor


def test_a_finger_drags_a_key(finger):
    touch = finger.page.context.new_cdp_session(finger.page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    x, y = finger.at(8, 0.5)
    send("touchStart", (x + 14, y + 9))  # a finger is not a pointer: within 22 pixels
    for i in range(1, 6):
        x, y = finger.at(8 + 0.4 * i, 0.5 - 0.1 * i)
        send("touchMove", (x + 14, y + 9))
    send("touchEnd")
    finger.gets("smile = 0:(0), 10:(0)")


def test_a_finger_adds_a_key(finger):
    finger.page.touchscreen.tap(*finger.at(4, -0.8))  # the cursor
    finger.button("Add a key").tap()
    finger.gets("smile = 0:(0), 4:(0.25), 8:(0.5)")


def test_what_a_finger_aims_at_is_large(finger):
    aims = finger.root.locator("button:visible, select:visible, input[type=text]:visible")
    boxes = [element.bounding_box() for element in aims.all()]
    assert len(boxes) > 20 and [box for box in boxes if box["width"] < 44 or box["height"] < 44] == []


def test_a_finger_scrolls_the_page_beside_the_keys(finger):
    actions = "all => all.map((e) => getComputedStyle(e).touchAction)"
    assert set(finger.root.locator(".wplus-touch").evaluate_all(actions)) == {"none"}
    assert finger.svg.evaluate("e => getComputedStyle(e).touchAction") == "auto"


def test_a_narrow_page_is_enough(finger):
    assert finger.root.evaluate("e => e.scrollWidth <= e.clientWidth")


# What it costs

LONG = "\n".join(
    f"{name} = " + ", ".join(f"{5 * i}:({(i % 7 - 3) / 4:g}){easing}" for i in range(60))
    for name, easing in (("smile", ":smooth"), ("age", ""), ("glasses", ":bez/0.3/0/0.6/1"))
)


def test_dragging_is_cheap(editor):
    editor.page.locator("#txt2img-ad-video-length input").fill("300")
    editor.last = 299
    editor.type(LONG)
    editor.page.evaluate("""() => {
        window.nodes = 0;
        const count = (all) => (window.nodes += all.length);
        new MutationObserver(count).observe(document.body, {childList: true, subtree: true});
    }""")
    x, y = editor.at(150, (30 % 7 - 3) / 4)
    with editor.sent_once():
        editor.press(150, (30 % 7 - 3) / 4)
        editor.page.mouse.move(x + 5, y + 5)
        editor.settle()
        cost = editor.page.evaluate(
            """async ([x, y]) => {
                const plot = document.querySelector(".wplus-plot"), costs = [], own = window.requestAnimationFrame;
                window.requestAnimationFrame = (act) => own((now) => {
                    const began = performance.now();
                    act(now);
                    costs.push(performance.now() - began);
                });
                const until = performance.now() + 10_000;
                for (let i = 0; i < 60 && performance.now() < until; i++) {
                    const at = {clientX: x + (i % 20), clientY: y + i, pointerId: 1, pointerType: "mouse"};
                    plot.dispatchEvent(new PointerEvent("pointermove", {...at, bubbles: true}));
                    await new Promise((done) => own(() => setTimeout(done)));
                }
                window.requestAnimationFrame = own;
                return costs.sort((a, b) => a - b);
            }""",
            [x, y],
        )
        assert editor.page.evaluate("nodes") == 0
        editor.release()
    print(f"a frame of work while dragging: median {cost[len(cost) // 2]:.2f} ms, {len(cost)} frames")
    assert len(cost) >= 50 and cost[len(cost) // 2] < 4
