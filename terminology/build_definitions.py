"""Package HL7's R4 (4.0.1) definitions as the small gzipped JSON files under `terminology/r4/`.

Run by hand, the results are committed:

    mvn dependency:get -Dtransitive=false -Dartifact=ca.uhn.hapi.fhir:hapi-fhir-validation-resources-r4:8.8.0
    python -m terminology.build_definitions ~/.m2/repository/…/hapi-fhir-validation-resources-r4-8.8.0.jar

The jar holds the standard's own bundles (CC0) unaltered; JSON repackagings of them exist, but the ones
looked at add elements, parameters and bindings of later FHIR versions without saying so.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from terminology.build_codes import build_codes
from terminology.build_resources import published, write_lines
from terminology.service import packaged
from terminology.xml_bundle import child, children, every, flag, read_bundle, value

R4_FOLDER = Path(__file__).with_name("r4")
MODEL = "org/hl7/fhir/r4/model/"
TABLES = ("valuesets", "v3-codesystems", "v2-tables")
TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = TYPE_URL + "structuredefinition-fhir-type"

Json = dict[str, Any]


def split_union(expression: str) -> list[str]:
    """The operands of the top-level `|` of a FHIRPath expression."""
    parts, depth = [""], 0
    for character in expression:
        depth += (character in "([") - (character in ")]")
        if character == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def expression_for(resource_type: str, expression: str) -> str:
    """The part of a shared parameter's expression that speaks of this type; all of it when none does."""
    starts = re.compile(rf"\(*{resource_type}\b")
    parts = [part for part in split_union(expression) if starts.match(part)]
    return " | ".join(parts) or expression


def description_for(resource_type: str, description: str) -> str:
    """This type's line of a description shared by several types ("* [Type](type.html): text")."""
    line = re.search(rf"^\* \[{resource_type}\]\([^)]*\): (.*)$", description, re.MULTILINE)
    return (line.group(1) if line else description).strip()


def search_parameters(bundle: Json) -> Json:
    """Resource type → code → definition; `Resource` and `DomainResource` stand as types of their own."""
    resources = [entry["resource"] for entry in bundle["entry"]]
    codes = {resource["url"]: resource["code"] for resource in resources}
    found: Json = {}
    for resource in resources:
        for base in resource["base"]:
            found.setdefault(base, {})[resource["code"]] = search_parameter(resource, base, codes)
    return found


def search_parameter(resource: Json, base: str, codes: dict[str, str]) -> Json:
    """One parameter as seen from one of its base types."""
    built: Json = {"name": resource["name"], "type": resource["type"], "url": resource["url"]}
    built["description"] = description_for(base, resource["description"])
    if "expression" in resource:
        built["expression"] = expression_for(base, resource["expression"])
    if "target" in resource:
        built["target"] = sorted(resource["target"])
    if "component" in resource:
        built["component"] = [component(part, codes) for part in resource["component"]]
    return built


def component(part: Json, codes: dict[str, str]) -> Json:
    """A composite's part; `code` is that of the parameter its definition url names."""
    return {key: part[key] for key in ("definition", "expression")} | {"code": codes[part["definition"]]}


def structures(*bundles: ElementTree.Element) -> Json:
    """Type name → kind, base, abstract and its elements; profiles of types are left out."""
    found: Json = {}
    for bundle in bundles:
        for definition in every(bundle, "StructureDefinition"):
            if value(definition, "derivation") != "constraint" and value(definition, "kind") != "logical":
                found[str(value(definition, "type"))] = structure(definition)
    return found


def structure(definition: ElementTree.Element) -> Json:
    """One type with its elements by path, in the order of the snapshot."""
    base = value(definition, "baseDefinition") or ""
    snapshot = child(definition, "snapshot")
    elements = {str(value(part, "path")): element(part) for part in children(snapshot, "element")}
    if value(definition, "kind") == "resource" and f"{value(definition, 'type')}.id" in elements:
        # R4 says "string" there by mistake: https://hl7.org/fhir/R4/resource.html says id
        elements[f"{value(definition, 'type')}.id"]["types"] = [["id"]]
    return {
        "kind": value(definition, "kind"),
        "abstract": flag(definition, "abstract"),
        "base": base.removeprefix(TYPE_URL),
        "elements": elements,
    }


def element(part: ElementTree.Element) -> Json:
    """One element; what is false or absent is left out to keep the file small."""
    built: Json = {"min": int(value(part, "min") or 0), "max": value(part, "max")}
    optional: Json = {
        "short": value(part, "short"),
        "types": [element_type(kind) for kind in children(part, "type")],
        "summary": flag(part, "isSummary"),
        "modifier": flag(part, "isModifier"),
        "content": (value(part, "contentReference") or "").removeprefix("#"),
        "binding": binding(part),
    }
    return built | {key: entry for key, entry in optional.items() if entry}


def element_type(kind: ElementTree.Element) -> list[Any]:
    """[code] or [code, [target types]]; ids have FHIRPath's code, the FHIR type is in an extension.

    A quantity's profile (SimpleQuantity) is told by the element's invariants.
    """
    code = str(value(kind, "code"))
    if code.startswith("http://hl7.org/fhirpath/"):
        code = primitive_type(kind)
    targets = [str(value(target)).removeprefix(TYPE_URL) for target in children(kind, "targetProfile")]
    return [code, targets] if targets else [code]


def primitive_type(kind: ElementTree.Element) -> str:
    """The FHIR type of an element that the snapshot types with a FHIRPath primitive."""
    named = (child(one, "valueUrl") for one in children(kind, "extension") if one.get("url") == FHIR_TYPE)
    return next((str(value(found)) for found in named if found is not None), "string")


def binding(part: ElementTree.Element) -> list[str] | None:
    """[strength, value set url without version]."""
    bound = child(part, "binding")
    if bound is None or value(bound, "valueSet") is None:
        return None
    return [str(value(bound, "strength")), str(value(bound, "valueSet")).split("|")[0]]


MAX_VALUE_SET = TYPE_URL + "elementdefinition-maxValueSet"


def limits(*bundles: ElementTree.Element) -> Json:
    """Path → what an instance must hold to beyond structure: `invariants` and `maxValueSet`.

    An invariant stands where it is defined, once: at its own path, or at the root of the type that has it.
    """
    definitions = [one for bundle in bundles for one in every(bundle, "StructureDefinition")]
    roots = {key for one in definitions for key in root_keys(one)}
    quantities = {str(value(one, "url")): profile_invariants(one, roots) for one in definitions}
    found: Json = {}
    for one in definitions:
        if value(one, "derivation") != "constraint" and value(one, "kind") != "logical":
            for part in children(child(one, "snapshot"), "element"):
                told = limits_of(one, part, roots, quantities)
                if told:
                    found[str(value(part, "path"))] = told
    return found


def profile_invariants(definition: ElementTree.Element, roots: set[str]) -> list[list[str]]:
    """What the profile of a data type (SimpleQuantity) adds; nothing for what is no profile."""
    if value(definition, "derivation") != "constraint":
        return []
    root = children(child(definition, "snapshot"), "element")[0]
    return [one for one in own_invariants(definition, root, set()) if one[0] not in roots]


def root_keys(definition: ElementTree.Element) -> set[str]:
    """The keys of the invariants of a data type, which its uses repeat."""
    if value(definition, "kind") == "resource" or value(definition, "derivation") == "constraint":
        return set()
    root = children(child(definition, "snapshot"), "element")[0]
    return {str(value(one, "key")) for one in children(root, "constraint")}


def limits_of(
    definition: ElementTree.Element, part: ElementTree.Element, roots: set[str], quantities: Json
) -> Json:
    """What one element adds."""
    profiles = (str(value(one)) for kind in children(part, "type") for one in children(kind, "profile"))
    invariants = [one for url in profiles for one in quantities[url]]
    invariants += own_invariants(definition, part, roots)
    bound = children(child(part, "binding"), "extension")
    largest = [value(one, "valueCanonical") for one in bound if one.get("url") == MAX_VALUE_SET]
    told: Json = {"invariants": invariants} if invariants else {}
    return told | ({"maxValueSet": str(largest[0]).split("|")[0]} if largest else {})


def own_invariants(
    definition: ElementTree.Element, part: ElementTree.Element, roots: set[str]
) -> list[list[str]]:
    """[key, severity, FHIRPath, words] of the invariants that no other type has brought along."""
    own = str(value(definition, "type"))
    at_root = value(part, "path") == own
    return [
        [str(value(one, field)) for field in ("key", "severity", "expression", "human")]
        for one in children(part, "constraint")
        if (
            at_root
            and (value(one, "source") or own).removeprefix(TYPE_URL) in (own, value(definition, "name"))
        )
        or (not at_root and value(one, "key") not in roots)
    ]


def extensions(bundle: ElementTree.Element) -> Json:
    """Url → the types that the value of an extension of R4 may have; none for one made of extensions."""
    found: Json = {}
    for definition in every(bundle, "StructureDefinition"):
        parts = children(child(definition, "snapshot"), "element")
        held = next(part for part in parts if value(part, "path") == "Extension.value[x]")
        kinds = [] if value(held, "max") == "0" else children(held, "type")
        found[str(value(definition, "url"))] = [element_type(kind)[0] for kind in kinds]
    return found


def compartments(bundle: ElementTree.Element) -> Json:
    """Compartment type → resource type → parameters that put a resource into it; types with none left out."""
    found: Json = {}
    for definition in every(bundle, "CompartmentDefinition"):
        parts = {
            str(value(part, "code")): children(part, "param") for part in children(definition, "resource")
        }
        # {def} stands for the resource that the compartment is about: no parameter can be searched for it
        codes = {name: [c for c in map(value, part) if c and c != "{def}"] for name, part in parts.items()}
        found[str(value(definition, "code"))] = {name: part for name, part in codes.items() if part}
    return found


def write(name: str, content: Json) -> int:
    """Write `r4/<name>.json.gz`, the same bytes for the same content; returns its size."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=name != "structures", separators=(",", ":"))
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    (R4_FOLDER / f"{name}.json.gz").write_bytes(packed)
    return len(packed)


def build(jar: Path) -> Iterator[tuple[str, Json]]:
    """(file name, content) for each packaged file."""
    with zipfile.ZipFile(jar) as archive:
        types = read_bundle(archive, MODEL + "profile/profiles-types.xml")
        resources = read_bundle(archive, MODEL + "profile/profiles-resources.xml")
        published = read_bundle(archive, MODEL + "extension/extension-definitions.xml")
        parameters = json.loads(archive.read(MODEL + "sp/search-parameters.json"))
        yield "search_parameters", search_parameters(parameters)
        yield "structures", structures(types, resources)
        yield "limits", limits(types, resources)
        yield "extensions", extensions(published)
        yield "compartments", compartments(resources)


def main() -> None:
    """Build from the jar named on the command line and say how large each file became."""
    jar = Path(sys.argv[1])
    for name, content in build(jar):
        print(f"{name}.json.gz: {len(content)} entries, {write(name, content)} bytes")
    bundles = tuple(f"{MODEL}valueset/{name}.xml" for name in TABLES)
    for kind, name in packaged.FILES.items():
        path = R4_FOLDER / f"{name}.jsonl.gz"
        print(f"{path.name}: {write_lines(path, published(jar, bundles, kind))} bytes")
    for name, content in build_codes():
        print(f"{name}.json.gz: {len(content)} entries, {write(name, content)} bytes")


if __name__ == "__main__":
    main()
