"""A real Keycloak: fetched as it was published, built once, its database in memory."""

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests.services.packages import PackagesUnavailable, cache_folder, locked
from tests.services.process import free_port, listens, running

#: where browsers find the facades of tests
PUBLIC = "http://facade.test"
VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
# The whole variable: a second collector beside the script's own choice ends the VM. The first compiler alone
# starts in half the time.
JAVA = (
    "-Xms64m -Xmx384m -XX:MetaspaceSize=96M -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC "
    "-XX:TieredStopAtLevel=1 -Djava.security.egd=file:/dev/urandom -Dfile.encoding=UTF-8"
)


@dataclass(frozen=True)
class Keycloak:
    """A running Keycloak: its own address, and its administrator, who is made at the start."""

    url: str
    admin_user: str
    admin_password: str = field(repr=False)


@contextmanager
def keycloak_server(public_url: str) -> Iterator[Keycloak]:
    """A Keycloak with no realm but its own, which browsers reach at `public_url` only."""
    home, port = _built(), free_port()
    server = Keycloak(f"http://127.0.0.1:{port}", "operator", secrets.token_urlsafe(12))
    bootstrap = {
        "KC_BOOTSTRAP_ADMIN_USERNAME": server.admin_user,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": server.admin_password,
    }
    with tempfile.TemporaryDirectory(prefix="fhir-facade-keycloak-") as folder:
        command = _start(home, port, public_url)
        log = Path(folder) / "server.log"
        with running(command, log, lambda: _ready(server, port), 150, bootstrap | {"JAVA_OPTS": JAVA}):
            yield server


def _start(home: Path, port: int, public_url: str) -> list[str]:
    return [
        *("bash", str(home / "bin/kc.sh"), "start", "--optimized"),
        *("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}"),
        *(f"--hostname={public_url}", "--hostname-backchannel-dynamic=true"),
        *("--proxy-headers=xforwarded", "--proxy-trusted-addresses=127.0.0.1"),
        "--cache=local",  # else it opens ports to find others
    ]


def _ready(server: Keycloak, port: int) -> bool:
    """Whether it answers for its own realm; it listens before that."""
    if not listens(port):
        return False
    try:
        with urlopen(f"{server.url}/realms/master", timeout=5) as answer:  # noqa: S310 (http, our own)
            return bool(answer.status == 200)
    except OSError:
        return False


def _built() -> Path:
    """Keycloak's folder, ready for an optimized start; made the first time, in about a minute."""
    home = cache_folder() / f"keycloak-{VERSION}"
    with locked(home.with_name(f"{home.name}.lock")):
        if not home.exists():
            _build(home)
    return home


def _build(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        _fetch(Path(folder))
        with zipfile.ZipFile(verified(Path(folder))) as archive:
            archive.extractall(folder)
        made = Path(folder) / home.name
        _run("bash", str(made / "bin/kc.sh"), "build", "--db=dev-mem")
        made.rename(home)


def _fetch(folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise PackagesUnavailable("mvn is needed to fetch Keycloak for the tests")
    with locked(cache_folder() / "maven.lock"):
        _run(
            "mvn", "-B", "-q", f"{MAVEN_PLUGIN}:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"
        )


def verified(folder: Path) -> Path:
    """The distribution in the folder; raises PackagesUnavailable for any other than the one named here."""
    found = folder / f"keycloak-quarkus-dist-{VERSION}.zip"
    with found.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != SHA256:
        raise PackagesUnavailable(f"{ARTIFACT} has the digest {digest}, not {SHA256}")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"JAVA_OPTS": JAVA}
    )
    if done.returncode:
        raise PackagesUnavailable(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
