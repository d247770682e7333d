"""Six writers of one name at once, and writers that are killed: who is told what, and is anything lost?

    python benchmarks/writers.py [--rounds 100] [--kills 40]

In each round, six write an identity of one name, in some spellings of it: threads and processes in turns, and in every
second round with ``replace``. Of what each was told and of what is in the folder and in ``.removed``, the script counts
who was told wrongly and what is lost. Then a process replaces one identity over and over until it is killed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from wplus_ext.library import identities
from wplus_ext.library.names import free_place
from wplus_ext.weights.latents import load_latent

WRITERS = 6
SPELLINGS = ("Zoe\u0301", "zo\u00e9", "ZOE\u0301", "Zo\u00e9\u200b", " zo\u00e9", "zoe\u0301\u00a0")  # one name
LIMIT = 60  # seconds for a round


def write(folder: Path, name: str, value: float, replace: bool, work: float = 0.01) -> bool:
    """Whether a writer is told that its identity is there."""
    picture = Image.new("RGB", (8, 8))
    try:
        place = free_place(folder, name, replace=replace)
        time.sleep(work)  # in which the others ask too
        identities.save(place, torch.full((18, 512), value), picture, [], replace)
    except (ValueError, OSError):
        return False
    return True


def write_for(folder: Path, name: str, value: float, replace: bool, told: Connection) -> None:
    """The same in a process."""
    torch.set_num_threads(1)
    told.send("ready")
    told.recv()
    told.send(write(folder, name, value, replace))


def values(folder: Path) -> list[float]:
    """What is there, and what is put away."""
    return [float(load_latent(path)[0, 0]) for path in folder.glob("*.safetensors")]


def told_by_threads(folder: Path, names: tuple[str, ...], replace: bool) -> list[bool]:
    """What six threads are told."""
    with ThreadPoolExecutor(WRITERS) as pool:
        jobs = [pool.submit(write, folder, name, float(i), replace) for i, name in enumerate(names)]
        return [job.result(timeout=LIMIT) for job in jobs]


def told_by_processes(folder: Path, names: tuple[str, ...], replace: bool) -> list[bool]:
    """What six processes are told."""
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    ours, running = [], []
    for i, name in enumerate(names):
        here, there = context.Pipe()
        process = context.Process(target=write_for, args=(folder, name, float(i), replace, there), daemon=True)
        process.start()
        there.close()
        ours.append(here)
        running.append(process)

    def heard(pipe: Connection) -> object:
        if not pipe.poll(LIMIT):
            raise TimeoutError(f"a writer says nothing for {LIMIT} s")
        return pipe.recv()

    for pipe in ours:
        heard(pipe)
    for pipe in ours:
        pipe.send("go")
    told = [bool(heard(pipe)) for pipe in ours]
    for process in running:
        process.join(LIMIT)
    return told


def a_round(number: int) -> tuple[int, int]:
    """How many were told wrongly, and how many identities that were said to be there are lost."""
    processes, replace = number % 2 == 1, number % 4 >= 2
    names = ("zo\u00e9",) * WRITERS if replace else SPELLINGS
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        told = (told_by_processes if processes else told_by_threads)(folder, names, replace)
        live, away = values(folder), values(folder / identities.TRASH)
        kept = {*live, *away}
        lost = sum(1 for i, good in enumerate(told) if good and i not in kept)
        expected = WRITERS if replace else 1
        wrong = abs(sum(told) - expected) + abs(len(live) - 1) + sum(1 for i in kept if not told[int(i)])
        return wrong, lost


def replace_forever(folder: Path) -> None:
    """One identity, replaced until somebody kills this."""
    for value in range(1, 100_000):
        write(folder, "anna", float(value), True, 0)
        (folder / "said").write_text(str(value))


def a_kill(after: float) -> bool:
    """Whether the identity is still there, whole, with the one before it put away, when its writer was killed."""
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        write(folder, "anna", 0.0, False)
        process = context.Process(target=replace_forever, args=(folder,), daemon=True)
        process.start()
        until = time.monotonic() + LIMIT
        while not (folder / "said").exists() and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(after)
        process.kill()
        process.join(LIMIT)
        said = (folder / "said").read_text()
        live, away = values(folder), values(folder / identities.TRASH)
        after_it = write(folder, "anna", -1.0, True)  # nobody's lock is left
        count = max({*live, *away}) + 1
        return bool(after_it and len(live) == 1 and {*live, *away} == set(range(int(count))) and count > int(said or 0))


def main() -> int:
    """Print the counts; the exit status is 1 where one is not 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kills", type=int, default=40 if hasattr(signal, "SIGKILL") else 0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    counts = [a_round(number) for number in range(options.rounds)]
    wrong, lost = sum(count[0] for count in counts), sum(count[1] for count in counts)
    print(f"{options.rounds} rounds of {WRITERS} writers: {wrong} told wrongly, {lost} lost")
    gone = sum(not a_kill(0.0007 * number) for number in range(options.kills))
    print(f"{options.kills} writers killed while they replace: {gone} identities lost")
    print(f"{time.monotonic() - start:.0f} s")
    return int(bool(wrong or lost or gone))


if __name__ == "__main__":
    sys.exit(main())
