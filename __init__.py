"""What ComfyUI reads when this repository lies in its custom_nodes. Anywhere else this file does nothing."""

import sys

if "folder_paths" in sys.modules:  # ComfyUI's, which is there before it loads any node
    from .wplus_ext.hosts.comfy.nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS  # noqa: F401
    from .wplus_ext.hosts.comfy.page import serve_files

    serve_files()
    WEB_DIRECTORY = "./javascript"  # of which ComfyUI loads what ends in .js, in folders too
