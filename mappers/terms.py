"""Typed search values: a raw query value is parsed once, at the edge, into one of these.

`shape` is what a compiled statement depends on; everything else of a term is bound to a slot when the
statement runs, so that statements are cached by shape (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Prefix(StrEnum):
    """https://hl7.org/fhir/R4/search.html#prefix"""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    LT = "lt"
    GE = "ge"
    LE = "le"
    SA = "sa"
    EB = "eb"
    AP = "ap"


@dataclass(frozen=True, eq=False)
class Term:
    """One alternative of a search parameter's value."""

    @property
    def shape(self) -> Hashable:
        """What the SQL text depends on."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Token(Term):
    """`system|code`: system None = any, '' = none stated; code None = any of that system.

    `bound`: the code is bound to a slot instead of being part of the shape (identifiers).
    """

    system: str | None
    code: str | None
    bound: bool = False

    @property
    def shape(self) -> Hashable:
        return ("token", self.system, self.code is not None if self.bound else self.code)


@dataclass(frozen=True, eq=False)
class OfType(Term):
    """`identifier:of-type=system|code|value`."""

    system: str
    code: str
    value: str

    @property
    def shape(self) -> Hashable:
        return ("of-type", self.system, self.code)


class Mode(StrEnum):
    """How a text is compared."""

    STARTS = "starts"
    EXACT = "exact"
    CONTAINS = "contains"


@dataclass(frozen=True, eq=False)
class Text(Term):
    """A string to find: `nfc` and `nfd` are its two canonical forms (rows may hold either).

    `folded`: it is compared with constants too (`:text` of fixed or mapped codes), and part of the shape.
    """

    nfc: str
    nfd: str
    mode: Mode = Mode.STARTS
    folded: bool = False

    @property
    def shape(self) -> Hashable:
        told = self.nfc if self.folded else None
        return ("text", self.mode, self.nfc == self.nfd, told)


@dataclass(frozen=True, eq=False)
class Range(Term):
    """A stretch of time [low, high), both aware; its width is the precision that was written.

    `skipping`: an end of it is so near to an hour that the site's zone skipped that such hours count.
    """

    prefix: Prefix
    low: datetime
    high: datetime
    skipping: bool = False

    @property
    def shape(self) -> Hashable:
        return ("range", self.prefix, self.skipping)


@dataclass(frozen=True, eq=False)
class Amount(Term):
    """A number or quantity: `value` as written, [low, high) the stretch its digits stand for."""

    prefix: Prefix
    value: Decimal
    low: Decimal
    high: Decimal
    system: str | None = None
    code: str | None = None

    @property
    def shape(self) -> Hashable:
        return ("amount", self.prefix, self.system, self.code)


@dataclass(frozen=True, eq=False)
class Uri(Term):
    """A uri, compared exactly; `below` finds what it is a prefix of, `above` its prefixes."""

    value: str
    modifier: str = ""

    @property
    def shape(self) -> Hashable:
        return ("uri", self.modifier)


@dataclass(frozen=True, eq=False)
class Ref(Term):
    """A resource by type and id, resolved to the part that holds it and the part's native key.

    `part` None: no part of the type can hold such an id, so nothing matches.
    """

    resource_type: str
    part: str | None
    key: Any = None

    @property
    def shape(self) -> Hashable:
        return ("ref", self.resource_type, self.part)


@dataclass(frozen=True, eq=False)
class Composite(Term):
    """`a$b`: all components within one element."""

    components: tuple[tuple[Term, ...], ...]

    @property
    def shape(self) -> Hashable:
        return ("composite", tuple(tuple(t.shape for t in c) for c in self.components))
