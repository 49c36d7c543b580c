"""A real Redis: the system's own release, in memory only."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.packages import release, unpacked
from tests.services.process import free_port, running


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The address of a Redis that runs until the block ends."""
    root = unpacked("redis", release()["VERSION_CODENAME"], "redis-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command = [*root.command("usr/bin/redis-server"), *options, "--dir", str(folder)]
    with running(command, folder / "redis.log", lambda: _answers(port)):
        yield f"redis://127.0.0.1:{port}/0"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
