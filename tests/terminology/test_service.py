"""The terminology service over the packaged code systems, the excerpts and the hospital's own words."""

from __future__ import annotations

from typing import Any

import pytest

from terminology import definitions
from terminology.service import local
from terminology.service.compose import Composer
from terminology.service.content import Content
from terminology.service.expand import Wanted, expand
from terminology.service.lookup import lookup
from terminology.service.made import Shelf
from terminology.service.packaged import Packaged
from terminology.service.source import Resolver, TerminologyFault
from terminology.service.subsumes import subsumes
from terminology.service.translate import Wish, matches, translated
from terminology.service.validate import Asked, in_system, in_value_set, one_of
from terminology.systems import LOINC, SNOMED_CT, UCUM, local_system

Resource = dict[str, Any]
VS, HL7 = "http://hl7.org/fhir/ValueSet/", "http://terminology.hl7.org/CodeSystem/"
STATUS = "http://hl7.org/fhir/observation-status"
ACT = f"{HL7}v3-ActCode"


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver([local.excerpts(), Packaged(), local.words()])


def value_set(resolver: Resolver, url: str) -> Resource:
    found = resolver.value_set(url)
    assert found
    return found


def with_system(**system: Any) -> Resolver:
    url = "http://example.org/colours"
    content: Resource = {"content": "complete"} | system
    return Resolver(
        [Shelf([{"resourceType": "CodeSystem", "id": "c", "url": url, "status": "active"} | content])]
    )


def composed(**compose: Any) -> Resource:
    return {"resourceType": "ValueSet", "status": "active", "compose": compose}


COLOURS = [
    {"code": "red", "display": "Red", "designation": [{"language": "ko", "value": "빨강"}], "concept": [
        {"code": "crimson", "display": "Crimson", "property": [{"code": "wave", "valueInteger": 7}]}]},
    {"code": "blue", "display": "Blue", "property": [{"code": "status", "valueCode": "retired"}]},
    {"code": "_all", "display": "Colours", "property": [{"code": "notSelectable", "valueBoolean": True}]},
]  # fmt: skip
SYSTEM = "http://example.org/colours"


# what is packaged


def test_every_value_set_holds_what_it_lists(resolver: Resolver) -> None:
    wrong = []
    for one in resolver.every("ValueSet"):
        composer = Composer(resolver)
        listed = definitions.valueset_codes(one["url"]) or ()
        wrong += [
            one["url"] for system, code in list(listed)[:5] if composer.holds(one, system, code) is not True
        ]
    assert not wrong


def test_published_expansions_are_what_is_expanded(resolver: Resolver) -> None:
    for name in ("inactive", "yesnodontknow"):
        published = value_set(resolver, VS + name)
        told = published["expansion"]["contains"]
        codes = {one["code"] for one in told} | {c["code"] for one in told for c in one.get("contains", ())}
        found = expand(resolver, published, Wanted())["expansion"]["contains"]
        assert codes <= {one["code"] for one in found}, name


def test_retired_codes_are_inactive_and_deprecated_ones_are_not(resolver: Resolver) -> None:
    found = expand(resolver, value_set(resolver, f"{VS}inactive"), Wanted())["expansion"]["contains"]
    inactive = {one["code"] for one in found if one.get("inactive")}
    assert "GOL.CRT" in inactive
    assert "CRT" not in inactive


def test_children_that_are_stated_as_properties_are_below_too(resolver: Resolver) -> None:
    assert subsumes(resolver, ACT, "COVMX", "LFEMX") == "subsumes"


def test_a_version_that_is_not_here_is_not_found(resolver: Resolver) -> None:
    assert resolver.find("CodeSystem", f"{STATUS}|4.0.1")
    assert resolver.find("CodeSystem", f"{STATUS}|3.0.1") is None


# $lookup


def test_a_code_is_looked_up_with_its_display_definition_and_place(resolver: Resolver) -> None:
    told = lookup(resolver, ACT, "AMB")["parameter"]
    assert {"name": "display", "valueString": "ambulatory"} in told
    parents = [p for p in told if p["name"] == "property" and p["part"][0]["valueCode"] == "parent"]
    assert parents[0]["part"][1] == {"name": "value", "valueCode": "_ActEncounterCode"}


def test_of_named_properties_only_these_are_told(resolver: Resolver) -> None:
    told = lookup(resolver, ACT, "AMB", wanted=("parent",))["parameter"]
    assert {p["part"][0]["valueCode"] for p in told if p["name"] == "property"} == {"parent"}


@pytest.mark.parametrize(
    ("system", "code", "words"),
    [
        (STATUS, "done", "no such code"),
        (LOINC, "0-0", "not known here"),
        ("http://nowhere.org", "a", "is not here"),
    ],
)
def test_what_is_no_code_is_told_from_what_is_not_known_here(
    resolver: Resolver, system: str, code: str, words: str
) -> None:
    with pytest.raises(TerminologyFault, match=words) as caught:
        lookup(resolver, system, code)
    assert (caught.value.code, caught.value.status) == ("not-found", 404)


def test_a_display_comes_in_the_language_that_is_asked_for() -> None:
    told = lookup(with_system(concept=COLOURS), SYSTEM, "red", language="ko-KR")["parameter"]
    assert {"name": "display", "valueString": "빨강"} in told


# $validate-code


@pytest.mark.parametrize(
    ("asked", "result", "words"),
    [
        (Asked("final", STATUS, display="Final"), True, ""),
        (Asked("final", STATUS, display="  FINAL "), True, ""),
        (Asked("final", STATUS, display="Finished"), False, "'Final'"),
        (Asked("FINAL", STATUS), False, "no code"),
        (Asked("718-7", LOINC), True, ""),
        (Asked("0-0", LOINC), False, "not known here"),
        (Asked("mg/dL", UCUM), True, ""),
        (Asked("_ActEncounterCode", ACT, abstract=False), False, "only groups"),
        (Asked("_ActEncounterCode", ACT), True, ""),
    ],
)
def test_a_code_of_a_system_is_judged(resolver: Resolver, asked: Asked, result: bool, words: str) -> None:
    verdict = in_system(resolver, asked)
    assert verdict.result is result, verdict
    assert words in verdict.message


def test_case_counts_unless_the_system_says_otherwise() -> None:
    assert not in_system(with_system(concept=COLOURS), Asked("RED", SYSTEM)).result
    loose = in_system(with_system(concept=COLOURS, caseSensitive=False), Asked("RED", SYSTEM))
    assert loose.result
    assert "'red'" in loose.message


def test_an_inactive_code_is_valid_and_told_to_be_inactive() -> None:
    verdict = in_system(with_system(concept=COLOURS), Asked("blue", SYSTEM))
    assert verdict.result
    assert "inactive" in verdict.message


def test_a_bare_code_has_the_system_that_it_has_in_the_value_set(resolver: Resolver) -> None:
    status = value_set(resolver, f"{VS}observation-status")
    assert in_value_set(resolver, status, Asked("final")).display == "Final"
    assert not in_value_set(resolver, status, Asked("done")).result


def test_a_code_of_a_set_that_nobody_can_list_is_judged_where_it_can_be(resolver: Resolver) -> None:
    everything = value_set(resolver, f"{LOINC}/vs")
    assert in_value_set(resolver, everything, Asked("718-7", LOINC)).result
    unknown = in_value_set(resolver, everything, Asked("0-0", LOINC))
    assert not unknown.result
    assert "can't be told" in unknown.message
    assert not in_value_set(resolver, everything, Asked("final", STATUS)).result
    kinds = value_set(resolver, f"{SNOMED_CT}?fhir_vs=isa/363679005")
    assert "can't be told" in in_value_set(resolver, kinds, Asked("77477000", SNOMED_CT)).message


def test_of_several_codings_one_is_enough(resolver: Resolver) -> None:
    def judge(asked: Asked) -> Any:
        return in_system(resolver, asked)

    assert one_of([Asked("x", STATUS), Asked("final", STATUS)], judge).result
    assert "no coding" in one_of([], judge).message


# $expand


def test_an_expansion_is_filtered_and_paged(resolver: Resolver) -> None:
    units = value_set(resolver, f"{VS}ucum-common")
    whole = expand(resolver, units, Wanted(filter="milligram"))["expansion"]
    page = expand(resolver, units, Wanted(filter="milligram", offset=2, count=3))["expansion"]
    assert page["total"] == whole["total"] > 5
    assert page["contains"] == whole["contains"][2:5]
    assert page["offset"] == 2
    assert all("milligram" in one["display"].lower() for one in whole["contains"])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{VS}mimetypes", "too-costly"),
        (f"{VS}ucum-units", "too-costly"),
        (f"{LOINC}/vs", "not-supported"),
        (f"{SNOMED_CT}?fhir_vs", "not-supported"),
        (f"{VS}currencies", "not-found"),
    ],
)
def test_what_can_not_be_listed_is_refused_and_never_empty(resolver: Resolver, url: str, code: str) -> None:
    with pytest.raises(TerminologyFault) as caught:
        expand(resolver, value_set(resolver, url), Wanted())
    assert caught.value.code == code


def test_active_only_leaves_out_what_is_retired() -> None:
    found = expand(
        with_system(concept=COLOURS), composed(include=[{"system": SYSTEM}]), Wanted(active_only=True)
    )
    assert [one["code"] for one in found["expansion"]["contains"]] == ["red", "crimson", "_all"]


@pytest.mark.parametrize(
    ("stated", "codes"),
    [
        (("concept", "is-a", "red"), ["red", "crimson"]),
        (("concept", "descendent-of", "red"), ["crimson"]),
        (("concept", "is-not-a", "red"), ["blue", "_all"]),
        (("concept", "generalizes", "crimson"), ["red", "crimson"]),
        (("concept", "in", "red, blue"), ["red", "blue"]),
        (("concept", "not-in", "red,blue"), ["crimson", "_all"]),
        (("display", "regex", "C.*"), ["crimson", "_all"]),
        (("wave", "=", "7"), ["crimson"]),
        (("wave", "exists", "false"), ["red", "blue", "_all"]),
        (("parent", "=", "red"), ["crimson"]),
    ],
)
def test_each_filter_selects_what_it_says(stated: tuple[str, str, str], codes: list[str]) -> None:
    chosen = dict(zip(("property", "op", "value"), stated, strict=True))
    asked = composed(include=[{"system": SYSTEM, "filter": [chosen]}])
    assert [code for _, code in Composer(with_system(concept=COLOURS)).members(asked)] == codes


def test_excludes_and_imports_are_taken_together() -> None:
    listed = composed(include=[{"system": SYSTEM, "concept": [{"code": "red"}, {"code": "blue"}]}])
    shelf = Shelf([listed | {"id": "two", "url": "http://example.org/two"}])
    resolver = Resolver([*with_system(concept=COLOURS).sources, shelf])
    both = {"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "red"}]}
    asked = composed(include=[both | {"valueSet": ["http://example.org/two"]}])
    assert [code for _, code in Composer(resolver).members(asked)] == ["red"]
    asked = composed(include=[{"system": SYSTEM}], exclude=[{"valueSet": ["http://example.org/two"]}])
    assert [code for _, code in Composer(resolver).members(asked)] == ["crimson", "_all"]
    assert Composer(resolver).holds(asked, SYSTEM, "red") is False


def test_a_value_set_that_imports_itself_is_refused() -> None:
    own = composed(include=[{"valueSet": ["http://example.org/own"]}]) | {"url": "http://example.org/own"}
    with pytest.raises(TerminologyFault, match="imports itself"):
        Composer(Resolver([Shelf([own | {"id": "own"}])])).members(own)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(a|a){9}b", "a*a*a*a*b", "a" * 201])
def test_a_pattern_that_may_never_end_is_refused(pattern: str) -> None:
    endless = {"property": "display", "op": "regex", "value": pattern}
    asked = composed(include=[{"system": SYSTEM, "filter": [endless]}])
    with pytest.raises(TerminologyFault) as caught:
        Composer(with_system(concept=COLOURS)).members(asked)
    assert caught.value.code == "too-costly"


def test_examples_are_expanded_as_what_they_are(resolver: Resolver) -> None:
    told = expand(resolver, value_set(resolver, f"{VS}service-type"), Wanted(count=1))["expansion"]
    assert told["extension"] == [
        {"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}
    ]


# $subsumes


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("_ActEncounterCode", "AMB", "subsumes"),
        ("ACUTE", "_ActEncounterCode", "subsumed-by"),
        ("AMB", "AMB", "equivalent"),
        ("AMB", "EMER", "not-subsumed"),
    ],
)
def test_kinds_subsume_what_is_below_them(resolver: Resolver, first: str, second: str, outcome: str) -> None:
    assert subsumes(resolver, ACT, first, second) == outcome


def test_of_an_excerpt_no_hierarchy_is_claimed(resolver: Resolver) -> None:
    with pytest.raises(TerminologyFault, match="not known here"):
        subsumes(resolver, LOINC, "718-7", "8480-6")


def test_a_hierarchy_of_parts_is_none_of_kinds() -> None:
    with pytest.raises(TerminologyFault, match="not one of kinds"):
        subsumes(with_system(concept=COLOURS, hierarchyMeaning="part-of"), SYSTEM, "red", "crimson")


# $translate


def test_only_confirmed_rows_are_told_as_translations(resolver: Resolver) -> None:
    wish = Wish(local_system("route"), "SL", target_system=SNOMED_CT)
    told = translated(matches(resolver, resolver.every("ConceptMap"), wish))["parameter"]
    assert told[0] == {"name": "result", "valueBoolean": False}
    assert "not confirmed" in told[1]["valueString"]
    assert told[2]["part"][0]["valueCode"] == "unmatched"
    assert all(part["name"] != "concept" for part in told[2]["part"])


def test_a_word_is_translated_in_any_case_where_case_does_not_count(resolver: Resolver) -> None:
    for word in ("PO", "po"):
        wish = Wish(local_system("route"), word, target_system=SNOMED_CT)
        [match] = matches(resolver, resolver.every("ConceptMap"), wish)
        assert match.concept == {"system": SNOMED_CT, "code": "26643006", "display": "Oral route"}
        assert match.equivalence == "equivalent"


def test_a_code_is_translated_back_into_the_words(resolver: Resolver) -> None:
    wish = Wish(SNOMED_CT, "26643006", target_system=local_system("route"), reverse=True)
    found = matches(resolver, resolver.every("ConceptMap"), wish)
    assert [one.concept for one in found] == [{"system": local_system("route"), "code": "PO"}]


def test_nothing_unconfirmed_stands_in_any_concept_map(resolver: Resolver) -> None:
    for concept_map in resolver.every("ConceptMap"):
        for group in concept_map.get("group", ()):
            for element in group["element"]:
                for target in element["target"]:
                    assert (target["equivalence"] == "equivalent") is ("code" in target)


# what is made


@pytest.mark.parametrize("kind", ["CodeSystem", "ValueSet", "ConceptMap"])
def test_every_resource_has_an_id_of_its_own(resolver: Resolver, kind: str) -> None:
    ids = [one["id"] for one in resolver.every(kind)]
    assert len(ids) == len(set(ids))
    assert all(len(one) <= 64 for one in ids)


def test_excerpts_say_that_they_are_fragments_and_whose_they_are(resolver: Resolver) -> None:
    loinc = resolver.find("CodeSystem", LOINC)
    assert loinc
    assert loinc["content"] == "fragment"
    assert "Regenstrief" in loinc["copyright"]
    assert Content.of(loinc).complete is False
