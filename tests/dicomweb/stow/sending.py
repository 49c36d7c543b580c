"""A facade's imaging gateway, as who stores images sees it, and as its database does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import httpx
from pydicom.uid import generate_uid
from sqlalchemy import select

from dicomweb.index.reading import rows
from mappers.cdss.tables import ris_radiologystudy
from mappers.facade.imaging import fhir_dicom_quarantine
from mappers.facade.tables import fhir_event
from tests.dicomweb.phantom import part10
from tests.facade.facade import Facade

ROOT = "/api/dicom-web"
BOUNDARY = "a-boundary-of-the-test"
RELATED = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
#: patients of the demo
KIM, LEE = "P-2025-000001", "P-2025-000002"
Json = dict[str, Any]
_UID: Any = ris_radiologystudy.c.study_instance_uid


@dataclass(frozen=True)
class Image:
    """A file and its UIDs."""

    content: bytes
    study: str
    series: str
    instance: str

    @property
    def address(self) -> str:
        """Its path."""
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}"


def image(study: str = "", series: str = "", instance: str = "", **attributes: Any) -> Image:
    """An image of the demo's first patient, with UIDs of its own where none are given."""
    uids = [uid or generate_uid() for uid in (study, series, instance)]
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    made = part10(**(dict(zip(names, uids, strict=True)) | attributes))
    assert isinstance(made, BytesIO)
    return Image(made.getvalue(), *uids)


def body(parts: Sequence[bytes], fields: str = "Content-Type: application/dicom", end: str = "\r\n") -> bytes:
    """A multipart body."""
    start = f"--{BOUNDARY}{end}{fields}{end}{end}".encode()
    between = end.encode()
    return b"".join(start + part + between for part in parts) + f"--{BOUNDARY}--{end}".encode()


@dataclass
class Sender:
    """Sends to a facade."""

    facade: Facade
    headers: dict[str, str] = field(default_factory=dict)

    async def post(
        self, content: bytes, path: str = "/studies", media: str = RELATED, **headers: str
    ) -> httpx.Response:
        """POST of any body."""
        sent = {"content-type": media, **self.headers, **headers}
        return await self.facade.http.post(f"{ROOT}{path}", content=content, headers=sent)

    async def store(self, *images: Image, path: str = "/studies", **headers: str) -> httpx.Response:
        """STOW of images."""
        return await self.post(body([i.content for i in images]), path, **headers)

    async def delete(self, path: str) -> httpx.Response:
        """DELETE."""
        return await self.facade.http.delete(f"{ROOT}{path}", headers=self.headers)

    async def row(self, study: str) -> Json:
        """The RIS's only row of a study."""
        found = await self._rows(select(ris_radiologystudy).where(study == _UID))
        assert len(found) == 1
        return dict(zip((c.name for c in ris_radiologystudy.c), found[0], strict=True))

    async def count(self, study: str) -> int:
        """How many rows the RIS has of a study."""
        return len(await self._rows(select(_UID).where(study == _UID)))

    async def events(self, id_: str) -> list[str]:
        """What events have told of an ImagingStudy."""
        e = fhir_event.c
        found = await self._rows(select(e.action).where(e.resource_id == id_).order_by(e.id))
        return [str(action) for (action,) in found]

    async def waiting(self, study: str) -> list[str]:
        """Why a study's instances wait in quarantine."""
        q = fhir_dicom_quarantine.c
        return [str(r) for (r,) in await self._rows(select(q.reason).where(q.study == study))]

    async def read(self, id_: str) -> httpx.Response:
        """The ImagingStudy."""
        return await self.facade.get(f"ImagingStudy/{id_}", **self.headers)

    async def _rows(self, statement: Any) -> Any:
        return await rows(self.facade.service.engine.database, statement)


def failures(answer: httpx.Response) -> list[int]:
    """The failure reasons of an answer."""
    told = answer.json()
    items = [i for tag in ("00081198", "0008119A") for i in told.get(tag, {}).get("Value", ())]
    return [i["00081197"]["Value"][0] for i in items]


def stored(answer: httpx.Response) -> list[str]:
    """The SOPInstanceUIDs that are referenced as stored."""
    return [i["00081155"]["Value"][0] for i in answer.json().get("00081199", {}).get("Value", ())]
