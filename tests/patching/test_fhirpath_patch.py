"""FHIRPath Patch: HL7's published cases (FHIR/fhir-test-cases, r4/patch), and what they leave open."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_facade.outcome import FhirFault
from fhir_facade.patching.fhirpath_patch import patched

Resource = dict[str, Any]


def operation(type_: str, path: str, **parts: Any) -> Resource:
    """One operation; `name` and the numbers as the standard types them, `value` as `value[x]` or parts."""
    told: list[Resource] = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if name == "value":
            told.append({"name": "value", **value})
        elif isinstance(value, int):
            told.append({"name": name, "valueInteger": value})
        else:
            told.append({"name": name, "valueString": value})
    return {"name": "operation", "part": told}


def parameters(*operations: Resource) -> Resource:
    found: Resource = {"resourceType": "Parameters"}
    return {**found, "parameter": list(operations)} if operations else found


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def identifiers(*numbers: int) -> Resource:
    return patient(identifier=[{"system": "http://example.org", "value": f"value {n}"} for n in numbers])


def move(source: int, destination: int) -> Resource:
    return operation("move", "Patient.identifier", source=source, destination=destination)


def insert(index: int) -> Resource:
    third = {"system": "http://example.org", "value": "value 3"}
    return operation("insert", "Patient.identifier", index=index, value={"valueIdentifier": third})


CONTACT = {"name": {"text": "a name"}, "gender": "male"}
BORN = patient(birthDate="1920-01-01")
MARRIED = patient(maritalStatus={"id": "1", "text": "married"})

#: name, before, operations, after: as HL7 publishes them
CASES: list[tuple[str, Resource, list[Resource], Resource]] = [
    ("No Difference", BORN, [], BORN),
    (
        "Replace Primitive",
        BORN,
        [operation("replace", "Patient.birthDate", value={"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    ("Delete Primitive", BORN, [operation("delete", "Patient.birthDate")], patient()),
    (
        "Add Primitive",
        patient(),
        [operation("add", "Patient", name="birthDate", value={"valueDate": "1930-01-01"})],
        patient(birthDate="1930-01-01"),
    ),
    (
        "Replace Nested Primitive #1",
        patient(contact=[CONTACT]),
        [operation("replace", "Patient.contact[0].gender", value={"valueCode": "female"})],
        patient(contact=[{**CONTACT, "gender": "female"}]),
    ),
    (
        "Replace Nested Primitive #2",
        patient(contact=[CONTACT]),
        [operation("replace", "Patient.contact[0].name.text", value={"valueString": "the name"})],
        patient(contact=[{**CONTACT, "name": {"text": "the name"}}]),
    ),
    (
        "Delete Nested Primitive #1",
        patient(contact=[CONTACT]),
        [operation("delete", "Patient.contact[0].gender")],
        patient(contact=[{"name": {"text": "a name"}}]),
    ),
    (
        "Delete Nested Primitive #2",
        patient(contact=[CONTACT]),
        [operation("delete", "Patient.contact[0].name.text")],
        patient(contact=[{"gender": "male"}]),
    ),
    (
        "Add Nested Primitive",
        patient(contact=[{"name": {"text": "a name"}}]),
        [operation("add", "Patient.contact[0]", name="gender", value={"valueCode": "male"})],
        patient(contact=[CONTACT]),
    ),
    (
        "Add Complex",
        patient(),
        [
            operation(
                "add", "Patient", name="maritalStatus", value={"valueCodeableConcept": {"text": "married"}}
            )
        ],
        patient(maritalStatus={"text": "married"}),
    ),
    (
        "Replace Complex",
        MARRIED,
        [
            operation(
                "replace",
                "Patient.maritalStatus",
                value={"valueCodeableConcept": {"id": "2", "text": "not married"}},
            )
        ],
        patient(maritalStatus={"id": "2", "text": "not married"}),
    ),
    ("Delete Complex", MARRIED, [operation("delete", "Patient.maritalStatus")], patient()),
    (
        "Add Anonymous Type",
        patient(),
        [
            operation(
                "add",
                "Patient",
                name="contact",
                value={"part": [{"name": "name", "valueHumanName": {"text": "a name"}}]},
            )
        ],
        patient(contact=[{"name": {"text": "a name"}}]),
    ),
    (
        "Delete Anonymous Type",
        patient(contact=[CONTACT]),
        [operation("delete", "Patient.contact[0]")],
        patient(),
    ),
    ("List unchanged", identifiers(1, 2), [], identifiers(1, 2)),
    (
        "List unchanged, contents changed",
        identifiers(1, 2),
        [
            operation("replace", "Patient.identifier[0].value", value={"valueString": "value 2"}),
            operation("replace", "Patient.identifier[1].value", value={"valueString": "value 1"}),
        ],
        identifiers(2, 1),
    ),
    ("Add to list", identifiers(1, 2), [insert(2)], identifiers(1, 2, 3)),
    ("Insert in list #1", identifiers(1, 2), [insert(1)], identifiers(1, 3, 2)),
    ("Insert in list #2", identifiers(1, 2), [insert(0)], identifiers(3, 1, 2)),
    *(
        (
            f"Without item {n}",
            identifiers(1, 2, 3),
            [operation("delete", f"Patient.identifier[{n}]")],
            identifiers(*({1, 2, 3} - {n + 1})),
        )
        for n in range(3)
    ),
    ("Reorder List #1", identifiers(1, 2, 3, 4), [move(3, 1)], identifiers(1, 4, 2, 3)),
    ("Reorder List #2", identifiers(1, 2, 3, 4), [move(3, 0)], identifiers(4, 1, 2, 3)),
    ("Reorder List #3", identifiers(1, 2, 3, 4), [move(3, 2)], identifiers(1, 2, 4, 3)),
    ("Reorder List #4", identifiers(1, 2, 3, 4), [move(0, 3)], identifiers(2, 3, 4, 1)),
    ("Reorder List #5", identifiers(1, 2, 3, 4), [move(1, 0), move(2, 1)], identifiers(2, 3, 1, 4)),
    (
        "Reorder List #6",
        identifiers(1, 2, 3, 4),
        [move(3, 0), move(3, 1), move(3, 2)],
        identifiers(4, 3, 2, 1),
    ),
    (
        "Operation on missing element #2",
        patient(),
        [
            operation(
                "add",
                "Patient",
                name="identifier",
                value={"valueIdentifier": {"system": "http://example.org", "value": "value 3"}},
            )
        ],
        identifiers(3),
    ),
]


@pytest.mark.parametrize(("before", "operations", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_hl7s_cases(before: Resource, operations: list[Resource], after: Resource) -> None:
    given = copy.deepcopy(before)
    assert patched(given, parameters(*operations)) == after
    assert given == before, "the resource that was given is left alone"


OFFICIAL = {"use": "official", "given": ["민", "수"], "_given": [None, {"id": "second"}]}
WEIGHT = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("70.10"), "unit": "kg"}}


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        (
            patient(name=[{"use": "usual"}, OFFICIAL]),
            [operation("delete", "Patient.name.where(use = 'official').given[0]")],
            patient(name=[{"use": "usual"}, {**OFFICIAL, "given": ["수"], "_given": [{"id": "second"}]}]),
        ),
        (
            patient(name=[OFFICIAL]),
            [operation("insert", "name.first().given", index=0, value={"valueString": "김"})],
            patient(
                name=[{**OFFICIAL, "given": ["김", "민", "수"], "_given": [None, None, {"id": "second"}]}]
            ),
        ),
        (
            WEIGHT,
            [operation("replace", "Observation.value.value", value={"valueDecimal": Decimal("70.00")})],
            {**WEIGHT, "valueQuantity": {"value": Decimal("70.00"), "unit": "kg"}},
        ),
        (
            WEIGHT,
            [operation("replace", "Observation.value", value={"valueString": "heavy"})],
            {"resourceType": "Observation", "valueString": "heavy"},
        ),
        (
            WEIGHT,
            [operation("delete", "Observation.value.ofType(string)")],
            WEIGHT,
        ),
        (
            patient(),
            [operation("add", "Patient", name="deceased[x]", value={"valueBoolean": False})],
            patient(deceasedBoolean=False),
        ),
        (
            patient(contained=[{"resourceType": "Practitioner", "id": "a", "active": True}]),
            [operation("replace", "Patient.contained[0].active", value={"valueBoolean": False})],
            patient(contained=[{"resourceType": "Practitioner", "id": "a", "active": False}]),
        ),
        (
            patient(extension=[{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueString": "x"}]),
            [operation("replace", "extension('urn:b').value", value={"valueInteger": 3})],
            patient(extension=[{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueInteger": 3}]),
        ),
        (patient(), [operation("delete", "Patient.name[3].given")], patient()),
    ],
)
def test_a_path_finds_its_element_and_nothing_else(
    before: Resource, operations: list[Resource], after: Resource
) -> None:
    found = patched(before, parameters(*operations))
    assert found == after
    assert str(found) == str(after), "decimals keep their digits"


@pytest.mark.parametrize(
    ("before", "bad", "status", "says"),
    [
        # HL7's "Operation on missing element"
        (
            patient(identifier=[{"use": "official", "value": "123"}]),
            operation(
                "add",
                "Patient.identifier.where(use = 'official').period",
                name="end",
                value={"valueDate": "2021-12-01"},
            ),
            422,
            "leads to 0 elements",
        ),
        (identifiers(1, 2), operation("delete", "Patient.identifier"), 422, "leads to 2 elements"),
        (
            identifiers(1, 2),
            operation("replace", "Patient.identifier.value", value={"valueString": "x"}),
            422,
            "leads to 2",
        ),
        (BORN, operation("replace", "Patient.birthDate", value={"valueInteger": 3}), 422, "is a date"),
        (BORN, operation("replace", "Patient.birthday", value={"valueDate": "2020"}), 422, "no element"),
        (
            BORN,
            operation("add", "Patient", name="birthDate", value={"valueDate": "2020-01-01"}),
            422,
            "replace it",
        ),
        (BORN, operation("add", "Patient", name="colour", value={"valueCode": "red"}), 422, "no element"),
        (
            BORN,
            operation("add", "Patient.birthDate", name="value", value={"valueCode": "red"}),
            422,
            "primitive",
        ),
        (identifiers(1), insert(2), 422, "the list has 1"),
        (identifiers(1), move(0, 1), 422, "the list has 1"),
        (
            BORN,
            operation("insert", "Patient.birthDate", index=0, value={"valueDate": "2020"}),
            422,
            "no list",
        ),
        (BORN, operation("delete", "Patient"), 422, "the resource itself"),
        (
            BORN,
            operation("replace", "Patient", value={"resource": {"resourceType": "Patient"}}),
            422,
            "itself",
        ),
        (BORN, operation("delete", "Patient.name.where(matches('(a+)+'))"), 422, "may not"),
        (BORN, operation("delete", "Patient.children()"), 422, "a path may use"),
        (BORN, operation("delete", "Patient.name.where(use = 'x'"), 422, "not closed"),
        (identifiers(1), operation("delete", "Patient.identifier.where(((((= 3)"), 422, "not closed"),
        (identifiers(1), operation("delete", "Patient.identifier.where(= 3)"), 422, "evaluated"),
        (BORN, operation("delete", "Patient.a." * 200), 422, "a path is 1 to 500"),
        (WEIGHT, operation("delete", "Observation.valueQuantity"), 422, "no element valueQuantity"),
        (
            BORN,
            operation("add", "Patient", name="active", value={"valueBoolean": True, "valueCode": "a"}),
            422,
            "one value",
        ),
        (
            BORN,
            operation("add", "Patient", name="contact", value={"valueString": "x"}),
            422,
            "BackboneElement",
        ),
        (BORN, operation("rename", "Patient.birthDate"), 400, "its type is one of"),
        (BORN, operation("add", "Patient", name="active"), 400, "value is missing"),
        (BORN, {"name": "operation"}, 400, "has parts"),
        (
            BORN,
            {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}]},
            400,
            "path is missing",
        ),
        (BORN, operation("insert", "Patient.name", index=-1), 400, "index"),
        (BORN, {**operation("delete", "Patient.name"), "name": "other"}, 400, "named operation"),
    ],
)
def test_an_operation_that_cant_be_done_is_named(
    before: Resource, bad: Resource, status: int, says: str
) -> None:
    harmless = operation("delete", f"{before['resourceType']}.language")
    with pytest.raises(FhirFault) as raised:
        patched(before, parameters(harmless, bad))
    assert (raised.value.status, raised.value.expression) == (status, ("Parameters.parameter[1]",))
    assert says in raised.value.diagnostics


@pytest.mark.parametrize("body", [None, [], {}, {"resourceType": "Patient"}, "text"])
def test_what_is_no_parameters_resource_is_refused(body: Any) -> None:
    with pytest.raises(FhirFault) as raised:
        patched(BORN, body)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("path", "value", "about"),
    [
        ("Patient.id", {"valueId": "other"}, "Patient.id"),
        ("Patient.meta.versionId", {"valueId": "7"}, "Patient.meta.versionId"),
        ("Patient.meta.lastUpdated", {"valueInstant": "2020-01-01T00:00:00Z"}, "Patient.meta.lastUpdated"),
    ],
)
def test_what_names_a_resource_cant_be_patched(path: str, value: Resource, about: str) -> None:
    before = patient(id="p", meta={"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"})
    with pytest.raises(FhirFault) as raised:
        patched(before, parameters(operation("replace", path, value=value)))
    assert (raised.value.status, raised.value.expression) == (422, (about,))


def test_a_patch_asks_its_conditions_of_so_many_elements() -> None:
    """Each takes a tenth of a millisecond or more: operations times elements could take minutes."""
    many = identifiers(*range(300))
    asking = operation("delete", "Patient.identifier.where(value = 'value 1000')")
    assert patched(many, parameters(asking)) == many
    with pytest.raises(FhirFault) as fault:
        patched(many, parameters(*[asking] * 8))
    assert (fault.value.status, fault.value.code) == (413, "too-costly")


@pytest.mark.parametrize("parameter", [5, None, "a", {"name": "operation"}])
def test_operations_that_are_no_list_are_no_patch(parameter: Any) -> None:
    with pytest.raises(FhirFault) as fault:
        patched(patient(), {"resourceType": "Parameters", "parameter": parameter})
    assert (fault.value.status, fault.value.code) == (400, "structure")
