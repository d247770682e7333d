"""The curve editor in the node Apply W+, on ComfyUI's own page in Chromium. Skipped without playwright or Chromium."""

from __future__ import annotations

import pytest
from comfy_page import NodeEditor
from editor_page import CHROMIUM, launched

KEYS = "smile = 0:(0), 10:(0.5), 23:(0)"
MOVED = "smile = 0:(0), 14:(-0.3), 23:(0)"
MAKE = """() => {
    app.graph.clear();
    const make = (type, x, y) => {
        const node = LiteGraph.createNode(type);
        node.pos = [x, y];
        app.graph.add(node);
        return node;
    };
    window.apply = make("WPlusApply", 60, 0);
    window.latent = make("EmptyLatentImage", -260, 0);
    const sampler = make("KSampler", 760, 0);
    latent.widgets.find(({ name }) => name === "batch_size").value = 24;
    apply.connect(0, sampler, 0);
    latent.connect(0, sampler, 3);
}"""
TEXTS = """app.graph.nodes.filter(({ type }) => type === "WPlusApply").map((node) => node.widgets[0].value)"""


class GraphEditor(NodeEditor):
    def magnify(self, zoom):
        """Zoom the graph, with the drawing in view."""
        self.zoom = zoom
        self.page.evaluate(
            """(zoom) => {
                app.canvas.ds.scale = zoom;
                app.canvas.ds.offset = [200 / zoom, 700 / zoom - 560];
                app.canvas.setDirty(true, true);
            }""",
            zoom,
        )
        self.page.wait_for_timeout(500)

    def gets(self, text):
        self.page.wait_for_function(f"(text) => ({TEXTS}).includes(text)", arg=text)


@pytest.fixture(scope="module")
def window(comfy):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with launched(sync_api) as chromium:
        page = chromium.new_page(viewport={"width": 1500, "height": 1200})
        inside = ("http://127.0.0.1", "data:", "blob:")
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(inside) else route.abort())
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error.stack)))
        open_page(page, comfy.url)
        yield page
        assert [fault for fault in page.faults if "/extensions/wplus/" in fault] == []  # ComfyUI has some of its own


def open_page(page, url):
    page.goto(url, wait_until="domcontentloaded")
    page.wait_for_function("Boolean(window.app?.graph && window.LiteGraph?.registered_node_types?.WPlusApply)")
    page.wait_for_timeout(2000)  # it loads a workflow
    page.keyboard.press("Escape")  # what it greets with


@pytest.fixture
def editor(window):
    window.evaluate(MAKE)
    editor = GraphEditor(window)
    editor.last = 23
    editor.magnify(1)
    editor.svg.wait_for()
    window.evaluate("(text) => { apply.widgets[0].value = text; }", KEYS)
    editor.keys.nth(2).wait_for()
    window.wait_for_function("document.querySelector('.wplus-scrub').max === '23'")  # of the sampler's latent
    editor.settle()
    return editor


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_a_drag_writes_the_nodes_text_at_any_zoom(editor, zoom):
    editor.magnify(zoom)
    editor.drag((10, 0.5), (14, -0.3))
    editor.gets(MOVED)


def test_what_the_editor_undoes_the_graph_does_not(editor):
    editor.drag((10, 0.5), (14, -0.3))
    editor.gets(MOVED)
    editor.keyboard("Control+z")
    editor.gets(KEYS)
    editor.page.wait_for_timeout(500)
    assert editor.page.evaluate("app.graph.nodes.includes(apply)")  # it makes all nodes anew
    editor.keyboard("Control+Shift+Z")
    editor.gets(MOVED)


def test_the_graphs_shortcuts_are_none_in_the_editor(editor):
    editor.click(10, 0.5)
    editor.keyboard("Delete", "Delete", "Backspace", "Control+b", "Control+c", "Control+v", "Control+m")
    editor.gets("smile = 0:(0), 23:(0)")
    assert editor.page.evaluate("[app.graph.nodes.length, apply.mode]") == [3, 0]


def test_a_copy_has_a_text_of_its_own(editor):
    editor.page.evaluate("app.canvas.copyToClipboard([apply]); app.canvas.pasteFromClipboard()")
    editor.page.wait_for_function(f"({TEXTS}).length === 2")
    editor.page.evaluate("apply.widgets[0].value = 'age = 0.5'")
    assert sorted(editor.page.evaluate(TEXTS)) == ["age = 0.5", KEYS]


def test_a_workflow_brings_the_text_back(editor):
    editor.drag((10, 0.5), (14, -0.3))
    editor.gets(MOVED)
    values = editor.page.evaluate("apply.widgets.filter(({ serialize }) => serialize !== false).map((w) => w.value)")
    editor.page.evaluate("app.loadGraphData(JSON.parse(JSON.stringify(app.graph.serialize())))")
    editor.page.wait_for_function("!app.graph.nodes.includes(apply)")
    again = "app.graph.nodes.find(({ type }) => type === 'WPlusApply').widgets.map((widget) => widget.value)"
    assert editor.page.evaluate(again)[: len(values)] == values
    prompt = editor.page.evaluate("app.graphToPrompt().then(({ output }) => output)")
    (inputs,) = (node["inputs"] for node in prompt.values() if node["class_type"] == "WPlusApply")
    assert inputs["tracks"] == MOVED and "curve" not in inputs


def test_the_editor_speaks_comfyuis_language(window, comfy):
    window.evaluate("app.extensionManager.setting.set('Comfy.Locale', 'ja')")
    window.wait_for_timeout(500)
    open_page(window, comfy.url)
    window.evaluate(MAKE)
    window.get_by_role("button", name="トラックを追加").wait_for()
    window.evaluate("app.extensionManager.setting.set('Comfy.Locale', 'en')")
    window.wait_for_timeout(500)
    open_page(window, comfy.url)


def test_the_editor_has_the_palettes_colours(editor):
    look = "getComputedStyle(document.querySelector('.wplus-node')).backgroundColor"
    seen = []
    for palette, ending in (("light", ":not(.dark)"), ("dark", ".dark")):
        editor.page.evaluate(f"app.extensionManager.setting.set('Comfy.ColorPalette', '{palette}')")
        editor.page.locator(f".wplus-node{ending}").wait_for()
        seen.append(editor.page.evaluate(look))
    assert seen[0] != seen[1]
