"""Package R4's CodeSystems and ValueSets themselves: the part of the build that keeps resources.

Each becomes one line of JSON, as published but for its narrative, which only says the same once more.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from terminology import definitions
from terminology.xml_bundle import FHIR, every, read_bundle

Json = dict[str, Any]
NUMBERS = frozenset(("integer", "positiveInt", "unsignedInt", "decimal"))


def resource_json(found: ElementTree.Element) -> Json:
    """The resource as JSON; `meta.versionId` is a digest of what it says."""
    kind = found.tag.removeprefix(FHIR)
    built: Json = {"resourceType": kind} | _content(found, kind)
    told = json.dumps(built, sort_keys=True, ensure_ascii=False).encode()
    built["meta"] = {"versionId": hashlib.sha256(told).hexdigest()[:16]} | built.get("meta", {})
    return built


def _content(found: ElementTree.Element, path: str) -> Json:
    """The children of an element, and its attributes `id` and `url`."""
    built: Json = {name: found.attrib[name] for name in ("id", "url") if name in found.attrib}
    for part in found:
        name = part.tag.removeprefix(FHIR)
        if name != "text" or "." in path:
            _add(built, name, part, f"{path}.{name}")
    return built


def _add(built: Json, name: str, part: ElementTree.Element, path: str) -> None:
    """One child: in a list where the element repeats; what a primitive has beside its value as `_name`."""
    definition = definitions.element(path.split(".")[0], path.partition(".")[2])
    code = _code(definition, name)
    many = name == "extension" or (definition is not None and definition.is_list)
    if "value" not in part.attrib:
        inner = definition.content_reference if definition and definition.content_reference else path
        content = _content(part, inner if code in ("", "BackboneElement", "Element") else code)
        _put(built, name, content, many)
        return
    _put(built, name, _primitive(part.attrib["value"], code), many)
    if beside := _content(part, code):
        assert not many, path
        built[f"_{name}"] = beside


def _code(definition: definitions.ElementDefinition | None, name: str) -> str:
    """The type of the element under this name; '' where it has none of its own."""
    if definition is None or not definition.types:
        return ""
    return dict(definition.choices()).get(name, definition.types[0].code)


def _put(built: Json, name: str, value: Any, many: bool) -> None:
    if many:
        built.setdefault(name, []).append(value)
    else:
        built[name] = value


def _primitive(text: str, code: str) -> Any:
    if code == "boolean":
        return text == "true"
    return json.loads(text) if code in NUMBERS else text


def published(jar: Path, bundles: tuple[str, ...], kind: str) -> Iterator[Json]:
    """The resources of one type in the jar's bundles, by id."""
    with zipfile.ZipFile(jar) as archive:
        found = [resource_json(one) for name in bundles for one in every(read_bundle(archive, name), kind)]
    yield from sorted(found, key=lambda one: str(one["id"]))


def write_lines(path: Path, resources: Iterator[Json]) -> int:
    """Write one resource a line, gzipped, the same bytes for the same content; returns the size."""
    lines = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in resources)
    packed = gzip.compress("\n".join(lines).encode(), compresslevel=9, mtime=0)
    path.write_bytes(packed)
    return len(packed)
