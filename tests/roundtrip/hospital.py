"""Made resources as the hospital's tables take them: about its patients, in its codes, in an allowed state.

Now and then one is left as it was drawn, so that what the tables refuse is met too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from mappers.cdss.radiology_report import AUTHOR
from mappers.cells import told_at
from mappers.mapping import Element, Part, clean_name
from mappers.values.codes import Code
from mappers.values.references import ReferenceTo
from tests.roundtrip.mending import mended
from tests.roundtrip.values import Json, Pool
from tests.writes.samples import sample

#: elements without which a table has no row, as the samples say them
NEEDED: dict[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("patient", "code"),
    "Communication": ("status",),
    "Condition": ("subject",),
    "DiagnosticReport": ("status", "category", "subject", "imagingStudy"),
    "Encounter": ("status", "subject"),
    "MedicationRequest": ("status", "intent", "subject", "medicationCodeableConcept"),
    "Observation": ("status", "subject", "code"),
    "Patient": ("name",),
    "ServiceRequest": ("status", "intent", "subject", "category", "code"),
    "Specimen": ("subject",),
    "Task": ("status", "intent", "for", "code"),
}


_ELEVEN_OF_TWELVE = (*(True,) * 11, False)


@dataclass(frozen=True)
class Fitting:
    """One resource being fitted to a part's table; `current`: what it is to be written over."""

    draw: st.DrawFn
    part: Part
    pool: Pool
    current: Mapping[str, Any] | None = None

    def of(self, made: Json) -> Json | None:
        """The resource as the table takes it, still valid; None where it couldn't be mended."""
        found = copy.deepcopy(made)
        if self._mostly():
            self._say_what_is_needed(found)
            self._refer_within(found)
            self._step(found)
        if self.current is not None and self._mostly():
            self._leave_alone(found)
        return mended(found)

    def _mostly(self) -> bool:
        return bool(self.draw(st.sampled_from(_ELEVEN_OF_TWELVE)))

    def _say_what_is_needed(self, found: Json) -> None:
        known = sample(found["resourceType"])
        for name in NEEDED[found["resourceType"]]:
            made = found.pop(name, None)
            _drop(found, next((e.path for e in self.part.elements if _is(name, e.path)), name))
            found[name] = _merged(known[name], made)

    # references that columns hold

    def _refer_within(self, found: Json) -> None:
        chosen: dict[Any, str] = {}
        for element, reference in self._references():
            told = told_at(found, element.path)
            first = told[0] if isinstance(told, list) and told else told
            if not isinstance(first, dict) or "reference" not in first:
                continue
            own = reference.routes[0].own
            if not self._holds(own.table):
                _drop(found, clean_name(element.path.partition(".")[0]))
                continue
            ids = self.pool.ids.get(reference.resource_type, ())[:3]
            if ids and own not in chosen:
                chosen[own] = f"{reference.resource_type}/{self.draw(st.sampled_from(ids))}"
            if (
                own in chosen
                and element.path.partition(".")[0].removesuffix("[]") not in NEEDED[found["resourceType"]]
            ):
                first["reference"] = chosen[own]
                first.pop("type", None)

    def _references(self) -> Iterator[tuple[Element, ReferenceTo]]:
        for element in self.part.elements:
            if isinstance(element.writer, ReferenceTo):
                yield element, element.writer

    def _holds(self, table: Any) -> bool:
        assert self.part.upkeep is not None
        parent = self.part.upkeep.parent
        return table is self.part.source.table or (parent is not None and table is parent.joined)

    # states

    def _step(self, found: Json) -> None:
        codes = [e.value.map for e in self.part.elements if e.path == "status" and isinstance(e.value, Code)]
        assert self.part.upkeep is not None
        before = (self.current or {}).get("status", "")
        known = {e.code for m in codes for e in m.entries if e.coding()}
        allowed = self.part.upkeep.states.get(before, ()) if self.part.upkeep.states else sorted(known)
        if "status" in found and (before or allowed):
            found["status"] = self.draw(st.sampled_from([*allowed, *([before] if before else [])]))
        if found["resourceType"] == "DiagnosticReport" and found.get("status") == "registered":
            for name in AUTHOR:
                _drop(found, name)
            found[AUTHOR[0]] = [{"reference": "Practitioner/user-2"}]

    def _leave_alone(self, found: Json) -> None:
        """What never changes, as it is."""
        assert self.part.upkeep is not None
        assert self.current is not None
        if "contained" in self.current:  # what is left alone may refer to it
            found["contained"] = copy.deepcopy(self.current["contained"])
        patients = [e.path for e, r in self._references() if r.resource_type == "Patient"]
        for path in (*self.part.upkeep.unchanging(self.current.get("status")), *patients):
            _drop(found, path)
            found |= {k: copy.deepcopy(v) for k, v in self.current.items() if _is(k, path)}


def _is(name: str, path: str) -> bool:
    """Whether a name in JSON is the element at a path: of a choice in any of its types."""
    bare, stem = name.removeprefix("_"), clean_name(path)
    if path.endswith("[x]"):
        return bare.startswith(stem) and bare[len(stem) :][:1].isupper()
    return bare == stem


def _drop(found: Json, path: str) -> None:
    """Takes an element away, in whichever type of a choice."""
    for name in [n for n in found if _is(n, path)]:
        del found[name]


def _merged(known: Any, made: Any) -> Any:
    """What the table needs, and beside it what was made, where there is room for both."""
    if isinstance(known, list):
        return [*known, *(made or [])]
    if isinstance(known, dict) and "coding" in known and isinstance(made, dict):
        return {**known, **made, "coding": [*known["coding"], *made.get("coding", [])]}
    return known
