"""XML that is sent, as JSON says it: the mirror of what `xml` writes. https://hl7.org/fhir/R4/xml.html

Read as a stream by the standard's definitions. There are no entities but XML's own five, and no document
types, so that nothing expands and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn
from xml.parsers import expat

from fhir_facade.incoming_json import DEEPEST, number, too_deep
from fhir_facade.outcome import FhirFault
from fhir_facade.xml import Member, attributes_of, members
from mappers.validation.narrative import XHTML, markup_fault
from terminology import definitions

FHIR = "http://hl7.org/fhir"
SCHEMA_LOCATION = "http://www.w3.org/2001/XMLSchema-instance schemaLocation"
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
Json = dict[str, Any]


class _Frame:
    """An element that is open: what may stand in it, and what has stood in it so far."""

    __slots__ = ("beside", "container", "found", "index", "member", "name", "rank", "value")

    def __init__(self, name: str, container: str, member: Member | None, index: int) -> None:
        self.name, self.container, self.member, self.index = name, container, member, index
        self.found: Json = {}
        self.beside: dict[str, list[Any]] = {}
        self.rank = -1
        self.value: Any = None

    @property
    def step(self) -> str:
        """Its step in an expression."""
        member = self.member
        if member is None:
            return ""
        named = member.name if member.stem == member.name else f"{member.stem}.ofType({member.type})"
        return f".{named}[{self.index}]" if member.many else f".{named}"


def xml_object(content: bytes) -> Json:
    """The resource as JSON's values; raises FhirFault 400 that says where it can't be read."""
    return _Reading(content).read()


class _Reading:
    """One document being read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.frames, self.found = content, list[_Frame](), Json()
        self.markup_from, self.markup_depth = 0, 0
        self.parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def read(self) -> Json:
        """The whole document."""
        try:
            self.parser.Parse(self.content, True)
        except expat.ExpatError as fault:
            where = f"line {fault.lineno}, column {fault.offset + 1}"
            says = expat.ErrorString(fault.code)
            raise FhirFault(400, "structure", f"this is no XML: {says} at {where}") from None
        return self.found

    # what there may not be

    def refuse(self, says: str, step: str = "", code: str = "structure") -> NoReturn:
        """Raises a fault that names where the document stands."""
        where = f"line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}"
        raise FhirFault(400, code, f"{says} (at {where})", (self._at() + step,))

    def _at(self) -> str:
        resource = next((i for i, f in reversed(list(enumerate(self.frames))) if f.member is None), 0)
        steps = [f.step for f in self.frames]
        steps[resource : resource + 1] = [""] if resource else []
        return "".join([self.frames[0].name, *steps]) if self.frames else "Resource"

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            self.refuse("the encoding is UTF-8", code="not-supported")

    def _doctype(self, *stated: object) -> None:
        self.refuse("a resource has no document type and no entities of its own", code="security")

    def _text(self, text: str) -> None:
        if not self.markup_depth and text.strip():
            self.refuse("text stands between elements: values are in the attribute `value`")

    # elements

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self.markup_depth:
            self.markup_depth += 1
            return
        if len(self.frames) > 2 * DEEPEST:
            raise too_deep()
        within = self.frames[-1] if self.frames else None
        if within is None or (within.member is not None and within.member.type == "Resource"):
            self._resource(within, namespace, local, attributes)
        else:
            self._element(within, namespace, local, attributes)

    def _resource(
        self, within: _Frame | None, namespace: str, local: str, attributes: Mapping[str, str]
    ) -> None:
        if namespace != FHIR:
            self.refuse(f"resources are of the namespace {FHIR}")
        if local not in definitions.resource_types():
            self.refuse(f"{local[:64]!r} is no resource type", code="not-supported")
        if within is not None and within.value is not None:
            self.refuse("one resource stands in an element, not two")
        if any(name != SCHEMA_LOCATION for name in attributes):
            self.refuse(f"{local} has no attributes")
        frame = _Frame(local, local, None, 0)
        frame.found["resourceType"] = local
        self.frames.append(frame)

    def _element(self, within: _Frame, namespace: str, local: str, attributes: Mapping[str, str]) -> None:
        known = members(within.container)
        member = known.get(local)
        resource = within.member is None
        if member is None or (not resource and local in attributes_of(within.container)):
            self.refuse(f"there is no element {local[:64]!r} here; valid: {', '.join(known)}")
        if namespace != (XHTML if member.type == "xhtml" else FHIR):
            self.refuse(f"{local} is of another namespace: {FHIR}, and {XHTML} for a narrative's div")
        self._order(within, member)
        if member.type == "xhtml":
            self.markup_from, self.markup_depth = self.parser.CurrentByteIndex, 1
            return
        container = "Element" if member.primitive else member.type
        frame = _Frame(local, container, member, len(within.found.get(local, ())) if member.many else 0)
        self.frames.append(frame)
        self._attributes(frame, member, attributes)

    def _order(self, within: _Frame, member: Member) -> None:
        rank = _ranks(within.container)[member.name]
        if rank < within.rank:
            self.refuse(f"{member.name} stands too late: elements have the order of their definition")
        if rank == within.rank and not member.many:
            self.refuse(f"{member.stem} can't be repeated")
        within.rank = rank

    def _attributes(self, frame: _Frame, member: Member, attributes: Mapping[str, str]) -> None:
        own = attributes_of(frame.container)
        for name, text in attributes.items():
            if name == "value" and member.primitive:
                frame.value = self._value(member, text)
            elif name in own:
                frame.found[name] = text
            else:
                self.refuse(f"{member.name} has no attribute {name[:64]!r}")

    def _value(self, member: Member, text: str) -> Any:
        read = _READ.get(member.type)
        if read is None:
            return text
        found = read(text)
        if found is None:
            self.refuse(f"this is no {member.type}", code="value")
        return found

    def _end(self, name: str) -> None:
        if self.markup_depth:
            self.markup_depth -= 1
            if not self.markup_depth:
                self._markup()
            return
        frame = self.frames.pop()
        _finish(frame)
        if frame.member is None:
            self._whole(frame)
        else:
            self._put(self.frames[-1], frame.member, frame)

    def _whole(self, frame: _Frame) -> None:
        """A resource that has ended."""
        if self.frames:
            self.frames[-1].value = frame.found
        else:
            self.found = frame.found

    def _put(self, within: _Frame, member: Member, frame: _Frame) -> None:
        """An element that has ended, into what it stands in."""
        if frame.value is None and not frame.found:
            self.refuse("an element has a value, or elements in it", frame.step)
        if not member.many:
            _one(within.found, member, frame)
        elif member.primitive:
            within.found.setdefault(member.name, []).append(frame.value)
            within.beside.setdefault(member.name, []).append(frame.found or None)
        else:
            whole = frame.value if member.type == "Resource" else frame.found
            within.found.setdefault(member.name, []).append(whole)

    def _markup(self) -> None:
        """The narrative's text as it stands there."""
        end = self.parser.CurrentByteIndex
        if self.content[end : end + 2] == b"</":
            end = self.content.index(b">", end) + 1
        text = self.content[self.markup_from : end].decode()
        if fault := markup_fault(text):
            self.refuse(fault, ".div")
        self.frames[-1].found["div"] = text


def _one(found: Json, member: Member, frame: _Frame) -> None:
    if not member.primitive:
        found[member.name] = frame.value if member.type == "Resource" else frame.found
        return
    if frame.value is not None:
        found[member.name] = frame.value
    if frame.found:
        found[f"_{member.name}"] = frame.found


def _finish(frame: _Frame) -> None:
    """Extended primitives beside the values that they belong to."""
    for name, beside in frame.beside.items():
        if any(one is not None for one in beside):
            frame.found[f"_{name}"] = beside
        if all(one is None for one in frame.found[name]):
            del frame.found[name]


@cache
def _ranks(container: str) -> Mapping[str, int]:
    """At which place each element stands; the names of a choice at the same."""
    stems = list(dict.fromkeys(m.stem for m in members(container).values()))
    return {name: stems.index(m.stem) for name, m in members(container).items()}


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> int | Decimal | None:
    if not _DECIMAL.fullmatch(text):
        return None
    return int(text) if text != "-0" and _INTEGER.fullmatch(text) else number(text)


_READ: Mapping[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "unsignedInt": _integer,
    "positiveInt": _integer,
    "decimal": _decimal,
}
