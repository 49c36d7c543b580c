"""A program that runs while a test session needs it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class ServiceFailed(RuntimeError):
    """A service didn't start; says how its log ends."""


def free_port() -> int:
    """A port of the loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: list[str],
    log: Path,
    ready: Callable[[], bool],
    seconds: float = 60,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The started program once `ready`, until the block ends; stopped also when that fails.

    `environment` comes on top of ours.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_ends_with_us(), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # an interrupt is for the tests, which then stop it in order
        )
    try:
        _wait(process, log, ready, seconds)
        yield process
    finally:
        _stop(process)


def run(
    command: list[str], log: Path, feed: bytes = b"", environment: Mapping[str, str] | None = None
) -> None:
    """Runs a program to its end, with `feed` as its input; `environment` comes on top of ours."""
    told = {**os.environ, **(environment or {})}
    with log.open("wb") as output:
        done = subprocess.run(
            command, input=feed, stdout=output, stderr=subprocess.STDOUT, env=told, check=False
        )
    if done.returncode:
        raise ServiceFailed(_told(log))


def listens(port: int) -> bool:
    """Whether something accepts connections on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ends_with_us() -> list[str]:
    """A prefix that ends a program also when the tests are killed, where the system can do that."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise ServiceFailed(_told(log))
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _told(log: Path) -> str:
    return f"did not start; {log} ended with:\n{log.read_text(errors='replace')[-3000:]}"
