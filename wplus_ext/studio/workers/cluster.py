"""Workers on Ray: processes of this machine, or of all machines of a cluster, each with a device and a pipeline.

Nothing here imports Ray before it is wanted.
"""

from __future__ import annotations

import functools
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from ...version import VERSION
from ...weights.swap import own_folder
from ..models import Choice
from ..shot import Shot
from .crew import Crew
from .jobs import Facts, Job

ROOT = Path(__file__).parents[3]  # where workers of this machine find this package
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class Cluster:
    """The workers of a Ray that runs; `joined` makes one."""

    def __init__(self, ray: ModuleType, choice: Choice, count: int) -> None:
        self.count, resources, threads = _shares(ray, count, choice.device)
        self._crew = Crew(ray, self.count, resources, (choice, VERSION, threads))

    def check(self, shots: Sequence[Shot]) -> Facts:
        """See `jobs.Workers`; one worker is asked for all."""
        return self._crew.ask("check", list(shots))

    def render(self, jobs: Sequence[Job], bar: tqdm | None = None) -> Iterator[tuple[int, object]]:
        """See `jobs.Workers`."""
        return self._crew.render(jobs, bar)


@contextmanager
def joined(choice: Choice, count: int = 0, address: str = "") -> Iterator[Cluster]:
    """Workers that render with ``Studio(choice)``: those of a Ray of their own on this machine, or of the one at an
    ``address``, ``"auto"`` for what is found. None of their processes and files are left behind.

    Args:
        count: of workers; 0 is as many as there are GPUs, or where there are none, machines. On a CPU they share its
            cores.

    Raises:
        ValueError: no Ray; more workers than devices; no cluster there.
    """
    ray = _ray()
    with ExitStack() as stack:
        options = {"include_dashboard": False, "log_to_driver": False, "logging_level": "CRITICAL"}
        if address:
            _check_address(address)
            options = {**options, "address": address}
            del options["include_dashboard"]
        else:
            cores = _cores()
            folder = stack.enter_context(own_folder(_temporary() / "ray"))  # Ray's sockets want a short name
            options |= {"address": "local", "num_cpus": max(cores, count), "_temp_dir": str(folder)}
            stack.enter_context(_environment(RAY_AUTH_MODE=None, RAY_AUTH_TOKEN=_token()))  # Ray keeps one at home else
        stack.callback(_left, ray)
        with _unheard(), _environment(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])):
            try:
                ray.init(**options)
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                reason = " ".join(str(error).split())[:300]
                where = f"--ray is {address!r}, and no Ray answers there" if address else "Ray cannot be started"
                raise ValueError(f"{where} ({reason})") from error
        stack.enter_context(_ended())
        yield Cluster(ray, _absolute(choice), count)


def _ray() -> ModuleType:
    """Ray, which says nothing to anybody. Raises ValueError where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise ValueError(f'several workers need Ray ({error}): pip install "wplus-ext[ray]"') from error
    if ray.is_initialized():
        raise ValueError("this process has a Ray already; let it go with ray.shutdown() first")
    return ray


def _check_address(address: str) -> None:
    """Raise ValueError where nobody listens: Ray itself tries for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdecimal():
        raise ValueError(f"--ray is {address!r}, expected auto or HOST:PORT, from one of the cluster's machines")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"--ray is {address!r}, and no Ray answers there ({error}); see ray start") from error


def _shares(ray: ModuleType, count: int, device: str) -> tuple[int, dict[str, float], int]:
    """How many workers there will be, what each takes of Ray's resources, and its threads, 0 for torch's own number.

    Raises ValueError where there are not so many devices.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if device.startswith("cuda:"):
        raise ValueError(f"--device is {device!r}, and each worker has a device of its own; expected cuda or cpu")
    if device == "cuda" or gpus and not device:
        if not 0 < (count or gpus) <= gpus:
            raise ValueError(f"--workers is {count or 1}, and Ray has {gpus} GPUs; ask for fewer, or for --device cpu")
        return count or gpus, {"num_gpus": 1, "num_cpus": 0}, 0
    cores = [int(node.get("CPU", 0)) for node in nodes]
    count = count or sum(map(bool, cores))
    shares = [share for share in range(max(cores, default=0), 0, -1) if sum(core // share for core in cores) >= count]
    if not count or not shares:
        raise ValueError(f"--workers is {count}, and Ray has {sum(cores)} CPU cores; ask for fewer")
    asked = os.environ.get("OMP_NUM_THREADS", "")
    threads = min(shares[0], int(asked)) if asked.isdecimal() and int(asked) else shares[0]
    return count, {"num_cpus": shares[0]}, threads


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _temporary() -> Path:
    """A folder whose name is short: that of a socket has 103 letters at most."""
    return Path("/tmp") if os.name == "posix" else Path(tempfile.gettempdir())


def _absolute(choice: Choice) -> Choice:
    """The same for who is in another folder."""

    def there(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(there, value))
        return value.absolute() if isinstance(value, Path) else value

    return Choice(**{field.name: there(getattr(choice, field.name)) for field in fields(choice)})


def _left(ray: ModuleType) -> None:
    """End what was begun, also where somebody is in a hurry."""
    with _unheard():
        ray.shutdown()


@contextmanager
def _unheard() -> Iterator[None]:
    """Ctrl+C is heard afterwards: half a Ray cannot be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _ended() -> Iterator[None]:
    """Whoever is told to end ends what it has begun before; Ray has put a handler of its own in the way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@functools.cache
def _token() -> str:
    """By which the workers of this process, and nobody else, are let in."""
    return secrets.token_hex(32)


@contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """Other variables, None for no such one, for this process and those that it starts."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
