"""What a caller may see, decided from the JSON of all resources: by brute force, and without the compiler.

It shares with the product the policy table and the standard's compartments; it reads both by itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import smart_auth.access
from smart_auth.access.caller import Caller
from terminology import definitions
from tests.search.oracle import Oracle

Resource = dict[str, Any]
FOLDER = Path(smart_auth.access.__file__).parent
LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}


def table(name: str) -> list[dict[str, str]]:
    """The rows of one of the policy's tables."""
    return list(csv.DictReader((FOLDER / name).read_text().splitlines()))


def group(name: str) -> set[str]:
    """The types of a group."""
    return {row["resource_type"] for row in table("groups.csv") if row["group"] == name}


@dataclass
class Sight:
    """Judges over all rows; `model` is ACCESS_MODEL."""

    oracle: Oracle
    model: str = "all"
    _references: dict[tuple[str, str], dict[str, set[str]]] = field(default_factory=dict)

    def sees(self, caller: Caller, resource_type: str, letter: str) -> set[str]:
        """The ids of a type that a permission lets the caller see."""
        found: set[str] = set()
        for scope in caller.scopes:
            level, _, rest = scope.text.partition("/")
            head, _, query = rest.partition("?")
            name, _, letters = head.partition(".")
            if name in ("*", resource_type) and letter in LETTERS.get(letters, letters):
                mine = self.of_level(caller, level, resource_type, letter)
                found |= mine & self.searched(resource_type, query, "")
        return found - self.others_drafts(caller, resource_type)

    def others_drafts(self, caller: Caller, resource_type: str) -> set[str]:
        """Radiologists' reports that are only registered, but for the caller's own: nobody else's at all."""
        user = caller.user.fhir_user if caller.user else ""
        return {
            r["id"]
            for r in self.oracle.resources[resource_type]
            if resource_type == "DiagnosticReport" and r["id"].startswith("rad-")
            if r["status"] == "registered" and user not in self.references(r, "results-interpreter")
        }

    def everything(self, resource_type: str) -> set[str]:
        return {r["id"] for r in self.oracle.resources[resource_type]}

    def of_level(self, caller: Caller, level: str, resource_type: str, letter: str) -> set[str]:
        """What a scope's first word opens."""
        if level == "system":
            return self.everything(resource_type) if caller.user is None else set()
        if caller.user is None or (level == "patient" and not caller.patient):
            return set()
        found = self.by_policy(caller, resource_type, letter)
        if level == "patient" and resource_type not in group("directory"):
            found &= self.of_patient(resource_type, caller.patient)
        return found

    def by_policy(self, caller: Caller, resource_type: str, letter: str) -> set[str]:
        assert caller.user is not None
        found: set[str] = set()
        for row in table("policy.csv"):
            named = row["resource_type"]
            types = group(named[1:]) if named.startswith("@") else {named}
            if (
                row["role"] in caller.user.roles
                and {"*", resource_type} & types
                and letter in row["permissions"]
            ):
                found |= self.by_row(caller, resource_type, row)
        return found

    def by_row(self, caller: Caller, resource_type: str, row: dict[str, str]) -> set[str]:
        assert caller.user is not None
        user = caller.user.fhir_user
        found = self.searched(resource_type, row["query"] or "", user)
        quiet = found & self.cleared(resource_type, row["role"], user)
        match row["rows"]:
            case "all":
                return quiet
            case "care":
                emergency = (
                    found & self.of_patient(resource_type, caller.patient) if caller.emergency else set()
                )
                return emergency | (
                    quiet & self.in_care(resource_type, user) if self.model != "all" else quiet
                )
            case "own" if user.startswith("Patient/"):
                return quiet & self.of_patient(resource_type, user.removeprefix("Patient/"))
        return set()

    def searched(self, resource_type: str, query: str, user: str) -> set[str]:
        """What a search finds; nothing where the type has no such parameter."""
        found = self.everything(resource_type)
        for name, value in parse_qsl(query):
            if name.partition(".")[0].partition(":")[0] not in self.oracle.mappings[resource_type].params:
                return set()
            found &= self.oracle.find(resource_type, name, value.replace("{user}", user))
        return found

    # whose a resource is

    def of_patient(self, resource_type: str, patient: str) -> set[str]:
        """The compartment, and what has to do with it without being in R4's."""
        if resource_type == "Provenance":
            return self.about(lambda kind: self.of_patient(kind, patient))
        params = definitions.compartment("Patient").get(resource_type, ())
        served = set(self.oracle.mappings[resource_type].params)
        names = [n for n in params if n in served] or (["patient"] if "patient" in served else [])
        found = {patient} & self.everything(resource_type) if resource_type == "Patient" else set()
        for name in names:
            found |= self.oracle.find(resource_type, name, f"Patient/{patient}")
        return found

    def about(self, within: Callable[[str], set[str]]) -> set[str]:
        """Provenances whose target is among those."""
        kept = {f"{kind}/{id_}" for kind in ("DiagnosticReport", "Observation") for id_ in within(kind)}
        return {
            r["id"]
            for r in self.oracle.resources["Provenance"]
            if any(t.get("reference") in kept for t in r["target"])
        }

    def in_care(self, resource_type: str, user: str) -> set[str]:
        """Everything of the patients whom the user has to do with."""
        patients = self.patients_of(user)
        if resource_type == "Patient":
            return patients
        if resource_type == "Provenance":
            return self.about(lambda kind: self.in_care(kind, user))
        return {
            r["id"]
            for r in self.oracle.resources[resource_type]
            if any(t.removeprefix("Patient/") in patients for t in self.references(r, "patient"))
        }

    def patients_of(self, user: str) -> set[str]:
        resources = self.oracle.resources
        found = {r["id"] for r in resources["Patient"] if user in self.references(r, "general-practitioner")}
        asking = [
            ("Encounter", "participant"),
            ("ServiceRequest", "requester"),
            ("Appointment", "practitioner"),
        ]
        for kind, param in asking:
            for r in resources[kind]:
                if user in self.references(r, param):
                    found |= {t.removeprefix("Patient/") for t in self.references(r, "patient")}
        return found & self.everything("Patient")

    def references(self, resource: Resource, param: str) -> set[str]:
        """The literal references that a parameter's expression finds in one resource."""
        kind = resource["resourceType"]
        if (kind, param) not in self._references:
            pairs = zip(self.oracle.resources[kind], self.oracle.values(kind, param), strict=True)
            told = {r["id"]: {v.get("reference", "") for v in values} for r, values in pairs}
            self._references[kind, param] = told
        return self._references[kind, param][resource["id"]]

    # confidentiality

    def cleared(self, resource_type: str, role: str, user: str) -> set[str]:
        """What has no label that the role is not cleared for, and is of no visit that has one."""
        withheld = {"R", "V"} - {r["confidentiality"] for r in table("clearances.csv") if r["role"] == role}
        secret = {f"Encounter/{r['id']}" for r in self.secret(withheld, user)}
        if resource_type == "Provenance":
            return self.about(lambda kind: self.cleared(kind, role, user))
        resources = self.oracle.resources[resource_type]
        return {r["id"] for r in resources if not self.visits(r) & secret}

    def secret(self, withheld: set[str], user: str) -> Iterable[Resource]:
        """Visits with such a label in which the user takes no part."""
        for visit in self.oracle.resources["Encounter"]:
            labels = {one["code"] for one in visit["meta"].get("security", ())}
            if labels & withheld and user not in self.references(visit, "participant"):
                yield visit

    def visits(self, resource: Resource) -> set[str]:
        if resource["resourceType"] == "Encounter":
            return {f"Encounter/{resource['id']}"}
        if "encounter" not in self.oracle.mappings[resource["resourceType"]].params:
            return set()
        return self.references(resource, "encounter")
