"""A query string as a typed search. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.4"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from dicomweb.http.faults import DicomFault
from dicomweb.qido.attributes import Attribute, attributes, path_of, searchable

#: parameters of the interface itself, which are no attributes; of these, what they say is said otherwise
NO_ATTRIBUTES = frozenset({"accept", "accept-charset", "charset"})
#: values of these are lists: any of them may match
LISTS = ("uid", "code", "modalities")
MOST_PARAMETERS = 200
#: results of one answer: studies are read by people, the others by viewers that open a study
MOST = {"study": 1000, "series": 5000, "instance": 10_000}
#: instances with more of their attributes than the index has in columns
MOST_WHOLE = 1000


@dataclass(frozen=True)
class Match:
    """One attribute and what is looked for in it; of a list, any."""

    attribute: Attribute
    values: tuple[str, ...]


@dataclass
class Search:
    """What is searched, what of it is shown, and which stretch of it."""

    level: str
    matches: list[Match] = field(default_factory=list)
    included: set[str] = field(default_factory=set)
    everything: bool = False
    fuzzy: bool = False
    limit: int | None = None
    offset: int = 0

    @property
    def of_files(self) -> bool:
        """Whether instances are shown with attributes that the index keeps as their files have them."""
        known = {a.tag for a in attributes() if a.column}
        return self.level == "instance" and (self.everything or not self.included <= known)

    @property
    def count(self) -> int:
        """How many results the answer may have."""
        most = min(MOST[self.level], MOST_WHOLE) if self.of_files else MOST[self.level]
        return most if self.limit is None else min(self.limit, most)


def search_of(level: str, query: str) -> Search:
    """The search that a query string asks for; raises DicomFault 400."""
    search, seen = Search(level), set[str]()
    for name, value in _pairs(query):
        if name in NO_ATTRIBUTES or (not name and not value):
            continue
        if name == "includefield":
            _include(search, value)
        elif name in ("limit", "offset"):
            setattr(search, name, _number(name, value))
        elif name == "fuzzymatching":
            search.fuzzy = _boolean(name, value)
        else:
            _match(search, name, value, seen)
    return search


def _pairs(query: str) -> Sequence[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise DicomFault(400, "the query is not percent-encoded UTF-8") from None
    except ValueError:
        raise DicomFault(400, f"the query has more than {MOST_PARAMETERS} parameters") from None


def _match(search: Search, name: str, value: str, seen: set[str]) -> None:
    tag, known = path_of(name), searchable(search.level)
    attribute = known.get(tag) if tag else None
    if attribute is None:
        keywords = ", ".join(sorted(a.keyword for a in known.values()))
        what = f"a search of {_plural(search.level)}" if tag else "DICOM"
        raise DicomFault(400, f"{what} knows no attribute {_shown(name)}: it can be asked for {keywords}")
    if attribute.tag in seen and attribute.matching not in LISTS:
        raise DicomFault(400, f"{attribute.keyword} is asked for twice")
    seen.add(attribute.tag)
    search.included.add(attribute.tag.partition(".")[0])
    values = _values(attribute, value)
    before = next((m for m in search.matches if m.attribute is attribute), None)
    if before is not None:
        search.matches.remove(before)
        values += before.values
    if values:
        search.matches.append(Match(attribute, values))


def _values(attribute: Attribute, value: str) -> tuple[str, ...]:
    """What is looked for; nothing where anything will do (PS3.4 C.2.2.2.3).

    Padding is no part of a value; a UID list may be written with commas or, as DICOM does, with backslashes.
    """
    parts = value.replace("\\", ",").split(",") if attribute.matching in LISTS else [value]
    found = tuple(p for p in (part.strip() for part in parts) if p)
    return () if any(not p.strip("*") for p in found) else found


def _include(search: Search, value: str) -> None:
    """Attributes besides those that an answer has anyway; what no result has is not shown."""
    for name in filter(None, (n.strip() for n in value.split(","))):
        if name.lower() == "all":
            search.everything = True
            continue
        path = path_of(name)
        if path is None:
            raise DicomFault(400, f"includefield: DICOM knows no attribute {_shown(name)}")
        search.included.add(path.partition(".")[0])


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise DicomFault(400, f"{name} is a number of results, 0 or more")
    return int(value)


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise DicomFault(400, f"{name} is true or false")
    return value.lower() == "true"


def _shown(name: str) -> str:
    """A name that isn't known, as far as it can be repeated without harm."""
    shown = "".join(c for c in name[:64] if c.isalnum() or c in "._-")
    return f"'{shown}'"


def _plural(level: str) -> str:
    return {"study": "studies", "series": "series", "instance": "instances"}[level]
