"""Kills a process again and again while it writes a file, or a folder, and looks at what then stands there.

``python benchmarks/kills.py [--kills 1000] [--seed 0]``; exit code 0 where the old one or the new one stood there whole
after every kill, and nothing was left over after the next run.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where this is a script

from wplus_ext.weights.swap import PREFIX, clear_dead  # noqa: E402

PARTS, SIZE = 6, 40_000  # files of a folder, and numbers of a file
LIMIT = 30  # seconds that a child may take to begin
KINDS = ("file", "folder", "folder without exchange")
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from wplus_ext.weights import swap
if sys.argv[4] == "folder without exchange":
    swap._exchange = lambda one, other: False
version = int(sys.argv[3])
for version in range(version, version + 100_000):
    with swap.replacing(sys.argv[2]) as part:
        if sys.argv[4] == "file":
            part.write_text(f"{version} " * %d)
        else:
            part.mkdir()
            for i in range(%d):
                (part / f"{i:05}.png").write_text(f"{version} " * 100)
    if version == int(sys.argv[3]):
        print("goes", flush=True)
""" % (SIZE, PARTS)  # noqa: UP031 - the text holds braces


@dataclass
class Count:
    """What was seen after the kills."""

    kills: int = 0
    whole: int = 0  # the target was one version, all of it
    away: int = 0  # it was not there, and the next run brought it back
    leftovers: int = 0  # hidden folders that a kill left
    not_cleared: int = 0  # those that the next run did not clear away


def run(kind: str, kills: int, seed: int, folder: Path) -> Count:
    """Kill a writer of a kind, one of `KINDS`, so many times, after times that ``seed`` rules."""
    chance, count, target = random.Random(seed), Count(), folder / "target"
    for i in range(kills):
        arguments = [sys.executable, "-c", CHILD, ROOT, target, i * 1_000_000, kind]
        with subprocess.Popen([*map(str, arguments)], stdout=subprocess.PIPE, text=True) as child:
            watch = time.monotonic() + LIMIT
            line = child.stdout.readline()
            time.sleep(chance.uniform(0, 0.02))
            child.kill()
            child.wait(timeout=LIMIT)
        if line != "goes\n" or time.monotonic() > watch:
            raise RuntimeError(f"the writer did not begin within {LIMIT} s")
        count.kills += 1
        count.leftovers += sum(entry.name.startswith(PREFIX) for entry in folder.iterdir())
        away = not target.exists()
        clear_dead(folder)  # as the next run does before it writes
        count.whole += is_whole(target)
        count.away += away
        count.not_cleared += len([entry for entry in folder.iterdir() if entry != target])
    return count


def is_whole(target: Path) -> bool:
    """Whether one version stands there, all of it."""
    if target.is_dir():
        texts = [path.read_text().split() for path in sorted(target.iterdir())]
        return len(texts) == PARTS and all(len(text) == 100 and set(text) == set(texts[0]) for text in texts)
    text = target.read_text().split() if target.exists() else []
    return len(text) == SIZE and len(set(text)) == 1


def main() -> int:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options, good = parser.parse_args(), True
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            found = run(kind, options.kills, options.seed, Path(folder))
            print(f"{kind}: {found}, {time.monotonic() - start:.0f} s", flush=True)
        good &= found.whole == found.kills and not found.not_cleared and (not found.away or kind == KINDS[2])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
