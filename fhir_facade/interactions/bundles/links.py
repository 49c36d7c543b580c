"""Where resources name others: references, uris, and links in the narrative.

https://hl7.org/fhir/R4/http.html#transaction: "all matching links in the bundle, whether they are found in
the resource references, elements of type uri, url, oid, uuid, and <a href> & <img src> in the narrative";
elements of type canonical are none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from terminology import definitions

Resource = dict[str, Any]
URIS = frozenset({"uri", "url", "oid", "uuid"})
_GROUPS = ("BackboneElement", "Element")
_REFERENCE = "Reference"
_IN_NARRATIVE = re.compile(r"""(<(?:a|img)\b[^>]*?\s(?:href|src)\s*=\s*)("[^"]*"|'[^']*')""", re.I)


@dataclass(frozen=True)
class Link:
    """One text that may name a resource: where it stands, and its type (`Reference`, a uri's, `xhtml`)."""

    holder: Any
    name: str | int
    kind: str
    expression: str

    @property
    def text(self) -> str:
        """What stands there."""
        found: str = self.holder[self.name]
        return found

    def put(self, text: str) -> None:
        """Writes what stands there from now on."""
        self.holder[self.name] = text


def links(resource: Resource, expression: str = "") -> Iterator[Link]:
    """Every link in a resource, contained ones too; nothing in what the standard doesn't know."""
    kind = resource.get("resourceType")
    if isinstance(kind, str) and kind in definitions.resource_types():
        yield from _inside(resource, kind, "", expression or kind)


def _inside(value: dict[str, Any], owner: str, path: str, about: str) -> Iterator[Link]:
    for name in list(value):
        step = name.removeprefix("_")
        where = f"{path}.{step}" if path else step
        code, said = ("Element", step) if name.startswith("_") else _type(owner, where, step)
        if code is None:
            continue
        if owner == "Reference" and name == "reference":
            code = _REFERENCE
        for holder, key, index in _each(value, name):
            expression = f"{about}.{said}{index}"
            yield from _one(holder, key, code, (owner, where) if code == "" else (code, ""), expression)


def _type(owner: str, path: str, step: str) -> tuple[str | None, str]:
    """(type, step of the expression); '' for a group, whose elements belong to the owner's own definition."""
    found = definitions.element(owner, path)
    if found is None:
        return None, step
    code = dict(found.choices()).get(step) or (found.types[0].code if found.types else "")
    said = f"{found.name.removesuffix('[x]')}.ofType({code})" if found.is_choice else step
    return ("" if code in _GROUPS else code), said


def _each(value: dict[str, Any], name: str) -> Iterator[tuple[Any, str | int, str]]:
    found = value[name]
    if isinstance(found, list):
        yield from ((found, index, f"[{index}]") for index in range(len(found)))
    else:
        yield value, name, ""


def _one(holder: Any, key: str | int, code: str, inside: tuple[str, str], about: str) -> Iterator[Link]:
    value = holder[key]
    if isinstance(value, str):
        if code in URIS or code in (_REFERENCE, "xhtml"):
            yield Link(holder, key, code, about)
    elif isinstance(value, dict):
        yield from links(value, about) if "resourceType" in value else _inside(value, *inside, about)


def rewrite(resource: Resource, renamed: Callable[[str], str | None]) -> None:
    """Puts new names for old ones in all of a resource's links; `renamed`: None for what stays."""
    for link in links(resource):
        if link.kind == "xhtml":
            link.put(_IN_NARRATIVE.sub(lambda m: m[1] + _attribute(m[2], renamed), link.text))
        elif (name := renamed(link.text)) is not None:
            link.put(name)


def _attribute(quoted: str, renamed: Callable[[str], str | None]) -> str:
    mark, name = quoted[0], renamed(html.unescape(quoted[1:-1]))
    return quoted if name is None else f"{mark}{html.escape(name)}{mark}"
