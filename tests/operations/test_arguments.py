"""Parameters come typed, from an address or a body; what can't be taken is refused by its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_facade.content import Response
from fhir_facade.operations.arguments import arguments, told
from fhir_facade.operations.operation import Arguments, Invocation, Operation, Parameter
from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service


async def nothing(service: Service, call: Invocation) -> Response:
    """An operation that does nothing."""
    return Response(None, 204)


def operation(*parameters: Parameter, searches: bool = False) -> Operation:
    return Operation(
        name="try",
        definition="http://example.org/try",
        documentation="",
        levels=frozenset({"system"}),
        parameters=parameters,
        searches=searches,
        run=nothing,
    )


ALL = operation(
    Parameter("resource", "Resource"),
    Parameter("flag", "boolean"),
    Parameter("count", "positiveInt", max="3"),
    Parameter("since", "instant"),
    Parameter("day", "date"),
    Parameter("amount", "decimal"),
    Parameter("types", "code", max="*"),
    Parameter("coding", "Coding"),
    Parameter("item", "", parts=(Parameter("name", "code", min=1), Parameter("of", "Quantity"))),
    Parameter("return", "Resource", use="out"),
)


def body(*entries: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(entries)}


def test_addresses_are_typed() -> None:
    pairs = [
        ("flag", "true"),
        ("count", "2"),
        ("count", "7"),
        ("amount", "1.10"),
        ("types", "a"),
        ("_pretty", "x"),
    ]
    found, search = arguments(ALL, pairs, None)
    assert dict(found.values) == {
        "flag": (True,),
        "count": (2, 7),
        "amount": (Decimal("1.10"),),
        "types": ("a",),
    }
    assert (found.one("flag"), found.one("day", "none"), "day" in found, search) == (True, "none", False, ())


def test_bodies_are_typed_and_add_to_the_address() -> None:
    patient, coding = {"resourceType": "Patient"}, {"system": "s", "code": "c"}
    quantity = {"value": Decimal("1.0")}
    part = [{"name": "name", "valueCode": "n"}, {"name": "of", "valueQuantity": quantity}]
    found, _ = arguments(
        ALL,
        [("types", "a")],
        body(
            {"name": "resource", "resource": patient},
            {"name": "types", "valueString": "b"},
            {"name": "count", "valueInteger": 3},
            {"name": "coding", "valueCoding": coding},
            {"name": "item", "part": part},
        ),
    )
    assert found.all("types") == ("a", "b")
    assert (found.one("resource"), found.one("count"), found.one("coding")) == (patient, 3, coding)
    assert found.one("item") == Arguments({"name": ("n",), "of": (quantity,)})


def test_a_bare_resource_is_the_one_resource_parameter() -> None:
    patient = {"resourceType": "Patient"}
    found, _ = arguments(ALL, [("flag", "false")], patient)
    assert (found.one("resource"), found.one("flag")) == (patient, False)
    typed = operation(Parameter("valueSet", "ValueSet"))
    with pytest.raises(FhirFault) as caught:
        arguments(typed, [], patient)
    assert (caught.value.status, caught.value.expression) == (400, ("Patient",))


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (("flag", "yes"), "boolean"),
        (("flag", ""), "boolean"),
        (("count", "0"), "positiveInt"),
        (("count", "1.0"), "positiveInt"),
        (("since", "2025-01-01"), "instant"),
        (("day", "2025-13-01"), "date"),
        (("amount", "1,0"), "decimal"),
        (("amount", "9" * 400), "decimal"),
        (("types", " a"), "code"),
        (("coding", "s|c"), "by POST"),
        (("item", "x"), "made of parts"),
        (("return", "x"), "valid: resource, flag, count"),
    ],
)
def test_what_an_address_can_t_say_is_refused(pair: tuple[str, str], says: str) -> None:
    with pytest.raises(FhirFault) as caught:
        arguments(ALL, [pair], None)
    assert caught.value.status == 400
    assert says in caught.value.diagnostics
    assert caught.value.expression == (f"http.{pair[0]}",)


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("x", "Parameters.parameter[0].name"),
        ({"valueCode": "x"}, "Parameters.parameter[0].name"),
        ({"name": "nothing", "valueCode": "x"}, "Parameters.parameter[0]"),
        ({"name": "flag", "valueString": "true"}, "Parameters.parameter[0]"),
        ({"name": "flag", "valueBoolean": "true"}, "Parameters.parameter[0]"),
        ({"name": "count", "valuePositiveInt": 0}, "Parameters.parameter[0]"),
        ({"name": "count", "valueInteger": True}, "Parameters.parameter[0]"),
        ({"name": "day", "valueDate": "yesterday"}, "Parameters.parameter[0]"),
        ({"name": "coding", "valueCode": "x"}, "Parameters.parameter[0]"),
        ({"name": "coding", "valueQuantity": {}}, "Parameters.parameter[0]"),
        ({"name": "resource", "resource": {"id": "x"}}, "Parameters.parameter[0]"),
        ({"name": "resource", "valueString": "x"}, "Parameters.parameter[0]"),
        ({"name": "item", "part": [{"name": "x", "valueCode": "x"}]}, "Parameters.parameter[0].part[0]"),
        ({"name": "item", "part": []}, "Parameters.parameter[0].part.name"),
        ({"name": "item", "part": {}}, "Parameters.parameter[0].part"),
    ],
)
def test_what_a_body_says_wrongly_is_refused_by_its_place(entry: Any, place: str) -> None:
    with pytest.raises(FhirFault) as caught:
        arguments(ALL, [], body(entry))
    assert (caught.value.status, caught.value.expression) == (400, (place,))


def test_how_often_a_parameter_stands_is_counted_over_address_and_body() -> None:
    more = body({"name": "flag", "valueBoolean": True})
    with pytest.raises(FhirFault) as caught:
        arguments(ALL, [("flag", "true")], more)
    assert caught.value.expression == ("http.flag",)
    with pytest.raises(FhirFault) as caught:
        arguments(operation(Parameter("code", "code", min=1)), [], None)
    assert (caught.value.status, caught.value.code) == (400, "required")


def test_search_parameters_are_passed_on_where_an_operation_takes_them() -> None:
    entries = [
        {"name": "patient", "valueReference": {"reference": "Patient/x"}},
        {"name": "code", "valueCoding": {"system": "s", "code": "c"}},
        {"name": "status", "valueCode": "final"},
        {"name": "max", "valuePositiveInt": 2},
    ]
    taking = operation(Parameter("max", "positiveInt"), searches=True)
    found, search = arguments(taking, [("date", "2025")], body(*entries))
    assert found.one("max") == 2
    assert search == (("date", "2025"), ("patient", "Patient/x"), ("code", "s|c"), ("status", "final"))
    assert list(told(body(*entries))) == [*search[1:], ("max", "2")]
