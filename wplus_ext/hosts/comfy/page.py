"""The curve editor on ComfyUI's page: `javascript/` is the WEB_DIRECTORY; what it needs from elsewhere has a route."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
FILES = {path.name: path for path in (ROOT / "style.css", *(ROOT / "localizations").glob("*.json"))}
ROUTE = "/wplus/{name}"  # which javascript/comfy/wplus_node.js asks for


def serve_files() -> None:
    """Let ComfyUI's server, which is there when nodes are loaded, answer with the editor's style and words."""
    from aiohttp import web
    from server import PromptServer

    server = getattr(PromptServer, "instance", None)
    if server is None or any(getattr(route, "path", None) == ROUTE for route in server.routes):
        return  # there is no page, or another copy of this repository answers

    @server.routes.get(ROUTE)
    async def file(request: web.Request) -> web.FileResponse:
        path = FILES.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})  # asked again after an update
