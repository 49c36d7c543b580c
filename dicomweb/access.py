"""Who may see which study: asked here, answered by the compiler that answers FHIR (`fhir_facade.imaging`).

A study is visible exactly if its ImagingStudy is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Select
from starlette.requests import Request

from mappers.database import Database
from mappers.statement import Slots
from mappers.terms import Term
from mappers.transaction import Transaction

#: called after the commit: returns once the trail has what is owed, or can't be written and gets it later
Settle = Callable[[], Awaitable[None]]
#: what a caller does to studies; the words are those of the audit trail
Doing = Literal["query", "retrieve", "store", "delete"]


@dataclass(frozen=True)
class Restriction:
    """The RIS's rows that a caller sees, for statements of others.

    `rows` selects their StudyInstanceUIDs as `uid`, their own keys as `row` and their patients' as `patient`,
    with a statement's slots over `terms`; `shape` is what its text depends on. `most`: it takes out some rows
    of all, if any, rather than name those of a few patients.
    """

    rows: Callable[[Slots], Select[Any]]
    terms: Sequence[Term] = ()
    shape: Hashable = None
    most: bool = False


@dataclass(frozen=True)
class Access:
    """What somebody did. `studies`: StudyInstanceUIDs to ImagingStudies' ids, as `Viewer.visible` told."""

    doing: Doing
    studies: Mapping[str, str]
    status: int = 200
    instances: int = 0


@dataclass(frozen=True, slots=True)
class Handed:
    """How much of a study has left: Part 10 files, frames (also as pictures), and bytes of all there was."""

    instances: int = 0
    frames: int = 0
    size: int = 0

    def __add__(self, more: Handed) -> Handed:
        """The sum."""
        return Handed(self.instances + more.instances, self.frames + more.frames, self.size + more.size)


class Viewer(Protocol):
    """A caller who was let in."""

    @property
    def told(self) -> Mapping[str, str]:
        """Headers that every answer to them has."""

    def restriction(self) -> Restriction | None:
        """Which studies may be searched; None: not any."""

    async def visible(self, studies: Sequence[str], doing: Doing = "retrieve") -> Mapping[str, str]:
        """Those of the StudyInstanceUIDs that the caller may do this to, with their ImagingStudy's ids."""

    async def may_store(self, t: Database, study: str, *, made: bool) -> bool:
        """Whether the caller may store to a study as a transaction has it; `made`: it is new there."""

    def may(self, doing: Doing) -> bool:
        """Whether the caller may do this to any study at all."""

    async def record(self, access: Access) -> None:
        """Returns once the access is durably in the audit trail; raises DicomFault 503 if it can't be.

        Retrievals of one study leave one event a token and hour.
        """

    async def owe(self, t: Transaction, studies: Sequence[str]) -> Settle:
        """Keeps with a transaction what the trail will say of instances that it stores, in these studies.

        `studies` are those that it stores to; none where all of the instances have to wait in quarantine.
        """

    def handed(self, handed: Handed) -> None:
        """Counts what has left of the study whose retrieval was recorded; nobody waits for that."""


class Gate(Protocol):
    """Lets requests in, and counts them."""

    async def admitted(self, request: Request, doing: Doing = "retrieve", cost: int = 1) -> Viewer:
        """The request's caller, who may do this to some study; raises DicomFault 401, 403 or 429.

        503 where it would store or delete, and the audit trail can't be written.
        """

    async def refused(self, request: Request, doing: Doing, status: int, viewer: Viewer | None) -> None:
        """Returns once a refusal is durably in the audit trail; raises DicomFault 503 if it can't be."""
