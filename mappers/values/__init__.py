"""Value kinds: the objects that read, search and sort one kind of value (`mappers.value`)."""

from mappers.values.absence import Absent
from mappers.values.children import Children
from mappers.values.codes import (
    Bool,
    Code,
    Coded,
    Concept,
    Fixed,
    Given,
    ListCodings,
    MappedCoding,
    When,
    concept,
    flag_is,
    word_is,
)
from mappers.values.compounds import Backbone, Choice, Derived, FirstOf, Merged, Sensitive, Several
from mappers.values.conditions import both, looks_like, there_is, unless
from mappers.values.quantity import Compared, Conversion, Number, Quantity
from mappers.values.references import ReferenceTo, Route
from mappers.values.security import SecurityLabel
from mappers.values.text import (
    Address,
    ContactPoint,
    FullName,
    HexUuidIdentifier,
    HumanName,
    Identifier,
    Joined,
    Mapped,
    NumberIdentifier,
    Str,
    UuidIdentifier,
)
from mappers.values.time import Date, DateTime, DayOrInstant, Happened, Instant, Period

__all__ = [
    "Absent",
    "Address",
    "Backbone",
    "Bool",
    "Children",
    "Choice",
    "Code",
    "Coded",
    "Compared",
    "Concept",
    "ContactPoint",
    "Conversion",
    "Date",
    "DateTime",
    "DayOrInstant",
    "Derived",
    "FirstOf",
    "Fixed",
    "FullName",
    "Given",
    "Happened",
    "HexUuidIdentifier",
    "HumanName",
    "Identifier",
    "Instant",
    "Joined",
    "ListCodings",
    "Mapped",
    "MappedCoding",
    "Merged",
    "Number",
    "NumberIdentifier",
    "Period",
    "Quantity",
    "ReferenceTo",
    "Route",
    "SecurityLabel",
    "Sensitive",
    "Several",
    "Str",
    "UuidIdentifier",
    "When",
    "both",
    "concept",
    "flag_is",
    "looks_like",
    "there_is",
    "unless",
    "word_is",
]
