"""What a value kind is: the object that reads a value also searches and sorts it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ColumnElement, FromClause

from mappers.column_types import DecimalText
from mappers.keyring import UnopenableError
from mappers.shared import shared
from mappers.spelled import Spelled, indented, spelled, spelling
from mappers.sql import NEVER, Alternative, Condition
from mappers.terms import Term

if TYPE_CHECKING:
    from mappers.mapping import Join
    from mappers.site import Site

Row = Sequence[Any]
Read = Callable[[Row], Any]
Column = ColumnElement[Any]


class DirtyRowError(ValueError):
    """A row that can't become a resource; the text says why, without any clinical value."""


class Question(Protocol):
    """What a value kind may ask of the compiler while it turns a term into SQL."""

    site: Site

    def bind(self, term: Term, value: Callable[[Any], Any]) -> Column:
        """A slot that `value(term)` fills each time the statement runs."""

    def near(self, condition: Condition) -> Condition:
        """A condition on a joined master, as `own key IN (SELECT key …)`."""

    def refers(self, reference: Any, term: Term) -> list[Alternative]:
        """Conditions for "the reference is to exactly the term's resource"."""

    def named(self, term: Any) -> Column | None:
        """A slot of the id, as text, of the resource that a reference names; None if there can be none."""

    def sensitive(self) -> bool:
        """Whether sensitive values may be searched (POST only)."""


#: what columns hold, or shall hold
Cells = dict[Column, Any]


class Writing(Protocol):
    """What a value kind may ask while it writes."""

    site: Site

    def target(self, reference: Any, text: str) -> Cells | None:
        """The cell that makes a reference lead where the text says; None if it can't lead there."""


class Value(ABC):
    """One value kind. Kinds are declared once, at import, and hold columns, never data."""

    #: the classes of terms that `matches` understands
    takes: tuple[type[Term], ...] = ()
    #: the ending that a `[x]` element gets, such as `Quantity`
    fhir_type: str = ""
    #: a reference that may be to any type that is served, and is known by its text alone
    to_anything: bool = False
    #: whether several elements ask for it (`there_is`), so that each row should be read once
    asked_again: bool = False
    #: whether it holds an item of a list only where there is no other
    only_alone: bool = False
    #: LEFT JOINs onto unique columns that reading it needs
    joins: tuple[Join, ...] = ()
    #: codes that a statement's text may depend on (they fold); others are bound to a slot. None: all fold
    folds: frozenset[str] | None = None
    #: systems that its codes can be of, '' among them for codes that state none. None: that can't be told
    of_systems: frozenset[str] | None = None

    @abstractmethod
    def reader(self, columns: Columns) -> Read:
        """A function from a row to the JSON value, or None where the row has none."""

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        """Conditions of which one must hold for the row to match the term (none: it can't match)."""
        raise NotImplementedError(f"{type(self).__name__} takes no {type(term).__name__}")

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        """Conditions for the `:text` modifier: the display, never the code."""
        return []

    @abstractmethod
    def present(self) -> Condition:
        """Whether the row has a value, for `:missing` and for choices."""

    def sort_key(self) -> Column | None:
        """The expression to order by; None where such a value has no order."""
        return None

    def written(self, said: Any, w: Writing) -> Cells | None:
        """What its columns hold for what is said (None: nothing is); None where they can't hold it.

        A column gets nothing rather than something near: what it can't hold is kept beside the row.
        """
        return {} if said is None else None

    def sub(self, name: str) -> Value | None:
        """The kind behind a sub-element, such as `family` of a name; None where there is none."""
        return None


class Columns:
    """The columns of one SELECT, in order: readers ask for a column's place in the row.

    `own`: the table that each row is of; all others are joined masters, whose rows many share.
    """

    def __init__(self, site: Site, own: FromClause | None = None) -> None:
        self.site, self.own = site, own
        self.selected: list[Column] = []
        #: by the place of a sealed column: the column, and where the key of its row stands
        self.sealed: dict[int, tuple[Column, Sequence[int]]] = {}
        self.children: list[Any] = []
        self._places: dict[int, int] = {}
        self._used: dict[int | None, None] = {}
        self._shared: dict[int, tuple[Read, dict[int | None, None]]] = {}

    def at(self, column: Column) -> int:
        """The column's index in a row; selects it if it isn't yet."""
        place = self._places.get(id(column))
        if place is None:
            place = self._select(column)
            sealed = self.site.sealed
            if sealed is not None and sealed.covers(column):
                self.sealed[place] = column, [self._select(key) for key in sealed.keys_of(column)]
        self._used[place] = None
        return place

    def _select(self, column: Column) -> int:
        place = self._places.setdefault(id(column), len(self.selected))
        if place == len(self.selected):
            self.selected.append(column)
        return place

    def opened(self, row: Row) -> Row:
        """The row with its sealed columns opened; raises DirtyRowError for one that can't be."""
        sealed = self.site.sealed
        if sealed is None or not self.sealed:
            return row
        found = list(row)
        for place, (column, keys) in self.sealed.items():
            try:
                found[place] = sealed.opened(column, row[place], [row[k] for k in keys])
            except UnopenableError as fault:
                raise DirtyRowError(f"{getattr(column, 'name', '?')} can't be opened: {fault}") from None
        return found

    def remembering(self, make: Callable[[Columns], Read]) -> Read:
        """The reader that `make` makes, which reads equal values of its columns once only.

        For what many rows share: codes and names. Such values are in several resources at once, so nobody may
        change them in place.
        """
        read, used = self._watched(make)
        places = [place for place in used if place is not None]
        return Remembering(read, places) if places and None not in used else read

    def reader(self, value: Value) -> Read:
        """The value's reader; of a value that several elements ask for one that reads each row once."""
        if not value.asked_again:
            return value.reader(self)
        if id(value) not in self._shared:
            read, used = self._watched(value.reader)
            self._shared[id(value)] = _once(read), used
        read, used = self._shared[id(value)]
        self._used |= used
        return read

    def used_by(self, value: Value) -> set[int | None]:
        """The places that reading a value looks at, those of child rows among them (from the end of a row).

        None says that it looks at more than columns.
        """
        return set(self._watched(lambda columns: columns.reader(value))[1])

    def _watched(self, make: Callable[[Columns], Read]) -> tuple[Read, dict[int | None, None]]:
        """A reader and the places it looks at."""
        around, self._used = self._used, {}
        read = make(self)
        used, self._used = self._used, around | self._used
        return read, used

    def beyond_row(self, place: int | None = None) -> None:
        """Says that a reader reads more than columns, so that `remembering` leaves it alone.

        `place`: where the child rows stand that it reads.
        """
        self._used |= {None: None, place: None}

    def remembering_masters(self, make: Callable[[Columns], Read]) -> Read:
        """The reader that `make` makes; remembering, if it reads nothing but joined masters."""
        probe = Columns(self.site)
        make(probe)
        joined = self.own is not None and all(
            getattr(c, "table", None) not in (None, self.own) for c in probe.selected
        )
        return self.remembering(make) if joined else make(self)

    def child(self, query: Any) -> int:
        """The index, from the end of a row, at which the child rows of `query` will stand."""
        self.children.append(query)
        return -len(self.children)


#: what one reader remembers at most
REMEMBERED = 1024


class _Seen:
    """The row that was read last, and its value."""

    __slots__ = ("row", "value")

    def __init__(self) -> None:
        self.row: Row | None = None
        self.value: Any = None


def _once(read: Read) -> Spelled:
    told = spelled(read)
    found = spelling("value = $seen.value\n$seen.value, $seen.row = value, row", seen=_Seen())
    known, keep = found.lines
    place = keep.partition(".")[0]
    lines = [f"if {place}.row is row: {known}", "else:", *indented([*told.lines, keep])]
    return Spelled(lines, told.used | found.used)


class Remembering(Spelled):
    """A reader that reads equal values once: what is at `places` of a row is the key of what is known.

    Its objects are shared by all who read them.
    """

    def __init__(self, read: Read, places: Sequence[int]) -> None:
        self.known: dict[Any, Any] = {}
        self._seen = set[Any]()
        self._make, self._key = read, itemgetter(*places)
        key = ", ".join(f"row[{place}]" for place in places)
        lines = f"try: value = $known[{key}]\nexcept KeyError: value = $learn(row)"
        found = spelling(lines, known=self.known, learn=self.learn)
        super().__init__(found.lines, found.used)

    def learn(self, row: Row) -> Any:
        """The value of a row whose key isn't known yet; kept when it comes again.

        What only one row has isn't worth it: to make it fit to be shared takes longer than to make it.
        """
        key, found = self._key(row), self._make(row)
        if key in self._seen:
            _room(self.known)
            found = self.known[key] = shared(found)
        else:
            _room(self._seen)
            self._seen.add(key)
        return found


def _room(held: dict[Any, Any] | set[Any]) -> None:
    if len(held) >= REMEMBERED:
        held.clear()


def folds_of(values: Iterable[Value]) -> frozenset[str] | None:
    """The codes that any of the values folds; None if that can't be told of one of them."""
    found: frozenset[str] = frozenset()
    for value in values:
        if value.folds is None:
            return None
        found |= value.folds
    return found


def systems_of(values: Iterable[Value]) -> frozenset[str] | None:
    """The systems that codes of any of the values can be of; None if that can't be told of one of them."""
    found: frozenset[str] = frozenset()
    for value in values:
        if value.of_systems is None:
            return None
        found |= value.of_systems
    return found


def cell(column: Column, text: Any) -> Cells | None:
    """A text (or None) in a column; None where the column is too short for it, or too coarse for a number."""
    type_: Any = column.type
    if not isinstance(text, str):
        return {column: text}
    if isinstance(type_, DecimalText):
        return {column: text} if _fits(text, type_) else None
    limit = getattr(type_, "length", None)
    return None if limit is not None and len(text) > limit else {column: text}


def _fits(number: str, type_: DecimalText) -> bool:
    """Whether a plain number has no more digits than a column, on either side of the point."""
    before, _, after = number.lstrip("+-").partition(".")
    whole, part = before.lstrip("0"), after.rstrip("0")
    return len(whole) <= type_.precision - type_.scale and len(part) <= type_.scale


def together(found: Iterable[Cells | None]) -> Cells:
    """Cells of several values; where two have the same column, what is said counts before what isn't."""
    result: Cells = {}
    for cells in found:
        for column, held in (cells or {}).items():
            if result.get(column) is None:
                result[column] = held
    return result


def whole(*found: Cells | None) -> Cells | None:
    """Cells that say something only together; None where one of them can't be."""
    return None if None in found else together(found)


def no_value(row: Row) -> Any:
    """The reader of what is never there."""
    return None


def never() -> list[Alternative]:
    """No row matches."""
    return [NEVER]
