"""Refusals, as DICOMweb clients read them. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.5"""

from __future__ import annotations

from collections.abc import Mapping


class DicomFault(Exception):
    """A request that is refused: a status, what is wrong with it in a sentence, and headers."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, dict(headers or {})
