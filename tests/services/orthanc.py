"""A real Orthanc with its DICOMweb plug-in: the system's own release."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services.packages import PackageRoot, release, unpacked
from tests.services.process import free_port, listens, run, running


@dataclass(frozen=True)
class OrthancServer:
    """An Orthanc: where it is when it runs, who may ask it, and where it keeps its files."""

    folder: Path
    port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    username: str = "facade"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    overwrite: bool = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """What a facade's settings say of it."""
        login = {"orthanc_username": self.username, "orthanc_password": self.password}
        return {"orthanc_api_url": self.url, **login}

    def send(self, *files: Path) -> None:
        """Sends files as a scanner does: by C-STORE in a DICOM association; returns once it has them."""
        root = self._root()
        command = [*root.command("usr/bin/dcmsend"), "-dn", "-aet", "SCANNER", "-aec", "ORTHANC"]
        sent = [*command, "127.0.0.1", str(self.dicom_port), *map(str, files)]
        run(sent, self.folder / "dcmsend.log", environment=_dictionaries(root))

    @contextmanager
    def run(self) -> Iterator[None]:
        """Runs it until the block ends; it may be run again with what it had when it was killed."""
        root = self._root()
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(self._configuration(root.path)))
        command = [*root.command("usr/sbin/Orthanc"), str(file)]
        log = self.folder / "log"
        with running(command, log, lambda: listens(self.port), environment=_dictionaries(root)) as process:
            try:
                yield
            finally:
                process.kill()  # it takes seconds to end in order

    @staticmethod
    def _root() -> PackageRoot:
        return unpacked("orthanc", release()["VERSION_CODENAME"], "orthanc", "orthanc-dicomweb", "dcmtk")

    def _configuration(self, root: Path) -> dict[str, object]:
        data = str(self.folder / "data")
        return {
            "StorageDirectory": data,
            "IndexDirectory": data,
            "HttpPort": self.port,
            "DicomPort": self.dicom_port,
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {self.username: self.password},
            "OverwriteInstances": self.overwrite,
            "SyncStorageArea": False,
            "Plugins": [str(root / "usr/share/orthanc/plugins/libOrthancDicomWeb.so")],
            "DicomWeb": {"Root": "/dicom-web/"},
        }


def _dictionaries(root: PackageRoot) -> dict[str, str]:
    """Where DCMTK finds what it knows of attributes."""
    found = root.path.glob("usr/share/libdcmtk*/[dp]*i*.dic")
    return {"DCMDICTPATH": ":".join(str(d) for d in found if d.stem in ("dicom", "private"))}


@contextmanager
def orthanc_server(*, overwrite: bool = True) -> Iterator[OrthancServer]:
    """An empty Orthanc that runs until the block ends."""
    with tempfile.TemporaryDirectory(prefix="fhir-facade-orthanc-") as folder:
        server = OrthancServer(Path(folder), overwrite=overwrite)
        with server.run():
            yield server
