"""The imaging archive that the settings name."""

from __future__ import annotations

from urllib.parse import urlsplit

from dicomweb.archives.archive import Archive
from dicomweb.archives.embedded import EmbeddedArchive
from dicomweb.archives.orthanc import Orthanc, OrthancAddress
from dicomweb.archives.orthanc.connection import Connection
from fhir_facade.settings import SettingFault, Settings
from mappers.at_rest import AtRest

#: the embedded archive's folder, below DATA_DIR
FOLDER = "archive"


def archive_of(settings: Settings, at_rest: AtRest) -> Archive:
    """Orthanc where ORTHANC_API_URL is set, else the embedded one; raises SettingFault for an address that
    is none.
    """
    url = settings.orthanc_api_url
    if not url:
        return EmbeddedArchive(settings.data_path / FOLDER, at_rest)
    if not is_address(url):
        raise SettingFault("ORTHANC_API_URL is an address as http://orthanc:8042")
    login = OrthancAddress(url, settings.orthanc_username, settings.orthanc_password)
    return Orthanc(Connection(login))


def is_address(url: str) -> bool:
    """Whether something can be asked there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
