"""The validator's Java program: built once, and again only when its sources change or its jars are gone."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.packages import cache_folder, locked

PROJECT = Path(__file__).parent
TARGET = PROJECT / "target"
_CLASSPATH = TARGET / "classpath.txt"
_STAMP = TARGET / "stamp.txt"
_MAVEN = ["mvn", "-B", "-q", "process-classes"]


def missing_tools() -> list[str]:
    """The commands this needs and the machine lacks."""
    return [command for command in ("java", "javac", "mvn") if shutil.which(command) is None]


def classpath() -> str:
    """The class path for java, built first if need be; raises CalledProcessError with Maven's own words."""
    with _only_one():
        if not _built():
            _build()
            _STAMP.write_text(_digest())
    # Our own classes first: an empty oidregistry.csv among them hides HL7's, of which 1.5 MB would be read
    # again for each resource (65 % of all time).
    return f"{TARGET / 'classes'}:{_CLASSPATH.read_text().strip()}"


def _built() -> bool:
    if not _STAMP.exists() or _STAMP.read_text() != _digest():
        return False
    return all(Path(jar).exists() for jar in _CLASSPATH.read_text().strip().split(":"))


def _digest() -> str:
    sources = [PROJECT / "pom.xml", *sorted(path for path in (PROJECT / "src").rglob("*") if path.is_file())]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _build() -> None:
    # Offline first: with all jars in Maven's cache it asks nobody, and takes a third of the time.
    offline = subprocess.run([*_MAVEN, "-o"], cwd=PROJECT, capture_output=True)
    if offline.returncode:
        with locked(cache_folder() / "maven.lock"):  # Maven's own cache takes one writer
            subprocess.run(_MAVEN, cwd=PROJECT, check=True)


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds off other test runs in this tree while one builds."""
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
