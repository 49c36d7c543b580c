"""Who may see which study: asked here, answered by the compiler that answers FHIR (`fhir_facade.imaging`).

A study is visible exactly if its ImagingStudy is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy import ColumnElement
from starlette.requests import Request

from mappers.terms import Term

#: what a caller does to studies; the words are those of the audit trail
Doing = Literal["query", "retrieve", "store", "delete"]


@dataclass(frozen=True)
class Restriction:
    """A condition on `fhir_dicom_study`'s rows, and the terms that its bound slots refer to by number."""

    condition: ColumnElement[bool]
    terms: Sequence[Term] = ()


@dataclass(frozen=True)
class Access:
    """What somebody did. `studies`: UIDs to ImagingStudies' ids; `query`: the raw request."""

    doing: Doing
    studies: Mapping[str, str]
    status: int = 200
    query: str = ""
    instances: int = 0


class Viewer(Protocol):
    """A caller who was let in."""

    def restriction(self) -> Restriction | None:
        """Which studies may be searched; None: not any."""

    async def visible(self, studies: Sequence[str], doing: Doing = "retrieve") -> Mapping[str, str]:
        """Those of the StudyInstanceUIDs that the caller may do this to, with their ImagingStudy's ids."""

    def may(self, doing: Doing) -> bool:
        """Whether the caller may do this to any study at all."""

    async def record(self, access: Access) -> None:
        """Returns once the access is durably in the audit trail; raises DicomFault 503 if it can't be."""


class Gate(Protocol):
    """Lets requests in, and counts them."""

    async def admitted(self, request: Request, cost: int = 1) -> Viewer:
        """The request's caller; raises DicomFault 401, 403 or 429."""
