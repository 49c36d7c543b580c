"""The parameters of a call: from its address, from Parameters in its body, or a bare resource there.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fhir_facade.operations.operation import Arguments, Operation, Parameter
from fhir_facade.outcome import FhirFault, parameter

Resource = dict[str, Any]
Pairs = Iterable[tuple[str, str]]
#: what shapes every answer; a page link's cursor
SHAPING = ("_format", "_pretty", "_cursor")
_DAY = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
_TIME = r"T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
_LEXICAL = {
    "date": re.compile(_DAY),
    "dateTime": re.compile(rf"{_DAY}|\d{{4}}-\d\d-\d\d{_TIME}"),
    "instant": re.compile(rf"\d{{4}}-\d\d-\d\d{_TIME}"),
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "code": re.compile(r"[^\s]+(\s[^\s]+)*"),
    "boolean": re.compile("true|false"),
    "integer": re.compile(r"-?(0|[1-9]\d{0,9})"),
    "unsignedInt": re.compile(r"0|[1-9]\d{0,9}"),
    "positiveInt": re.compile(r"[1-9]\d{0,9}"),
    "decimal": re.compile(r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?"),
}
_TYPED: Mapping[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "true",
    "integer": int,
    "unsignedInt": int,
    "positiveInt": int,
    "decimal": Decimal,
}
#: types whose values are texts: clients mix them up, and nothing is lost by it
_TEXTS = frozenset(
    {"string", "code", "uri", "url", "canonical", "id", "oid", "uuid", "markdown", "base64Binary"}
    | {"date", "dateTime", "instant", "time"}
)


def arguments(
    operation: Operation, pairs: Pairs, body: Resource | None
) -> tuple[Arguments, tuple[tuple[str, str], ...]]:
    """The typed parameters, and those of a search; raises FhirFault 400 for any that can't be taken."""
    found: dict[str, list[Any]] = {}
    search: list[tuple[str, str]] = []
    known = {p.name: p for p in operation.taken}
    for name, text in pairs:
        if name in known:
            found.setdefault(name, []).append(_of_text(known[name], text))
        elif name not in SHAPING:
            search.append(_searched(operation, name, text))
    if body is not None:
        search += _of_body(operation, body, found)
    _count(operation.taken, found, "http.")
    return Arguments({name: tuple(values) for name, values in found.items()}), tuple(search)


def told(body: Resource | None) -> Iterator[tuple[str, str]]:
    """The primitive parameters of a body, as a form would have them: for the record of accesses."""
    if body is None or body["resourceType"] != "Parameters":
        return
    for entry in body.get("parameter") or ():
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            text = _as_search(_value(entry)[1])
            if text is not None:
                yield name, text


# addresses


def _of_text(known: Parameter, text: str) -> Any:
    if not known.is_primitive:
        what = f"a {known.type}" if known.type else "made of parts"
        raise parameter(known.name, f"{known.name} is {what}: send it in Parameters by POST")
    lexical = _LEXICAL.get(known.type)
    if not text or (lexical and not lexical.fullmatch(text)):
        raise parameter(known.name, f"{known.name} is a {known.type}")
    return _TYPED.get(known.type, str)(text)


def _searched(operation: Operation, name: str, text: str) -> tuple[str, str]:
    if not operation.searches:
        raise _unknown(operation.taken, name, f"http.{name}")
    return name, text


def _unknown(known: Sequence[Parameter], name: str, expression: str) -> FhirFault:
    valid = ", ".join(p.name for p in known) or "none"
    text = f"there is no parameter {name[:64]!r}; valid: {valid}"
    return FhirFault(400, "not-supported", text, (expression,))


# bodies


def _of_body(operation: Operation, body: Resource, found: dict[str, list[Any]]) -> list[tuple[str, str]]:
    """Adds what a body says to what was found; the parameters of a search that it has."""
    kind = body["resourceType"]
    if kind == "Parameters":
        return _of_parameters(operation, body, found)
    bare = [p for p in operation.taken if p.is_resource and p.type in ("Resource", kind)]
    if len(bare) != 1:
        raise FhirFault(400, "invalid", f"${operation.name} takes Parameters, not {kind}", (kind,))
    found.setdefault(bare[0].name, []).append(body)
    return []


def _of_parameters(
    operation: Operation, body: Resource, found: dict[str, list[Any]]
) -> list[tuple[str, str]]:
    known, search = {p.name: p for p in operation.taken}, []
    for entry, name, where in _entries(body.get("parameter"), "Parameters.parameter"):
        if name in known:
            found.setdefault(name, []).append(_of_entry(known[name], entry, where))
        elif operation.searches and (text := _as_search(_value(entry)[1])) is not None:
            search.append((name, text))
        else:
            raise _unknown(operation.taken, name, where)
    return search


def _entries(entries: Any, at: str) -> Iterator[tuple[Resource, str, str]]:
    """Each parameter, its name and where it stands."""
    if entries is not None and not isinstance(entries, list):
        raise FhirFault(400, "structure", "parameters are an array", (at,))
    for place, entry in enumerate(entries or ()):
        where = f"{at}[{place}]"
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            raise FhirFault(400, "required", "a parameter has a name", (f"{where}.name",))
        yield entry, name, where


def _of_entry(known: Parameter, entry: Resource, where: str) -> Any:
    if known.parts:
        return _of_parts(known, entry, where)
    key, value = _value(entry)
    if known.is_resource:
        kind = value.get("resourceType") if key == "resource" and isinstance(value, dict) else None
        fits = kind is not None and known.type in ("Resource", kind)
    else:
        fits = _fits(known.type, key.removeprefix("value"), value)
    if not fits:
        raise FhirFault(400, "value", f"{known.name} is a {known.type}", (where,))
    return value


def _of_parts(known: Parameter, entry: Resource, where: str) -> Arguments:
    parts, found = {p.name: p for p in known.parts}, dict[str, list[Any]]()
    for inner, name, at in _entries(entry.get("part"), f"{where}.part"):
        if name not in parts:
            raise _unknown(known.parts, name, at)
        found.setdefault(name, []).append(_of_entry(parts[name], inner, at))
    _count(known.parts, found, f"{where}.part.")
    return Arguments({name: tuple(values) for name, values in found.items()})


def _value(entry: Resource) -> tuple[str, Any]:
    """(`resource` or `valueType`, the value); nothing for a parameter without one."""
    return next(((k, v) for k, v in entry.items() if k == "resource" or k.startswith("value")), ("", None))


def _fits(wanted: str, stated: str, value: Any) -> bool:
    """Whether a value of the type that its name states can be taken as the type that is wanted."""
    stated = stated[:1].lower() + stated[1:] if stated[:1].lower() + stated[1:] in _PLAIN else stated
    if wanted in _TEXTS:
        lexical = _LEXICAL.get(wanted)
        plain = isinstance(value, str) and stated in _TEXTS
        return plain and (lexical is None or bool(lexical.fullmatch(value)))
    if wanted == "boolean":
        return stated == "boolean" and isinstance(value, bool)
    if wanted in _TYPED:
        numeric = isinstance(value, int | Decimal) and not isinstance(value, bool) and stated in _TYPED
        return numeric and bool(_LEXICAL[wanted].fullmatch(str(value)))
    return stated == wanted and isinstance(value, dict)


_PLAIN = _TEXTS | _TYPED.keys()


def _as_search(value: Any) -> str | None:
    """A value as a search has it: a reference's text, `system|code` of a coding; None for others."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | Decimal):
        return str(value)
    if not isinstance(value, dict):
        return None
    if isinstance(found := value.get("reference"), str):
        return found
    if isinstance(code := value.get("code") or value.get("value"), str):
        system = value.get("system")
        return f"{system}|{code}" if isinstance(system, str) else code
    return None


# how often


def _count(known: Sequence[Parameter], found: Mapping[str, Sequence[Any]], at: str) -> None:
    for one in known:
        times = len(found.get(one.name, ()))
        if times < one.min:
            text = f"the parameter {one.name} is missing"
            raise FhirFault(400, "required", text, (f"{at}{one.name}",))
        if one.max != "*" and times > int(one.max):
            text = f"the parameter {one.name} stands {times} times, and may {one.max} times"
            raise FhirFault(400, "invalid", text, (f"{at}{one.name}",))
