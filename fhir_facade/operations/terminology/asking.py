"""What the terminology operations share: who may ask, resources that are sent, codes as they are stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from fhir_facade.interactions.read import found
from fhir_facade.operations.operation import Arguments, Invocation
from fhir_facade.outcome import FhirFault, Issue, parameter
from fhir_facade.service import Service, refused
from mappers.terminology_sources import asked
from mappers.validation import validate
from terminology.service.source import Resolver, Resource, TerminologyFault
from terminology.service.validate import Asked

T = TypeVar("T")
#: codings that are asked about at once
MOST_CODINGS = 100


async def answered(
    service: Service, call: Invocation, question: Callable[[Resolver], T], given: Sequence[Resource] = ()
) -> T:
    """The answer to a question; 403 where the type is closed to the caller, else its own faults."""
    assert call.resource_type
    if not service.may_read.opens(call.resource_type):
        raise refused(call.resource_type, "read")
    try:
        return await asked(service.reading, question, given)
    except TerminologyFault as fault:
        raise FhirFault(fault.status, fault.code, str(fault)) from None


async def addressed(service: Service, call: Invocation, sent: str) -> Resource | None:
    """The resource of the address, or that which was sent as the parameter `sent`; None for neither."""
    if call.id is not None:
        assert call.resource_type
        return await found(service, call.resource_type, call.id, strict=call.request.states_strict)
    resource: Resource | None = call.parameters.one(sent)
    return checked(resource) if resource is not None else None


def checked(resource: Resource) -> Resource:
    """A resource that was sent; raises FhirFault 400 with what is wrong with it."""
    wrong = [one for one in validate(resource) if one.severity in ("fatal", "error")]
    if wrong:
        told = [Issue(one.code, one.diagnostics, expression=(one.expression,)) for one in wrong]
        first = told[0]
        raise FhirFault(400, first.code, first.diagnostics, first.expression, more=tuple(told[1:]))
    return resource


def stated_codes(arguments: Arguments, system: str = "", *, of_set: bool = False) -> list[Asked]:
    """The codes that are asked about: `code`, `coding` or `codeableConcept`, of which one must be stated.

    `of_set`: a bare code may do without a system (a value set has but one of it, mostly).
    """
    stated = [name for name in ("code", "coding", "codeableConcept") if name in arguments]
    if len(stated) != 1:
        raise parameter("code", "state one of code, coding and codeableConcept", "required")
    codings = list(_codings(arguments, stated[0], system))
    if len(codings) > MOST_CODINGS:
        raise parameter(stated[0], f"a concept may have {MOST_CODINGS} codings here", "too-costly")
    if not of_set and any(not one["system"] for one in codings):
        raise parameter("system", "a code has a system", "required")
    return [
        Asked(
            one["code"],
            one["system"],
            one.get("version", ""),
            one.get("display", ""),
            arguments.one("displayLanguage", ""),
            arguments.one("abstract"),
        )
        for one in codings
    ]


def _codings(arguments: Arguments, name: str, system: str) -> Iterator[dict[str, Any]]:
    if name == "code":
        told = {"code": arguments.one("code"), "system": system or arguments.one("system", "")}
        version = arguments.one("version") or arguments.one("systemVersion")
        yield told | {"version": version or "", "display": arguments.one("display", "")}
        return
    value = arguments.one(name)
    for coding in value.get("coding", ()) if name == "codeableConcept" else (value,):
        if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
            raise parameter(name, "a coding has a code", "required")
        texts = {key: coding.get(key, "") for key in ("code", "system", "version", "display")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise parameter(name, "a coding's system, version, code and display are texts", "structure")
        yield texts | {"system": texts["system"] or system}
