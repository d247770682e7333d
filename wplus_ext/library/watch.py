"""A watch over answers from the network that never end, though each of their bytes comes in time."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LOOKS = 20  # in the time that a wait may take


class Watch:
    """Ends each wait for the network after so many ``seconds``. Timeouts of a socket cannot: they are for a byte.

    Raises TimeoutError in whoever waits, which is in `waiting`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sockets: list[socket.socket] = []
        self.until, self.late, self.done = float("inf"), False, threading.Event()

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.done.set()
        for one in self.sockets:
            one.close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """One wait. What is read when the connection was cut looks like an end, and is none."""
        self.until = time.monotonic() + self.seconds
        try:
            yield
        finally:
            self.until = float("inf")
            if self.late:
                raise TimeoutError(f"no end after {self.seconds:.0f} s")

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """What opens connections that are watched, for urllib."""
        return [_watched(kind)(self) for kind in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler)]

    def over(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        """The connection, watched from its first byte: a second hand on its socket outlives TLS and the answer."""
        connect = connection._create_connection

        def connected(*args: object, **named: object) -> socket.socket:
            made = connect(*args, **named)
            self.sockets.append(made.dup())
            return made

        connection._create_connection = connected
        return connection

    def _look(self) -> None:
        while not self.done.wait(self.seconds / LOOKS):
            if time.monotonic() > self.until:
                self.late = True
                for one in self.sockets:
                    with suppress(OSError):  # it is closed already
                        one.shutdown(socket.SHUT_RDWR)


def _watched(kind: type) -> type:
    class Watched(kind):
        def __init__(self, watch: Watch) -> None:
            super().__init__()
            self.watch = watch

        def do_open(self, http_class, req, **options):  # noqa: ANN001, ANN003, ANN202 - as the base class
            return super().do_open(lambda host, **named: self.watch.over(http_class(host, **named)), req, **options)

    return Watched
