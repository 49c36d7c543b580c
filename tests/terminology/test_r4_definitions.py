"""What `terminology.definitions` promises of the packaged R4 standard."""

import gzip
import json
from pathlib import Path

import pytest

from terminology import build_codes, build_definitions, build_resources, definitions
from terminology.build_definitions import expression_for, split_union
from terminology.service import packaged

ARTIFACT = "ca/uhn/hapi/fhir/hapi-fhir-validation-resources-r4/8.8.0/*.jar"
JARS = sorted((Path.home() / ".m2/repository").glob(ARTIFACT))
R4 = Path(build_definitions.__file__).with_name("r4")


def test_all_resource_types_of_r4_are_there() -> None:
    types = definitions.resource_types()
    assert len(types) == 146
    assert "ImagingStudy" in types
    assert "DomainResource" not in types
    assert "SubscriptionStatus" not in types  # R4B's


def test_all_search_parameters_of_r4_are_there() -> None:
    urls = {
        one.url
        for name in definitions.resource_types()
        for one in definitions.search_parameters(name).values()
    }
    assert len(urls) == 1375


def test_every_type_has_the_parameters_of_resource() -> None:
    for name in definitions.resource_types():
        assert {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} <= set(
            definitions.search_parameters(name)
        )
        found = definitions.search_parameter(name, "_id")
        assert found is not None
        assert found.expression == f"{name}.id"


def test_only_domain_resources_have_text() -> None:
    assert definitions.search_parameter("Patient", "_text") is not None
    assert definitions.search_parameter("Bundle", "_text") is None


def test_a_composite_names_its_components() -> None:
    found = definitions.search_parameter("Observation", "component-code-value-quantity")
    assert found is not None
    assert (found.type, found.expression) == ("composite", "Observation.component")
    assert [(one.code, one.expression) for one in found.component] == [
        ("component-code", "code"),
        ("component-value-quantity", "value.as(Quantity)"),
    ]


def test_a_shared_parameter_shows_each_type_its_own_part() -> None:
    patient = definitions.search_parameter("Observation", "patient")
    assert patient is not None
    assert patient.expression == "Observation.subject.where(resolve() is Patient)"
    assert "Patient" in patient.target
    code = definitions.search_parameter("AllergyIntolerance", "code")
    assert code is not None
    assert code.expression == "AllergyIntolerance.code | AllergyIntolerance.reaction.substance"
    assert "\n" not in code.description


@pytest.mark.parametrize("name", ["structures", "search_parameters"])
def test_expressions_and_elements_are_of_known_types(name: str) -> None:
    loaded = json.loads(gzip.decompress((R4 / f"{name}.json.gz").read_bytes()))
    assert all(definitions.kind(found) for found in loaded)


def test_union_is_split_at_the_top_only() -> None:
    assert split_union("A.b | (A.c | A.d) | A.e") == ["A.b", "(A.c | A.d)", "A.e"]
    assert expression_for("A", "A.b | B.b | (A.c as Age)") == "A.b | (A.c as Age)"
    assert expression_for("A", "name | alias") == "name | alias"


@pytest.mark.parametrize(
    ("type_name", "path", "defined", "is_list"),
    [
        ("Patient", "name[].given[]", "HumanName.given", True),
        ("Patient", "Patient.contact.name", "Patient.contact.name", False),
        ("Observation", "component.valueQuantity.code", "Quantity.code", False),
        ("Observation", "value[x]", "Observation.value[x]", False),
        ("Observation", "component.referenceRange", "Observation.component.referenceRange", True),
        ("Observation", "component.referenceRange.low", "Observation.referenceRange.low", False),
        ("Bundle", "entry.link.url", "Bundle.link.url", False),
        ("Questionnaire", "item.item.item.linkId", "Questionnaire.item.linkId", False),
    ],
)
def test_a_path_leads_to_its_element(type_name: str, path: str, defined: str, is_list: bool) -> None:
    found = definitions.element(type_name, path)
    assert found is not None
    assert found.path == defined
    assert definitions.is_list(type_name, path) is is_list


@pytest.mark.parametrize("path", ["nme", "valueMoney", "code.coding.sistem", "status.x"])
def test_a_wrong_path_leads_nowhere(path: str) -> None:
    assert definitions.element("Observation", path) is None
    assert definitions.is_list("Observation", path) is False


def test_ids_and_urls_have_their_fhir_type() -> None:
    found = [
        definitions.element(*one)
        for one in (("Patient", "id"), ("Patient", "contact.id"), ("Extension", "url"))
    ]
    assert [one.types[0].code for one in found if one] == ["id", "string", "uri"]


def test_summary_and_mandatory_elements_of_an_observation() -> None:
    assert {"id", "meta", "status", "code", "valueQuantity", "valueString"} <= definitions.summary_elements(
        "Observation"
    )
    assert not {"text", "note", "value[x]", "referenceRange"} & definitions.summary_elements("Observation")
    assert definitions.mandatory_elements("Observation") == {"status", "code"}
    assert "medication[x]" in definitions.mandatory_elements("MedicationRequest")
    assert ("valueDateTime", "dateTime") in definitions.choice_names("Observation", "value[x]")


def test_reference_targets_are_kept() -> None:
    found = definitions.element("Encounter", "subject")
    assert found is not None
    assert found.types[0].targets == ("Patient", "Group")


def test_compartments_name_their_parameters() -> None:
    assert definitions.compartment_types() == (
        "Device",
        "Encounter",
        "Patient",
        "Practitioner",
        "RelatedPerson",
    )
    assert definitions.compartment("Patient")["Observation"] == ("subject", "performer")
    assert "Medication" not in definitions.compartment("Patient")
    assert not definitions.compartment("Nothing")
    for code in definitions.compartment_types():
        for name, parameters in definitions.compartment(code).items():
            assert set(parameters) <= set(definitions.search_parameters(name)), (code, name)


def test_required_bindings_have_their_codes() -> None:
    url = definitions.required_binding("Observation", "status")
    assert url == "http://hl7.org/fhir/ValueSet/observation-status"
    assert ("http://hl7.org/fhir/observation-status", "final") in (definitions.valueset_codes(url) or ())
    assert definitions.required_binding("Observation", "code") is None
    assert definitions.codesystem_display("http://hl7.org/fhir/observation-status", "final") == "Final"
    assert definitions.codesystem_display("http://hl7.org/fhir/observation-status", "fnal") is None


def test_only_open_value_sets_lack_codes() -> None:
    bound = {
        (one.value_set or "")
        for name in definitions.resource_types()
        for one in definitions.elements(name).values()
        if one.binding_strength == "required"
    }
    assert {url for url in bound if definitions.valueset_codes(url) is None} == {
        "http://hl7.org/fhir/ValueSet/mimetypes",
        "http://hl7.org/fhir/ValueSet/ucum-units",
        "http://loinc.org/vs/LL379-9",
    }


def test_filtered_value_sets_hold_the_descendants() -> None:
    classes = definitions.valueset_codes("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")
    assert {code for _, code in classes or ()} >= {"AMB", "IMP", "EMER", "ACUTE", "NONAC", "VR"}


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_definitions, "R4_FOLDER", tmp_path)
    packed = []
    for _ in range(2):
        build_definitions.write("one", {"b": 1, "a": "한글"})
        packed.append((tmp_path / "one.json.gz").read_bytes())
    assert packed[0] == packed[1]
    assert json.loads(gzip.decompress(packed[0])) == {"a": "한글", "b": 1}


@pytest.mark.skipif(not JARS, reason="the definitions jar is not in the local Maven repository")
def test_the_packaged_files_are_what_the_script_builds() -> None:
    built = [*build_definitions.build(JARS[0]), *build_codes.build_codes()]
    for name, content in built:
        assert json.loads(gzip.decompress((R4 / f"{name}.json.gz").read_bytes())) == content


@pytest.mark.skipif(not JARS, reason="the definitions jar is not in the local Maven repository")
@pytest.mark.parametrize("kind", packaged.FILES)
def test_the_packaged_resources_are_what_the_standard_publishes(kind: str) -> None:
    lines = gzip.decompress((R4 / f"{packaged.FILES[kind]}.jsonl.gz").read_bytes()).splitlines()
    bundles = tuple(f"{build_definitions.MODEL}valueset/{name}.xml" for name in build_definitions.TABLES)
    assert [json.loads(line) for line in lines] == list(build_resources.published(JARS[0], bundles, kind))


def test_the_packaged_files_are_small() -> None:
    assert sum(file.stat().st_size for file in R4.iterdir()) < 2_000_000
