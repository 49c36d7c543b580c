"""FHIR XML read as JSON by the standard's definitions alone, so that another hand judges what is written.

https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from terminology import definitions
from terminology.definition_models import ElementDefinition

FHIR, XHTML = "{http://hl7.org/fhir}", "{http://www.w3.org/1999/xhtml}"
Json = dict[str, Any]


def resource_of(xml: bytes) -> Json:
    """The JSON of a resource's XML; numbers are the texts that stand there."""
    return _resource(etree.fromstring(xml))


def _resource(root: Any) -> Json:
    name = root.tag.removeprefix(FHIR)
    return {"resourceType": name, **_object(root, name)}


def _object(node: Any, container: str) -> Json:
    """An element that has elements: attributes are `id` and `url`, repeating elements become arrays."""
    found: Json = {name: node.attrib[name] for name in ("id", "url") if name in node.attrib}
    known = _children(container)
    for child in node:
        if child.tag == f"{XHTML}div":
            found["div"] = _div(etree.tostring(child, encoding="unicode", with_tail=False))
        else:
            name = child.tag.removeprefix(FHIR)
            _put(found, name, *known[name], child)
    return {k: v for k, v in found.items() if not (k.startswith("_") and not _said(v))}


def _put(found: Json, name: str, definition: ElementDefinition, code: str, child: Any) -> None:
    if code[:1].islower() or code.startswith("http://hl7.org/fhirpath/"):
        beside = _object(child, "Element") or None
        _add(found, name, child.attrib.get("value"), definition.is_list)
        _add(found, f"_{name}", beside, definition.is_list)
    else:
        _add(found, name, _value(definition, code, child), definition.is_list)


def _value(definition: ElementDefinition, code: str, child: Any) -> Any:
    if code == "Resource":
        return _resource(child[0])
    if definition.content_reference:
        return _object(child, definition.content_reference.lstrip("#"))
    return _object(child, definition.path if code in ("BackboneElement", "Element") else code)


def _add(found: Json, name: str, value: Any, is_list: bool) -> None:
    if is_list:
        found.setdefault(name, []).append(value)
    elif value is not None:
        found[name] = value


def _said(value: Any) -> bool:
    return any(v is not None for v in value) if isinstance(value, list) else value is not None


def _children(container: str) -> dict[str, tuple[ElementDefinition, str]]:
    """JSON name → definition and type of what may stand in an element."""
    inside = definitions.elements(container.split(".")[0])
    return {
        name: (one, code)
        for path, one in inside.items()
        if path.rpartition(".")[0] == container
        for name, code in (one.choices() or ((one.name, ""),))
    }


def plain(value: Any) -> Any:
    """JSON as `resource_of` yields it: numbers and booleans as texts, markup in its canonical form."""
    if isinstance(value, dict):
        return {k: _div(v) if k == "div" else plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _div(markup: str) -> str:
    return str(etree.canonicalize(markup))
