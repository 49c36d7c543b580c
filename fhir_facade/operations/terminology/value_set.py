"""$expand and $validate-code of ValueSet. https://hl7.org/fhir/R4/valueset-operations.html"""

from __future__ import annotations

from fhir_facade.content import Response
from fhir_facade.operations.operation import Arguments, Invocation, Operation, Parameter
from fhir_facade.operations.terminology.asking import addressed, answered, stated_codes
from fhir_facade.operations.terminology.code_system import CHECKED, DEFINITION, LANGUAGE
from fhir_facade.outcome import parameter
from fhir_facade.service import Service
from terminology.service.expand import Wanted, expand
from terminology.service.source import Resolver, Resource, TerminologyFault
from terminology.service.validate import Asked, Verdict, in_value_set, one_of


async def _expand(service: Service, call: Invocation) -> Response:
    """The value set with its codes; 422 where they can't be listed or are too many."""
    sent, wanted = await addressed(service, call, "valueSet"), _wanted(call.parameters)

    def question(resolver: Resolver) -> Resource:
        return expand(resolver, sent or _of_url(resolver, call.parameters), wanted)

    expansion = await answered(service, call, question, [sent] if sent else [])
    return Response(expansion, served=_served(call, sent))


async def _validate_code(service: Service, call: Invocation) -> Response:
    """Parameters: whether the code is in the value set, why not, and its display."""
    sent = await addressed(service, call, "valueSet")
    codes = stated_codes(call.parameters, of_set=True)

    def question(resolver: Resolver) -> Verdict:
        value_set = sent or _of_url(resolver, call.parameters)

        def judge(code: Asked) -> Verdict:
            return in_value_set(resolver, value_set, code)

        return one_of(codes, judge)

    verdict = await answered(service, call, question, [sent] if sent else [])
    return Response(verdict.parameters(), served=_served(call, sent))


def _served(call: Invocation, sent: Resource | None) -> tuple[Resource, ...]:
    """What was read for the answer, for the record of accesses."""
    return (sent,) if sent is not None and call.id is not None else ()


def _of_url(resolver: Resolver, given: Arguments) -> Resource:
    """The value set that is named; raises TerminologyFault (404)."""
    url = given.one("url", "")
    if not url:
        raise TerminologyFault("required", "state the value set: by its id, url or valueSet", 400)
    found = resolver.value_set(url, given.one("valueSetVersion", ""))
    if found is None:
        raise TerminologyFault("not-found", f"there is no value set {url[:200]} here", 404)
    return found


def _wanted(given: Arguments) -> Wanted:
    offset, count = given.one("offset", 0), given.one("count")
    if offset < 0 or (count is not None and count < 0):
        raise parameter("offset" if offset < 0 else "count", "offset and count are 0 or more")
    return Wanted(
        given.one("filter", ""),
        offset,
        count,
        given.one("activeOnly", False),
        given.one("includeDesignations", False),
        given.one("includeDefinition", False),
        given.one("displayLanguage", ""),
    )


_URL = Parameter("url", "uri", "the value set; implicit ones (`<system>?vs`) too")
_SENT = Parameter("valueSet", "ValueSet", "the value set itself, instead of its url")
_VERSION = Parameter("valueSetVersion", "string", "the version of the value set")

EXPAND = Operation(
    name="expand",
    definition=f"{DEFINITION}ValueSet-expand",
    documentation="The codes of a value set, as a flat list, by pages and by words of their displays. What "
    "can't be listed (systems without end, or that are not here) is refused, never empty.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({"ValueSet"}),
    parameters=(
        _URL,
        _SENT,
        _VERSION,
        Parameter("filter", "string", "words that a display has, or a code begins with"),
        Parameter("offset", "integer", "how many codes to leave out first"),
        Parameter("count", "integer", "how many codes to tell; 0 counts only"),
        Parameter("activeOnly", "boolean", "true: without codes that are retired or inactive"),
        Parameter("includeDesignations", "boolean", "true: with names in other languages"),
        Parameter("includeDefinition", "boolean", "true: with what defines the value set"),
        Parameter("excludeNested", "boolean", "codes are never nested here"),
        LANGUAGE,
        Parameter("return", "ValueSet", "the value set with its expansion", min=1, use="out"),
    ),
    run=_expand,
)

VALIDATE_CODE = Operation(
    name="validate-code",
    definition=f"{DEFINITION}ValueSet-validate-code",
    documentation="Whether a code is in a value set, and its display right; also of sets that nobody can "
    "list, as far as it can be told.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({"ValueSet"}),
    parameters=(
        _URL,
        _SENT,
        _VERSION,
        Parameter("code", "code", "the code"),
        Parameter("system", "uri", "its code system; needed where the value set has the code of several"),
        Parameter("systemVersion", "string", "the version of the code system"),
        Parameter("display", "string", "a display to be checked"),
        *CHECKED,
    ),
    run=_validate_code,
    cost=1,
)
