"""Narrative: a short, escaped text of what a resource says, for people who see no more than that.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from html import escape
from typing import Any

from mappers.shared import Shared
from terminology import definitions

Teller = Callable[[dict[str, Any]], dict[str, str]]
_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml"><p>'
_CLOSE = "</p></div>"


def narrator(resource_type: str, names: Sequence[str], there: Container[str] | None = None) -> Teller:
    """A function from a resource to its narrative, made of the named elements (`value[x]` for choices).

    `there`: the keys that such a resource can have at all, if that is known.
    """
    keys = [k for name in names for k in _keys(resource_type, name) if there is None or k in there]
    said_by = _sayer(keys)

    def tell(resource: dict[str, Any]) -> dict[str, str]:
        said = said_by(resource)
        shown = " · ".join(said) if said else resource_type
        if "&" in shown or "<" in shown or ">" in shown:
            shown = escape(shown, quote=False)
        return {"status": "generated", "div": f"{_OPEN}{shown}{_CLOSE}"}

    return tell


def _sayer(keys: Sequence[str]) -> Callable[[dict[str, Any]], list[str]]:
    """A function from a resource to what its elements of those keys say.

    It is written out as Python, and looks at the commonest kinds itself: a call for each would cost more.
    """
    lines = ["def said_by(resource):", " get, said = resource.get, []"]
    for key in keys:
        lines += [f" value = get({key!r})", " if value is not None:", *_SAID]
    names: dict[str, Any] = {"Shared": Shared, "of_shared": _of_shared, "of_object": _of_object}
    names |= {"of_text": _of_text, "text_of": text_of}
    exec("\n".join([*lines, " return said"]), names)  # noqa: S102 - of our own mappings' names
    found: Callable[[dict[str, Any]], list[str]] = names["said_by"]
    return found


_SAID = """\
  kind = type(value)
  if kind is list and len(value) == 1: value = value[0]; kind = type(value)
  if kind is Shared: told = value.told or of_shared(value)
  elif kind is str: told = value if len(value) < 19 else of_text(value)
  elif kind is dict: told = of_object(value)
  else: told = text_of(value)
  if told: said.append(told)""".splitlines()


def _keys(resource_type: str, name: str) -> list[str]:
    """The keys an element can have in JSON; of a choice's only one is ever there."""
    return [c[0] for c in definitions.choice_names(resource_type, name)] if name.endswith("[x]") else [name]


def text_of(value: Any) -> str:
    """What a person would read of a value of any data type."""
    return _TOLD.get(type(value), str)(value)


def _of_text(text: str) -> str:
    is_time = len(text) > 18 and text[10] == "T" and text[4] == text[7] == "-"
    return text[:10] + " " + text[11:16] if is_time else text


def _of_list(values: list[Any]) -> str:
    if len(values) == 1:
        return _TOLD.get(type(values[0]), str)(values[0])
    return ", ".join(t for v in values if (t := text_of(v)))


def _of_truth(value: bool) -> str:
    return "yes" if value else "no"


def _of_object(value: dict[str, Any]) -> str:
    if "value" in value:  # no data type has words of its own beside it
        number = f"{value.get('comparator', '')}{value['value']!s}"
        return f"{number} {value['unit']}" if value.get("unit") else number
    told = value.get("text") or value.get("display") or value.get("title")
    if told:
        return str(told)
    if "coding" in value:
        return text_of(value["coding"][0])
    if "start" in value or "end" in value:
        return f"{text_of(value.get('start', ''))} – {text_of(value.get('end', ''))}"
    return str(value.get("reference") or value.get("code") or "")


def _of_shared(value: Shared) -> str:
    told = value.told
    if told is None:
        told = value.told = _of_object(value)
    return told


_TOLD: dict[type, Callable[[Any], str]] = {
    dict: _of_object,
    Shared: _of_shared,
    str: _of_text,
    list: _of_list,
    bool: _of_truth,
}
