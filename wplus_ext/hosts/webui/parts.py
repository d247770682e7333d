"""What the parts of the page have in common: how they wait, and what the WebUI keeps of them.

gradio shows a wait at what an event changes. Here it is shown at what was pressed: `javascript/wplus_waiting.mjs` makes
that busy, and no button that can be pressed, until Python has answered, be that with a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.events import Dependency

Parts = Sequence[Component] | Component | None


def pressed(
    button: gr.Button, work: Callable, inputs: Parts, outputs: Parts, js: str = "", **how: object
) -> Dependency:
    """Do something when a button is pressed, which waits meanwhile; gives the event, as ``button.click`` does.

    Args:
        js: a function in the page's language: what the inputs hold to what Python gets of it.
        how: for ``button.click``.
    """
    how = {"show_progress": False, **how}
    event = button.click(work, inputs, outputs, _js=begin(button, inputs, js), **how)
    end(event, button)
    return event


def begin(place: Component, inputs: Parts, js: str = "", says: str = "") -> str:
    """What an event needs as its ``_js`` so that a component waits from then on, until `end`.

    Args:
        inputs: the event's own.
        js: as `pressed` has it.
        says: words to show there.
    """
    count = len(inputs) if isinstance(inputs, Sequence) else int(inputs is not None)
    given = f"given.slice(0, {count})"  # what follows is what the outputs hold
    told = json.dumps({"id": place.elem_id, "says": says})
    return (
        f"(...given) => {{ document.dispatchEvent(new CustomEvent('wplus-wait', {{detail: {told}}})); "
        f"return {f'({js})(...{given})' if js else given}; }}"
    )


def end(event: Dependency, place: Component) -> None:
    """Let a component wait no longer once an event is over, be it with a fault."""
    told = json.dumps({"id": place.elem_id})
    js = f"() => {{ document.dispatchEvent(new CustomEvent('wplus-done', {{detail: {told}}})) }}"
    event.then(None, None, None, _js=js)


def unsaved(block: Block) -> None:
    """Keep the parts of a block out of the WebUI's ui-config.json, which knows them by labels that others have too."""
    for part in getattr(block, "children", ()):
        part.do_not_save_to_config = True
        unsaved(part)
