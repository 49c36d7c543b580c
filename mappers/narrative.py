"""Narrative: a short, escaped text of what a resource says, for people who see no more than that.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from terminology import definitions

Teller = Callable[[dict[str, Any]], dict[str, str]]
_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml"><p>'
_CLOSE = "</p></div>"


def narrator(resource_type: str, names: Sequence[str]) -> Teller:
    """A function from a resource to its narrative, made of the named elements (`value[x]` for choices)."""
    keys = [key for name in names for key in _keys(resource_type, name)]

    def tell(resource: dict[str, Any]) -> dict[str, str]:
        said = [text for key in keys if key in resource and (text := text_of(resource[key]))]
        shown = " · ".join(said) if said else resource_type
        return {"status": "generated", "div": f"{_OPEN}{escape(shown, quote=False)}{_CLOSE}"}

    return tell


def _keys(resource_type: str, name: str) -> list[str]:
    """The keys an element can have in JSON; of a choice's only one is ever there."""
    return [c[0] for c in definitions.choice_names(resource_type, name)] if name.endswith("[x]") else [name]


def text_of(value: Any) -> str:
    """What a person would read of a value of any data type."""
    kind = type(value)
    if kind is dict:
        return _of_object(value)
    if kind is str:
        is_time = len(value) > 18 and value[10] == "T" and value[4] == value[7] == "-"
        return f"{value[:10]} {value[11:16]}" if is_time else str(value)
    if kind is list:
        return text_of(value[0]) if len(value) == 1 else ", ".join(t for v in value if (t := text_of(v)))
    return ("yes" if value else "no") if kind is bool else str(value)


def _of_object(value: dict[str, Any]) -> str:
    told = value.get("text") or value.get("display") or value.get("title")
    if told:
        return str(told)
    if "value" in value:
        unit = value.get("unit")
        told = f"{value.get('comparator', '')}{value['value']!s}"
        return f"{told} {unit}" if unit else told
    if "coding" in value:
        return text_of(value["coding"][0])
    if "start" in value or "end" in value:
        return f"{text_of(value.get('start', ''))} – {text_of(value.get('end', ''))}"
    return str(value.get("reference") or value.get("code") or "")
