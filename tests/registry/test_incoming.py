"""What is sent is understood as it was meant, to the last digit, or refused with the place that is wrong."""

import copy
import json
import pickle
import time
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_facade.content import Message, Request, dumps
from fhir_facade.incoming import incoming, resource_in
from fhir_facade.outcome import FhirFault
from fhir_facade.xml import to_xml
from mappers.validation.narrative import markup_fault
from terminology import definitions
from tests.registry.arbitrary_resources import DIV, arbitrary_resource

JSON, XML = "application/fhir+json", "application/fhir+xml"
NS = 'xmlns="http://hl7.org/fhir"'


def fault(content: str | bytes, media: str = JSON) -> FhirFault:
    with pytest.raises(FhirFault) as caught:
        resource_in(content.encode() if isinstance(content, str) else content, media)
    return caught.value


def places(found: FhirFault) -> list[str]:
    return [e for i in found.issues() for e in i.expression]


@given(st.integers(0, 2**32), st.sampled_from(definitions.resource_types()))
@settings(max_examples=100, deadline=None)
def test_any_resource_comes_back_from_xml_as_it_was(seed: int, resource_type: str) -> None:
    resource = arbitrary_resource(Random(seed), resource_type)
    written = to_xml(resource)
    found = resource_in(written, XML)
    assert found == resource
    assert dumps(found) == dumps(resource_in(dumps(found), JSON))
    assert resource_in(to_xml(resource, pretty=True), XML) == resource


@pytest.mark.parametrize("written", ["1.10", "1e2", "1E+2", "-0", "-0.0", "0.00000001", "1" * 30, "5.40e-7"])
def test_a_number_is_written_again_as_it_was_sent(written: str) -> None:
    text = f'{{"resourceType":"Observation","valueQuantity":{{"value":{written}}}}}'
    found = resource_in(text.encode(), JSON)
    assert dumps(found).decode() == text
    assert dumps(copy.deepcopy(found)).decode() == text
    assert dumps(pickle.loads(pickle.dumps(found))).decode() == text  # noqa: S301 - our own bytes
    assert f'value="{written}"'.encode() in to_xml(found)
    assert dumps(resource_in(to_xml(found), XML)).decode() == text
    assert Decimal(str(found["valueQuantity"]["value"])) == Decimal(written)


@pytest.mark.parametrize("written", ["1" * 101, "1e401", "1e-401", "0e999", "1e99999999999999999999"])
def test_a_number_beyond_all_measure_is_refused(written: str) -> None:
    found = fault(f'{{"resourceType":"Observation","valueQuantity":{{"value":{written}}}}}')
    assert (found.status, found.code) == (400, "value")
    xml = f'<Observation {NS}><valueQuantity><value value="{written}"/></valueQuantity></Observation>'
    assert fault(xml, XML).status == 400


def test_names_that_stand_twice_are_all_named() -> None:
    found = fault(
        '{"resourceType":"Patient","name":[{"family":"a","family":"b"}],"deceasedBoolean":true,'
        '"deceasedBoolean":false,"contained":[{"resourceType":"Basic","code":{"text":"a","text":"a"}}]}'
    )
    assert {i.code for i in found.issues()} == {"structure"}
    assert places(found) == [
        "Patient.deceased.ofType(boolean)",
        "Patient.name[0].family",
        "Patient.contained[0].code.text",
    ]


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "\\b", "\\u001f", "\\uFFFE", "\uffff", "a\\udc00b"])
def test_texts_that_are_none_are_refused_by_their_place(text: str) -> None:
    found = fault(f'{{"resourceType":"Patient","name":[{{"family":"x"}},{{"given":["y","{text}"]}}]}}')
    assert (found.status, found.code) == (400, "value")
    assert places(found) == ["Patient.name[1].given[1]"]


def test_what_only_looks_like_such_a_text_is_kept() -> None:
    sent = '{"resourceType":"Patient","name":[{"family":"\\\\ud800 \\\\b \\ud83d\\ude00 \\t\\n"}]}'
    assert resource_in(sent.encode(), JSON)["name"][0]["family"] == "\\ud800 \\b 😀 \t\n"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "required", "empty"),
        (b" \n", "required", "empty"),
        (b"\xef\xbb\xbf", "required", "empty"),
        (b"[]", "structure", "no object"),
        (b'"x"', "structure", "no object"),
        (b"{}", "required", "resourceType is missing"),
        (b'{"resourceType":7}', "not-supported", "no resource type"),
        (b'{"resourceType":"DomainResource"}', "not-supported", "no resource type"),
        (b'{"resourceType":"Patient",\n "active":tru}', "structure", "at line 2, column 11"),
        (b'{"resourceType":"Patient"} {}', "structure", "at line 1, column 28"),
        (b'{"a":NaN}', "value", "NaN"),
        (b'{"a":[-Infinity]}', "value", "-Infinity"),
        (b'{"a":"\x01"}', "structure", "at line 1, column 7"),
        (b'{"a":\n"\xff"}', "structure", "no UTF-8 at line 2, byte 2"),
        (b'{"a":"\xed\xa0\x80"}', "structure", "no UTF-8"),
    ],
)
def test_json_that_is_none_is_refused_with_its_place(content: bytes, code: str, says: str) -> None:
    found = fault(content)
    assert (found.status, found.code) == (400, code)
    assert says in found.diagnostics


def nested(depth: int, empty: bool = False) -> str:
    inner = '"extension":[{"url":"u",' * depth + '"valueCode":"x"' + "}]" * depth
    return f'{{"resourceType":"Patient",{inner}}}'


def test_what_is_nested_too_deep_is_refused_and_what_is_not_is_read() -> None:
    assert resource_in(nested(49).encode(), JSON)
    for content in (nested(51), nested(100_000), "[" * 200_000, '{"a":' * 200_000):
        found = fault(content)
        assert (found.status, found.code) == (400, "too-long")
    deep = "<extension url='u'>" * 300 + "</extension>" * 300
    assert fault(f"<Patient {NS}>{deep}</Patient>", XML).code == "too-long"


def test_a_byte_order_mark_is_no_fault() -> None:
    assert resource_in(b'\xef\xbb\xbf{"resourceType":"Patient"}', JSON) == {"resourceType": "Patient"}
    found = resource_in(f"\ufeff<Patient {NS}><active value='true'/></Patient>".encode(), XML)
    assert found == {"resourceType": "Patient", "active": True}


# XML


@pytest.mark.parametrize(
    ("xml", "says", "place"),
    [
        (f"<Patient {NS}><colour value='x'/></Patient>", "no element 'colour'", "Patient"),
        (f"<Patient {NS}><gender value='male'/><active value='true'/></Patient>", "too late", "Patient"),
        (f"<Patient {NS}><gender value='male'/><gender value='male'/></Patient>", "repeated", "Patient"),
        (
            f"<Patient {NS}><deceasedBoolean value='true'/><deceasedDateTime value='2020'/></Patient>",
            "deceased can't be repeated",
            "Patient",
        ),
        (
            f"<Patient {NS}><name/><name><given value='a' x='y'/></name></Patient>",
            "a value, or elements",
            "Patient.name[0]",
        ),
        (
            f"<Patient {NS}><name><given value='a'/><given value='a' x='y'/></name></Patient>",
            "no attribute 'x'",
            "Patient.name[0].given[1]",
        ),
        (
            f"<Patient {NS}><deceasedBoolean value='yes'/></Patient>",
            "no boolean",
            "Patient.deceased.ofType(boolean)",
        ),
        (f"<Patient {NS}><multipleBirthInteger value='1.0'/></Patient>", "no integer", "multipleBirth"),
        (f"<Patient {NS}>text</Patient>", "text stands", "Patient"),
        (f"<Patient {NS} id='x'/>", "no attributes", "Resource"),
        ("<Patient/>", "namespace", "Resource"),
        (f"<Nonsense {NS}/>", "no resource type", "Resource"),
        (f"<Patient {NS}><name xmlns='urn:x'><family value='x'/></name></Patient>", "namespace", "Patient"),
        (
            f"<Patient {NS}><contained><Basic><code value='x'/></Basic></contained></Patient>",
            "'value'",
            "Patient.contained[0].code",
        ),
        (
            f"<Patient {NS}><contained><Basic><id value='a'/></Basic><Basic/></contained></Patient>",
            "one resource",
            "Patient.contained[0]",
        ),
        (f"<Patient {NS}><active value='true'>", "no XML: no element found at line 1", ""),
        (f"<Patient {NS}><active value='&nbsp;'/></Patient>", "undefined entity at line 1, column", ""),
        ("<?xml version='1.0' encoding='EUC-KR'?><Patient/>", "encoding", "Resource"),
    ],
)
def test_xml_that_is_no_resource_is_refused_with_its_place(xml: str, says: str, place: str) -> None:
    found = fault(xml, XML)
    assert found.status == 400
    assert says in found.diagnostics
    assert "line 1, column" in found.diagnostics
    assert place in (places(found) or [""])[0]


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{i} "{"&a" + (str(i - 1) if i else "") + ";"}">' for i in range(9))
    + f"]><Patient {NS}><active value='&a8;'/></Patient>"
)


@pytest.mark.parametrize(
    "xml",
    [
        BOMB,
        f"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><Patient {NS}/>",
        f"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Patient {NS}><id value='&e;'/></Patient>",
        f"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]><Patient {NS}/>",
    ],
)
def test_entities_are_neither_expanded_nor_fetched(xml: str) -> None:
    found = fault(xml, XML)
    assert (found.status, found.code) == (400, "security")


# narratives


def narrative(div: str) -> str:
    return json.dumps({"resourceType": "Patient", "text": {"status": "generated", "div": div}})


def test_a_narrative_is_kept_to_the_letter() -> None:
    assert resource_in(narrative(DIV).encode(), JSON)["text"]["div"] == DIV
    text = f"<text><status value='generated'/>{DIV}</text>"
    assert resource_in(f"<Patient {NS}>{text}</Patient>".encode(), XML)["text"]["div"] == DIV


@pytest.mark.parametrize(
    "div",
    [
        "<div>a</div>",
        "a",
        f'{DIV}</text><active value="false"/><text>',
        DIV.replace("<p", "<script>x</script><p"),
        DIV.replace("style", "onclick"),
        DIV.replace("<br/>", "<a href=' JavaScript:x'>x</a>"),
        DIV.replace("<br/>", "<a href='java&#10;script:x'>x</a>"),
        DIV.replace("<br/>", "<br>"),
        DIV.replace("<br/>", "&nbsp;"),
        DIV.replace("<br/>", "<?php x?>"),
        DIV.replace("<br/>", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        f"<!DOCTYPE div>{DIV}",
        f"<?xml version='1.0'?>{DIV}",
    ],
)
def test_markup_that_would_say_or_do_something_else_is_refused(div: str) -> None:
    found = fault(narrative(div))
    assert (found.status, found.code) == (400, "structure")
    assert places(found) == ["Patient.text.div"]
    assert markup_fault(DIV) is None


def test_the_same_markup_is_refused_in_xml() -> None:
    for div in (DIV.replace("style", "onclick"), DIV.replace("<br/>", "<form/>")):
        found = fault(f"<Patient {NS}><text><status value='generated'/>{div}</text></Patient>", XML)
        assert places(found) == ["Patient.text.div"]
    prefixed = f"<Patient {NS} xmlns:h='http://www.w3.org/1999/xhtml'><text><h:div>a</h:div></text></Patient>"
    assert places(fault(prefixed, XML)) == ["Patient.text.div"]


# requests


class Sent:
    """A body that comes in chunks, and how much of it was taken."""

    def __init__(self, chunk: bytes, times: int) -> None:
        self.chunk, self.left, self.taken = chunk, times, 0

    async def __call__(self) -> Message:
        self.left -= 1
        self.taken += len(self.chunk)
        return {"type": "http.request", "body": self.chunk, "more_body": self.left > 0}


def posted(**headers: str) -> Request:
    return Request("POST", "Patient", "", {n.replace("_", "-"): v for n, v in headers.items()}, "r")


async def test_a_body_of_50_megabytes_is_refused_while_it_comes() -> None:
    sent = Sent(b" " * 65536, 800)
    with pytest.raises(FhirFault) as caught:
        await incoming(posted(content_type=JSON), sent, 10 * 2**20)
    assert caught.value.status == 413
    assert sent.taken <= 10 * 2**20 + 65536
    announced = Sent(b"{}", 1)
    with pytest.raises(FhirFault) as caught:
        await incoming(posted(content_type=JSON, content_length=str(50 * 2**20)), announced, 10 * 2**20)
    assert (caught.value.status, announced.taken) == (413, 0)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("content_type", "text/plain"),
        ("content_type", ""),
        ("content_type", f"{JSON}; charset=euc-kr"),
        ("content_type", f"{JSON}; fhirVersion=5.0"),
        ("content_encoding", "gzip"),
    ],
)
async def test_other_media_are_refused(header: str, value: str) -> None:
    with pytest.raises(FhirFault) as caught:
        await incoming(posted(**{"content_type": JSON, header: value}), Sent(b"{}", 1), 100)
    assert caught.value.status == 415
    assert caught.value.expression[0].startswith("http.Content-")


@pytest.mark.parametrize("media", [JSON, "Application/JSON; charset=UTF-8", f'{JSON};charset="utf-8"'])
async def test_json_media_types_are_taken(media: str) -> None:
    sent = Sent(b'{"resourceType":"Patient"}', 1)
    assert await incoming(posted(content_type=media), sent, 100) == {"resourceType": "Patient"}


def test_a_bundle_of_10_megabytes_is_read_in_seconds() -> None:
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "text": {"status": "generated", "div": DIV},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "valueQuantity": {"value": Decimal("1.10")},
    }
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": resource}] * 30_000}
    for content, media in ((dumps(bundle), JSON), (to_xml(bundle), XML)):
        assert len(content) > 8 * 2**20
        started = time.process_time()
        assert resource_in(content, media) == bundle
        assert time.process_time() - started < 15
