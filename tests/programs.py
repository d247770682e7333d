"""Programs that the harnesses start: a WebUI, a ComfyUI."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request

import pytest


def wait(server, name, url, log, patience):
    """Until a program's probe answers, at most so many seconds; else the test fails with the end of its log."""
    for _ in range(patience):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/wplus-probe", timeout=5).close()
            return
        if server.poll() is not None:
            break
        time.sleep(1)
    pytest.fail(f"{name} did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-30:]))


def stop(server):
    """End a program, if need be by force."""
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
