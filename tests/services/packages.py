"""Debian packages unpacked into a folder of their own, for services that the tests start.

Nothing is installed: apt resolves and downloads into a private state, dpkg-deb unpacks, and the programs run
with their own libraries. So no administrator is needed, a server of another release runs beside the system's,
and servers whose packages exclude each other both run.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Stanza = dict[str, str]


class PackagesUnavailable(RuntimeError):
    """What the tests need can't be fetched on this machine; says why."""


@dataclass(frozen=True)
class PackageRoot:
    """A folder that looks like `/` to the programs in it."""

    path: Path

    def command(self, program: str) -> list[str]:
        """The start of a command line that runs `program` with the root's own libraries."""
        loader = self._loader()
        own = self.path / "usr/lib"
        libraries = [loader.parent, own / loader.parent.name, own / "mysql/private"]
        paths = ":".join(str(library) for library in libraries)
        return [str(loader), "--library-path", paths, str(self.path / program)]

    def _loader(self) -> Path:
        found = [*self.path.glob("lib/*/ld-linux-*"), *self.path.glob("usr/lib/*/ld-linux-*")]
        return next(loader for loader in found if not loader.is_symlink())


def unpacked(name: str, suite: str, *packages: str) -> PackageRoot:
    """The root with `packages` of a suite and all they depend on; the first time takes seconds, then none.

    Kept in the user's cache folder; removing it fetches the newest again.
    """
    root = cache_folder() / f"{name}-{suite}-{platform.machine()}"
    with locked(root.with_suffix(".lock")):
        if not root.exists():
            _unpack(root, suite, packages)
    return PackageRoot(root)


def cache_folder() -> Path:
    """Where the tests keep what they fetched, outside the repository."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "fhir-facade"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def release() -> Stanza:
    """What the system says of itself: `ID` (debian, ubuntu), `VERSION_CODENAME`, …"""
    try:
        return platform.freedesktop_os_release()
    except OSError as missing:
        raise PackagesUnavailable("the tests' databases come from Debian's or Ubuntu's packages") from missing


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Two test runs at once must not unpack at once: the second waits."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(root: Path, suite: str, packages: tuple[str, ...]) -> None:
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise PackagesUnavailable(f"{command} is needed to fetch {', '.join(packages)} for the tests")
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        state = Path(folder)
        _download(state, suite, packages)
        (state / "root").mkdir()
        for package in sorted(state.glob("cache/archives/*.deb")):
            _run("dpkg-deb", "-x", str(package), str(state / "root"))
        (state / "root").rename(root)


def _download(state: Path, suite: str, packages: tuple[str, ...]) -> None:
    """All packages into `state`, resolved as on a system that has none."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "suite.sources").write_text(_deb822(source_entry() | {"Suites": suite}))
    options = {
        "Dir::Etc::sourcelist": state / "suite.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
        "Acquire::Retries": "3",
        # A mirror that stands still serves tests as well; signatures are checked all the same.
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-qq", "-y", *(f"-o{key}={value}" for key, value in options.items())]
    _run(*apt, "update")
    _run(*apt, "--no-install-recommends", "--download-only", "install", *packages)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagesUnavailable(f"{command[0]} failed: {done.stderr.strip()}")


def source_entry() -> Stanza:
    """The system's own entry for its release: where it gets packages from, and by whom they are signed."""
    codename = release().get("VERSION_CODENAME", "")
    apt = Path("/etc/apt")
    files = (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*")))
    for stanza in (stanza for file in files for stanza in read_sources(file)):
        if codename in stanza["Suites"].split() and "deb" in stanza["Types"].split():
            return stanza | {"Types": "deb"}
    raise PackagesUnavailable(f"no source of packages for {codename or 'this system'} is set up under {apt}")


def read_sources(file: Path) -> list[Stanza]:
    """The entries of a file, of either format; none when it isn't there or is switched off by its name."""
    if not file.is_file() or file.suffix not in (".sources", ".list"):
        return []
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    if file.suffix == ".sources":
        return [_fields(stanza) for stanza in "\n".join(lines).split("\n\n") if "Suites:" in stanza]
    return [_fields_of_line(line) for line in lines if line.startswith("deb ")]


def _fields(stanza: str) -> Stanza:
    """A deb822 stanza; a line that begins with a blank goes on with the field before it."""
    fields: Stanza = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith((" ", "\t")):
            fields[name] += "\n" + line
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def _fields_of_line(line: str) -> Stanza:
    """A one-line entry: `deb [signed-by=FILE] URI SUITE COMPONENT…`."""
    options, rest = "", line.removeprefix("deb ").strip()
    if rest.startswith("["):
        options, _, rest = rest[1:].partition("]")
    uri, suite, *components = rest.split()
    signed = [option.split("=", 1)[1] for option in options.split() if option.startswith("signed-by=")]
    fields = {"Types": "deb", "URIs": uri, "Suites": suite, "Components": " ".join(components)}
    return fields | ({"Signed-By": signed[0]} if signed else {})


def _deb822(stanza: Stanza) -> str:
    return "".join(f"{name}: {value}\n" for name, value in stanza.items())
