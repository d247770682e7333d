"""Regions on the frame at the cursor, in Chromium. What needs no page is tested in ellipses.test.mjs."""

from __future__ import annotations

import editor_page
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the regions are not tested")
pytest_plugins = ["editor_fixtures"]

LEFT = "left = (0.3 0.4 0.1 0.2)"


class Stage:
    """The picture with the regions: what a person does, and what the text is then."""

    def __init__(self, editor):
        self.editor, self.page = editor, editor.page
        self.area = editor.part("regions").locator("textarea")
        self.root = self.page.locator(".wplus-stage")
        self.svg = self.root.locator(".wplus-picture svg")

    def type(self, text):
        self.area.fill(text)
        self.editor.settle()

    def at(self, x, y):
        """A place of the picture on the page."""
        box = self.svg.bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, start, end, release=True):
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        if release:
            self.page.mouse.up()
        self.editor.settle()

    def region(self, name):
        return self.root.get_by_label(f"Region {name}", exact=True)

    def button(self, label):
        return self.root.get_by_role("button", name=label)

    @property
    def text(self):
        self.editor.settle()
        return self.area.input_value()

    def numbers(self, line=0):
        """The numbers of a line's last ellipse."""
        inside = self.text.split("\n")[line].rpartition("(")[2].rstrip(")")
        return [float(number) for number in inside.split()]


@pytest.fixture
def stage(editor):
    made = Stage(editor)
    made.type(LEFT)
    return made


def test_without_regions_there_is_no_picture(editor):
    assert editor.page.locator(".wplus-stage").is_hidden()


def test_an_ellipse_is_where_the_text_says(stage):
    area, picture = stage.region("left").locator(".wplus-area").bounding_box(), stage.svg.bounding_box()
    assert area["x"] - picture["x"] == pytest.approx(0.2 * picture["width"], abs=3)
    assert area["height"] == pytest.approx(0.4 * picture["height"], abs=5)


def test_the_picture_has_the_shape_of_the_next_images(stage):
    box = stage.svg.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=2)


def test_a_region_is_dragged(stage):
    stage.drag((0.3, 0.4), (0.6, 0.5))
    assert stage.numbers() == pytest.approx([0.6, 0.5, 0.1, 0.2], abs=0.01)


@pytest.mark.parametrize(
    "end, to, expected",
    [((0.4, 0.4), (0.5, 0.4), [0.3, 0.4, 0.2, 0.2]), ((0.3, 0.2), (0.3, 0.3), [0.3, 0.4, 0.1, 0.1])],
    ids=["right", "top"],
)
def test_its_ends_size_it(stage, end, to, expected):
    stage.drag(end, to)
    assert stage.numbers() == pytest.approx(expected, abs=0.01)


def test_escape_takes_a_drag_back(stage):
    stage.drag((0.3, 0.4), (0.6, 0.5), release=False)
    stage.page.keyboard.press("Escape")
    stage.page.mouse.up()
    assert stage.text == LEFT


def test_the_keyboard_moves_sizes_and_undoes(stage):
    stage.region("left").focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Alt+ArrowUp"):
        stage.page.keyboard.press(key)
    assert stage.numbers() == pytest.approx([0.31, 0.45, 0.1, 0.21])
    stage.page.keyboard.press("Control+z")
    assert stage.numbers() == pytest.approx([0.31, 0.45, 0.1, 0.2])
    stage.page.keyboard.press("Control+Shift+z")
    assert stage.numbers() == pytest.approx([0.31, 0.45, 0.1, 0.21])


def test_keys_are_made_at_the_cursor(stage):
    stage.region("left").focus()
    stage.page.keyboard.press("k")
    stage.editor.root.get_by_label("Cursor frame").fill("15")
    stage.drag((0.3, 0.4), (0.7, 0.4))
    first, last = stage.text.split(", ")
    assert first == "left = 0:(0.3 0.4 0.1 0.2)" and last.startswith("15:(0.7")
    stage.editor.root.get_by_label("Cursor frame").fill("0")
    stage.editor.settle()
    area, picture = stage.region("left").locator(".wplus-area").bounding_box(), stage.svg.bounding_box()
    assert area["x"] - picture["x"] == pytest.approx(0.2 * picture["width"], abs=3)


def test_regions_are_added_and_removed(stage):
    stage.button("Add a region").click()
    assert stage.text == f"{LEFT}\nregion1 = (0.5 0.4 0.15 0.2)"
    stage.button("Remove the active region").click()
    assert stage.text == LEFT


def test_a_track_may_choose_what_was_added(stage):
    stage.editor.type("smile = 1")
    stage.button("Add a region").click()
    stage.editor.settle()
    menu = stage.editor.root.get_by_label("Region of smile")
    assert menu.locator("option").all_inner_texts() == ["everywhere", "left", "region1"]


def test_a_faulty_text_says_so_and_stays(stage):
    stage.type("left = (0.3 0.4")
    assert "expected half the width" in stage.root.locator(".wplus-readout").inner_text()
    stage.drag((0.3, 0.4), (0.6, 0.5))
    assert stage.text == "left = (0.3 0.4"


def test_the_frame_under_the_cursor_is_its_background(stage):
    stage.page.locator("#txt2img-ad-video-length input").fill("3")
    stage.page.evaluate("""() => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 144, height: 96});
        const context = canvas.getContext("2d");
        ["red", "lime", "blue"].forEach((colour, i) => {
            context.fillStyle = colour;
            context.fillRect(48 * i, 0, 48, 96);
        });
        const run = document.createElement("div");
        run.dataset.run = JSON.stringify({residual: [0.1, 0.2, 0.1], strip: canvas.toDataURL(), reached: []});
        document.querySelector("#script_txt2img_wplus_report").replaceChildren(run);
        send("report");
    }""")
    stage.editor.root.get_by_label("Cursor frame").fill("1")
    stage.page.wait_for_timeout(500)
    pixel = "(canvas) => [...canvas.getContext('2d').getImageData(5, 5, 1, 1).data]"
    assert stage.root.locator(".wplus-picture canvas").evaluate(pixel)[:3] == [0, 255, 0]
    box = stage.svg.bounding_box()
    assert box["height"] == pytest.approx(2 * box["width"], abs=3)


@pytest.fixture
def finger(chromium, url):
    """A stage on a telephone, and what sends a finger's way over places of the picture."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    with editor_page.opened(chromium, url, **options) as page:
        made = Stage(editor_page.Editor(page))
        made.editor.svg.wait_for()
        made.type(LEFT)
        made.root.scroll_into_view_if_needed()
        touch = page.context.new_cdp_session(page)

        def way(*places, off=(0, 0)):
            for i, place in enumerate(places):
                x, y = made.at(*place)
                points = [{"x": x + off[0], "y": y + off[1]}]
                touch.send(
                    "Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": points}
                )
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        yield made, way


def test_a_finger_moves_a_region(finger):
    stage, way = finger
    way((0.3, 0.4), (0.4, 0.45), (0.5, 0.5))
    assert stage.numbers() == pytest.approx([0.5, 0.5, 0.1, 0.2], abs=0.02)


def test_a_finger_beside_a_handle_sizes_it(finger):
    stage, way = finger
    way((0.3, 0.6), (0.3, 0.65), (0.3, 0.7), off=(9, -9))
    assert stage.numbers() == pytest.approx([0.3, 0.4, 0.1, 0.3], abs=0.02)


def test_what_a_finger_aims_at_is_large(finger):
    stage, _ = finger
    stage.editor.type("smile = 1")
    aims = [*stage.root.locator("button:visible").all(), stage.editor.root.get_by_label("Region of smile")]
    boxes = [element.bounding_box() for element in aims]
    assert len(boxes) == 6 and [box for box in boxes if box["width"] < 44 or box["height"] < 44] == []
    assert stage.page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
