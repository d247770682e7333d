"""The command line: one module a command, with its arguments and its words, and nothing else.

A command's module has a docstring that says in a line what it does, ``add_arguments(parser)`` and ``run(options)``.
"""

NAMES = (
    "render", "sweep", "demo", "evaluate", "fetch", "invert", "directions", "inspect", "convert", "bench",
)  # fmt: skip
