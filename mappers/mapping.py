"""The vocabulary: a resource type is one declaration, and everything else interprets it.

From one `ResourceMapping` come read, search, the CapabilityStatement, the docs page, `_explain`, drift checks
and the tests that all types share. Nothing about a resource type is stated twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import FromClause, Integer

from mappers.spelled import Spelled, spelling
from mappers.sql import ALWAYS, Condition
from mappers.upkeep import Upkeep
from mappers.value import Column, Columns, DirtyRowError, Value

if TYPE_CHECKING:
    from mappers.at_hand import AtHand
    from mappers.values.references import ReferenceTo

MAX_ID = 64
#: https://hl7.org/fhir/R4/datatypes.html#id
LOGICAL_ID = re.compile(rf"[A-Za-z0-9\-.]{{1,{MAX_ID}}}")
_BIGINT = 2**63
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # as `str` writes it


@dataclass(frozen=True, eq=False)
class Join:
    """A LEFT JOIN onto a unique column (or onto the first row there is): never more than one row.

    `needs`: joined tables that a sub-select within `on` refers to.
    """

    table: FromClause
    on: Condition
    needs: tuple[FromClause, ...] = ()


@dataclass(frozen=True, eq=False)
class Id:
    """A resource's own id, and what a reference to it holds: prefix + native key + suffix.

    Derived from a primary key, so it never changes. Characters that a FHIR id can't hold are escaped as
    `.` and two hex digits a byte. https://hl7.org/fhir/R4/datatypes.html#id
    """

    prefix: str
    column: Column
    suffix: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the native key is an integer."""
        return isinstance(self.column.type, Integer)

    def text(self, key: Any) -> str | None:
        """The id of a native key; None for a key that can't be one (blank, or too long when escaped)."""
        try:
            body = str(key) if type(key) is int else _escape(str(key))
        except UnicodeEncodeError:  # half a character
            return None
        found = f"{self.prefix}{body}{self.suffix}"
        return found if body and len(found) <= MAX_ID else None

    def key(self, text: str) -> Any:
        """The native key in an id; None if this can't be one of ours."""
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return None
        body = text[len(self.prefix) : len(text) - len(self.suffix)]
        if not self.numeric:
            return _unescape(body)
        canonical = _INTEGER.fullmatch(body)
        return key if canonical and -_BIGINT <= (key := int(body)) < _BIGINT else None

    def _odd_number(self, stored: Any) -> str | None:
        """The id of what should be an integer and isn't: SQLite keeps anything in most columns."""
        text = f"{self.prefix}{stored}{self.suffix}"
        if not isinstance(stored, str) or self.key(text) is None:
            raise DirtyRowError("a key in it is no integer")
        return text

    def _odd_text(self, stored: Any) -> str | None:
        """The id of what isn't plainly one; None of what is blank."""
        found = self.text(stored)
        if found is None and str(stored).strip():
            raise DirtyRowError("a key in it can't be written as a FHIR id")
        return found

    def reader(self, columns: Columns) -> Spelled:
        """What reads the id of a row; None where the key is NULL."""
        taken = f"value = row[{columns.at(self.column)}]\nif value is not None: "
        if self.numeric:
            test, odd = "type(value) is int", self._odd_number
        else:
            test, odd = "type(value) is str and $plain(value)", self._odd_text
        plain = re.compile(r"[A-Za-z0-9\-]{1,32}").fullmatch
        told = f"value = f'{{$prefix}}{{value}}{{$suffix}}' if {test} else $odd(value)"
        return spelling(taken + told, plain=plain, prefix=self.prefix, suffix=self.suffix, odd=odd)


def _escape(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9\-]", lambda m: "".join(f".{b:02x}" for b in m[0].encode()), key)


def _unescape(body: str) -> str | None:
    """The key behind an escaped body; None if it isn't what `_escape` would have written."""
    try:
        raw = re.sub(rb"\.([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), body.encode())
        key = raw.decode()
    except UnicodeError:
        return None
    return key if key and _escape(key) == body else None


@dataclass(frozen=True, eq=False)
class SqlSource:
    """FROM and WHERE: the only way to a row. Joins are for reading; conditions on them go key to key."""

    table: FromClause
    joins: tuple[Join, ...] = ()
    where: Condition = ALWAYS


@dataclass(frozen=True, eq=False)
class Element:
    """One element: `name[]` appends, `value[x]` takes the type that is there, `a.b` nests.

    `writes`: what writes it instead of the value; False: nothing does (it follows from other columns).
    """

    path: str
    value: Value
    writes: Value | Literal[False] | None = None

    @property
    def writer(self) -> Value:
        """What its columns are written by."""
        return self.writes or self.value

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's names without their marks."""
        return tuple(clean_name(s) for s in self.path.split("."))


def clean_name(segment: str) -> str:
    """An element's name without `[]` and `[x]`."""
    return segment.removesuffix("[]").removesuffix("[x]")


@dataclass(frozen=True, eq=False)
class SearchParam:
    """A search parameter: name and the path(s) it searches; type and targets come from the standard.

    `of` may be one path or several; a path may end in `.where(system='phone')`. `example` is a value that
    finds something in the demo data (documentation and tests use it). A name that the standard doesn't have
    needs `type` (and `target`), `expression` and `description`. `post_only`: never in a URL.
    """

    name: str
    of: str | tuple[str, ...]
    example: str = ""
    type: str = ""
    target: tuple[str, ...] = ()
    expression: str = ""
    description: str = ""
    components: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths searched."""
        return (self.of,) if isinstance(self.of, str) else self.of


@dataclass(frozen=True)
class Profile:
    """A profile that a resource claims in meta.profile only where `holds` is true of it."""

    url: str
    holds: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, eq=False)
class AuthorOnly:
    """Rows that are their author's alone as long as a condition on their own columns holds.

    `author`: the reference that names them; `status`: what such a row's resource says of itself.
    """

    condition: Condition
    author: ReferenceTo
    status: str


@dataclass(frozen=True, eq=False)
class Part:
    """One SELECT of which one row is one resource.

    `untold`: types to which its rows may refer without saying so, because the columns are missing.
    `whole`: what yields the resource as it was written, where no columns do; `version`: the column that
    counts its versions (else they are digests of the row); `indexed`: what parameters find of it, by name.
    `upkeep`: how its rows are written; `rest`: where is kept what its columns can't hold; `amended`: what
    that is searched by; `there`: that no client has deleted a row, asked by its key and of its joined rest.
    `author_only`: which of its rows nobody else may see yet.
    """

    id: Id
    source: SqlSource
    elements: tuple[Element, ...]
    last_updated: Value | None = None
    where: Condition = ALWAYS
    profiles: tuple[Profile, ...] = ()
    security: Value | None = None
    writable: bool = False
    read_only_because: str = ""
    comment: str = ""
    untold: frozenset[str] = frozenset()
    whole: Value | None = None
    version: Column | None = None
    indexed: Mapping[str, Value] = field(default_factory=dict)
    upkeep: Upkeep | None = None
    rest: FromClause | None = None
    amended: Part | None = None
    there: tuple[Condition, Condition] | None = None
    author_only: AuthorOnly | None = None

    @property
    def native(self) -> bool:
        """Whether its resources are kept whole, as clients wrote them."""
        return self.whole is not None

    @property
    def tables(self) -> tuple[FromClause, ...]:
        """The tables whose rows are its own: what they say is this resource's, and what others change there.

        All other joined tables are masters, which many rows share.
        """
        return (self.source.table, *(self.upkeep.joined if self.upkeep else ()))

    @property
    def written_here(self) -> bool:
        """Whether clients can write its resources."""
        return self.native or self.upkeep is not None

    @cached_property
    def name(self) -> str:
        """Its name within the type: prefix, table and suffix."""
        return f"{self.id.prefix}{self.source.table.name}{self.id.suffix}"  # type: ignore[attr-defined]

    @cached_property
    def joins(self) -> tuple[Join, ...]:
        """The source's joins and those that the values bring along, each once, in order."""
        values = [e.value for e in self.elements]
        values += [v for v in (self.last_updated, self.security) if v]
        found = {id(j.table): j for j in self.source.joins}
        for value in values:
            found |= {id(j.table): j for j in value.joins if id(j.table) not in found}
        return tuple(found.values())


@dataclass(frozen=True, eq=False)
class ResourceMapping:
    """One resource type: its parts, what can be searched, and what its narrative says.

    `at_hand`: resources that no part holds.
    """

    resource_type: str
    parts: tuple[Part, ...]
    search_params: tuple[SearchParam, ...] = ()
    narrative: tuple[str, ...] = ()
    comment: str = ""
    at_hand: AtHand | None = None
    _names: dict[str, Part] = field(default_factory=dict, repr=False)

    @cached_property
    def by_name(self) -> dict[str, Part]:
        """Parts by name; a name stands for one part only."""
        found = {p.name: p for p in self.parts}
        if len(found) != len(self.parts):
            raise ValueError(f"{self.resource_type}: two parts have the same id prefix, table and suffix")
        return found

    @cached_property
    def params(self) -> dict[str, SearchParam]:
        """Search parameters by name."""
        return {p.name: p for p in self.search_params}

    def resolve(self, id_text: str) -> tuple[Part, Any] | None:
        """The part an id belongs to, and the native key in it; None if no part can have such an id."""
        for part in self._by_specificity:
            key = part.id.key(id_text)
            if key is not None:
                return part, key
        return None

    @cached_property
    def _by_specificity(self) -> Sequence[Part]:
        return sorted(self.parts, key=lambda p: (-len(p.id.prefix), -len(p.id.suffix)))


Container = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """Where a search parameter's path leads in a part: the kind, and the containers around it."""

    value: Value
    inside: Container = ()


_WHERE = re.compile(r"\.where\(system='([a-z]+)'\)$")


def places(elements: Sequence[Element], path: str, inside: Container = ()) -> Iterator[Place]:
    """Every place in the elements that a path leads to (none: this part has no such element)."""
    wanted = _WHERE.search(path)
    names = tuple(clean_name(s) for s in _WHERE.sub("", path).split("."))
    for element in elements:
        head = element.segments
        if names[: len(head)] == head:
            for place in _within(element.value, names[len(head) :], inside):
                if not wanted or getattr(place.value, "system", None) == wanted[1]:
                    yield place


def _within(value: Value, rest: tuple[str, ...], inside: Container) -> Iterator[Place]:
    """Descends into containers and datatypes."""
    unfold: Callable[[], Sequence[tuple[Value | Sequence[Element], Any]]] | None = getattr(
        value, "unfold", None
    )
    if unfold is not None:
        for content, container in unfold():
            around = (*inside, container) if container is not None else inside
            if isinstance(content, Value):
                yield from _within(content, rest, around)
            elif rest:
                yield from places(content, ".".join(rest), around)
            else:  # an object that takes no value, but may be there (`:missing`)
                yield Place(value, inside)
    elif not rest:
        yield Place(value, inside)
    elif (found := value.sub(rest[0])) is not None:
        yield from _within(found, rest[1:], inside)
