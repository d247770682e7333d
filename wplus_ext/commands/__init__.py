"""The command line: one module a command, with its arguments and its words, and nothing else.

Each of `NAMES` is a module here: its docstring says in a line what the command does, and it has
``add_arguments(parser)`` and ``run(options)``.
"""

NAMES = (
    "render", "sweep", "demo", "evaluate", "measure", "follow", "regions", "aim", "calibrate", "fetch", "invert",
    "directions", "inspect", "convert", "bench",
)  # fmt: skip
