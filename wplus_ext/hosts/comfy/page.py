"""The curve editor on ComfyUI's page: `javascript/` is the WEB_DIRECTORY, and style.css, outside it, has a route."""

from __future__ import annotations

from pathlib import Path

STYLE = Path(__file__).parents[3] / "style.css"
ROUTE = "/wplus/style.css"  # what javascript/comfy/wplus_node.js asks for


def serve_style() -> None:
    """Let ComfyUI's server, which is there when nodes are loaded, answer with the editor's style."""
    from aiohttp import web
    from server import PromptServer

    @PromptServer.instance.routes.get(ROUTE)
    async def style(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(STYLE, headers={"Cache-Control": "no-cache"})  # asked again after an update
