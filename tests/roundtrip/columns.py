"""A row as the old application reads it, without what is kept beside it, held against what was sent."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mappers.cells import cells_of, told_at
from mappers.engine import Engine
from mappers.mapping import Element, Part, clean_name
from mappers.plain_text import clean
from mappers.site import Site
from mappers.stored.search_values import SearchValues
from mappers.value import Columns
from mappers.values.compounds import Sensitive

Json = dict[str, Any]
SITE = Site()
#: what masters and the server put beside it
_WORDS = ("text", "display", "extension")
#: what repeats the words of another element
_REPEATS = {"presentedForm": "conclusion"}


async def contradictions(engine: Engine, values: SearchValues, sent: Json, id_: str) -> list[str]:
    """What the row's own columns tell that was not sent; what they leave out is no contradiction."""
    resolved = engine.mappings[sent["resourceType"]].resolve(id_)
    assert resolved is not None
    part, key = resolved
    told, anyway = await _told_by_columns(engine, part, key)
    row, against, wrong = _Row(part, sent), _Against(values), list[str]()
    for name, said in told.items():
        beyond = _beyond(said, anyway.get(name))
        mine = row.sent_as(name)
        if beyond and row.answers_for(name) and not against.agrees(beyond, mine):
            wrong.append(f"{name}: the columns say {beyond!r}, sent was {mine!r}"[:400])
    return wrong


async def _told_by_columns(engine: Engine, part: Part, key: Any) -> tuple[Json, Json]:
    """What the columns alone tell of a row, and what they would of one in which nothing is."""
    mapping = next(m for m in engine.mappings.values() if part in m.parts)
    reader = engine.plans.reader_of(mapping, part)
    [row] = await engine.whole.by_keys(reader, [key])
    whole = (await engine.whole.with_children(reader, {key: row}))[key]
    read = reader.told_by_columns()
    selected = reader.columns.selected
    blank = [
        None if getattr(c, "table", None) is part.source.table and c.name != "patient_id" else value
        for c, value in zip(selected, whole, strict=False)
    ]
    return read(reader.columns.opened(whole)), read([*blank, *whole[len(blank) :]])


def _beyond(said: Any, anyway: Any) -> Any:
    """What is told beyond what would be told of any row."""
    if isinstance(said, list) and isinstance(anyway, list):
        return [one for one in said if one not in anyway]
    return None if said == anyway else said


class _Row:
    """Which elements of a row what was sent answers for."""

    def __init__(self, part: Part, sent: Json) -> None:
        assert part.upkeep is not None
        self.part, self.sent, self.upkeep = part, sent, part.upkeep
        said = (self._columns(e) for e in part.elements if told_at(sent, e.path) is not None)
        self.said = set().union(*said)
        self.follows = {c.name for c in part.upkeep.follows(sent, None, "")} if part.upkeep.follows else set()

    def answers_for(self, name: str) -> bool:
        """Whether the element is of columns that what was sent fills, or leaves empty; no stand-in's."""
        if _REPEATS.get(name) in self.sent:
            return False
        mine = [e for e in self.part.elements if _is(name, e.path)]
        return any(self._columns(e) for e in mine) and not any(self._is_others(e) for e in mine)

    def _is_others(self, element: Element) -> bool:
        """It tells what another element says, what follows from all, or a stand-in for what isn't held."""
        columns = self._columns(element)
        unsaid = told_at(self.sent, element.path) is None
        if (unsaid and columns <= self.said) or self._read(element) & self.follows:
            return True
        held = cells_of([element], self.sent, _Unled())
        stand_ins = {c.name for c in self.upkeep.new if unsaid or not c.nullable}
        return bool(columns & stand_ins) and all(v is None for v in held.values())

    def _columns(self, element: Element) -> set[str]:
        """The row's own columns that writing the element fills."""
        if element.writes is False or isinstance(element.value, Sensitive):
            return set()
        blank = element.writer.written(None, _Unled()) or {}
        return {c.name for c in blank if c.table is self.part.source.table and c is not self.part.id.column}

    @staticmethod
    def _read(element: Element) -> set[str]:
        columns = Columns(SITE)
        used = columns.used_by(element.value)
        return {getattr(columns.selected[i], "name", "") for i in used if i is not None}

    def sent_as(self, name: str) -> Any:
        """What was sent of an element, in whichever type of a choice."""
        if name in self.sent:
            return self.sent[name]
        paths = [e.path for e in self.part.elements if _is(name, e.path)]
        return next((v for p in paths for k, v in self.sent.items() if k[0] != "_" and _is(k, p)), None)


class _Unled:
    """Who writes, and refers to nothing."""

    site = SITE

    def target(self, reference: Any, text: str) -> None:
        return None


def _is(name: str, path: str) -> bool:
    head = path.partition(".")[0]
    bare, stem = name.removeprefix("_"), clean_name(head)
    return bare == stem or (head.endswith("[x]") and bare.startswith(stem) and bare[len(stem)].isupper())


class _Against:
    """Compares what is told with what was sent."""

    def __init__(self, values: SearchValues) -> None:
        self.values = values

    def agrees(self, told: Any, sent: Any) -> bool:
        """Whether nothing is told that wasn't sent; what masters put into words beside it doesn't count."""
        if isinstance(told, list):
            mine = sent if isinstance(sent, list) else [sent]
            codings = any(isinstance(t, dict) and "code" in t for t in told)
            return (any if codings else all)(any(self.agrees(t, s) for s in mine) for t in told)
        if isinstance(told, dict):
            return self._object(told, sent)
        return sent is not None and self._same(told, sent)

    def _object(self, told: Json, sent: Any) -> bool:
        if not isinstance(sent, dict):
            return _as_text(told) == clean(sent) or all(v in str(sent) for v in told.values())
        said = {t for t in _texts(sent) if t}
        if "data" in told:  # under a heading of ours
            return "data" in sent and _words(sent["data"]) in _words(told["data"])
        if set(told) <= {"text", "coding"} and told.get("text") in said:
            return True
        if "unit" in told and told["unit"] in said:  # whose code, masters and tables of units say
            return self.agrees(told["value"], sent.get("value"))
        return all(k not in sent or self.agrees(v, sent[k]) for k, v in told.items() if k not in _WORDS)

    def _same(self, told: Any, sent: Any) -> bool:
        if isinstance(told, bool) or isinstance(sent, bool):
            return told is sent
        if isinstance(told, int | Decimal) and isinstance(sent, int | Decimal):
            return Decimal(told) == Decimal(sent)
        if not isinstance(told, str) or not isinstance(sent, str):
            return told in _texts(sent)
        one, other = self.values.resolved(told), self.values.resolved(sent)
        return clean(sent) == told or (one is not None and one == other) or self._at_once(told, sent)

    def _at_once(self, told: str, sent: str) -> bool:
        """The same on the hospital's clock; before 1912 to the minute: FHIR's offsets have no seconds."""
        one, other = self._clock(told), self._clock(sent)
        if one is None or other is None:
            return False
        return abs(one - other) < timedelta(minutes=1 if one.year < 1912 else 0, microseconds=1)

    def _clock(self, text: str) -> datetime | None:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
        return self.values.site.wall_clock(found) if found.tzinfo else None


def _as_text(told: Json) -> str:
    """A quantity as a column of texts has it."""
    return f"{told.get('comparator', '')}{told.get('value', '')}"


def _texts(sent: Any) -> Iterator[str | None]:
    """All texts of what was sent, as columns tell them."""
    if isinstance(sent, str):
        yield clean(sent)
    elif isinstance(sent, list | dict):
        for one in sent.values() if isinstance(sent, dict) else sent:
            yield from _texts(one)


def _words(data: str) -> str:
    return b64decode(data).decode().strip()
