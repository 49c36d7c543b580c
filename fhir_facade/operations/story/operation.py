"""`$story` of an order, and of a patient's orders, the latest first.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhir_facade.bundle import url
from fhir_facade.content import Response
from fhir_facade.imaging.away import archive_away
from fhir_facade.interactions.read import found, refuse_no_id
from fhir_facade.interactions.search_type import troubles
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.operations.story.answer import bundle, told
from fhir_facade.operations.story.chain import story
from fhir_facade.operations.story.gather import gather
from fhir_facade.operations.story.steps import Resource
from fhir_facade.outcome import Issue, parameter
from fhir_facade.paging import Cursor
from fhir_facade.permitted import searchable
from fhir_facade.search_request import Options, Reader, SearchRequest
from fhir_facade.service import Service
from mappers.engine import Page
from mappers.plans import Position
from mappers.query import Sort

ORDER = "ServiceRequest"
DEFAULT_COUNT, MOST = 20, 100
LATEST_FIRST = (Sort("authored", descending=True),)
#: what of a patient's orders is told of: searches of ServiceRequest, with its parameters
FILTERS = (
    Parameter("authored", "string", "when it was ordered, as a search of ServiceRequest has it", max="*"),
    Parameter(
        "category", "string", "what kind of order it is, as a search of ServiceRequest has it", max="*"
    ),
    Parameter("status", "string", "the order's status, as a search of ServiceRequest has it", max="*"),
    Parameter("_count", "positiveInt", f"stories a page: {DEFAULT_COUNT} if not stated, {MOST} at most"),
)
RETURNED = Parameter(
    "return",
    "Bundle",
    "a searchset: one Parameters a story, then every resource that these name, each once, then an "
    "OperationOutcome where a source can't be asked",
    min=1,
    use="out",
)


async def story_of_order(service: Service, call: Invocation) -> Response:
    """What became of one order; 404 where there is none that the caller may see."""
    id_text, strict = call.id or "", call.request.states_strict
    refuse_no_id(ORDER, id_text)
    order = await found(service, ORDER, id_text, strict=strict)
    return await _answered(service, call, [order], [], [("self", url(service.base, call.path, ()))])


async def story_of_patient(service: Service, call: Invocation) -> Response:
    """What became of a patient's orders, a page of them; 404 where there is no such patient for the caller.

    Who may not read patients isn't told whether there is one: the orders are those that may be seen.
    """
    id_text, strict = call.id or "", call.request.states_strict
    refuse_no_id("Patient", id_text)
    searchable(service, [ORDER], stated=True)
    if service.may_read.opens("Patient"):
        await found(service, "Patient", id_text, strict=strict)
    stated, after = _asked(service, call)
    options = Options(DEFAULT_COUNT, MOST)
    reader = Reader(service.parser(), [ORDER], options, call.request.handling == "lenient")
    asked = reader.read(stated)
    whose = service.parser().condition(ORDER, "patient", f"Patient/{id_text}")
    query = replace(reader.query(asked, ORDER, whose), sort=LATEST_FIRST)
    page = await service.searching.page(query, asked.count, after, strict=strict)
    orders = [m for m in page.matches if isinstance(m, dict)]
    links = _links(service, call, asked, page)
    return await _answered(service, call, orders, [*asked.issues, *troubles(page)], links)


def _asked(service: Service, call: Invocation) -> tuple[Sequence[tuple[str, str]], Position | None]:
    """The parameters of the search for orders, and where its page begins."""
    text = next((v for n, v in call.request.parameters if n == "_cursor"), None)
    if text is None:
        return [(p.name, str(v)) for p in FILTERS for v in call.parameters.all(p.name)], None
    cursor = service.cursors.open(text, service.binding)
    if cursor.path != call.path:
        raise parameter("_cursor", "this page link belongs to another story")
    return cursor.parameters, cursor.position


def _links(service: Service, call: Invocation, asked: SearchRequest, page: Page) -> Sequence[tuple[str, str]]:
    links = [("self", url(service.base, call.path, asked.used))]
    if page.after is not None:
        cursor = Cursor(call.path, tuple(asked.used), ORDER, page.after)
        sealed = service.cursors.seal(cursor, service.binding)
        links.append(("next", url(service.base, call.path, [("_cursor", sealed)])))
    return links


async def _answered(
    service: Service,
    call: Invocation,
    orders: Sequence[Resource],
    issues: Sequence[Issue],
    links: Sequence[tuple[str, str]],
) -> Response:
    gathered = await gather(service, orders, strict=call.request.states_strict)
    stories = [story(gathered, order) for order in orders]
    resources = told(stories)
    issues = [*issues, *gathered.issues, *archive_away(service, resources)]
    return Response(bundle(service.base, stories, issues, links), served=resources)


STORY_OF_ORDER = Operation(
    name="story",
    definition="OperationDefinition/ServiceRequest-story",
    documentation="How an order goes on: specimens and results, study, report, AI report, sign-off; each hop "
    "is found, missing, withheld, or its source is down.",
    levels=frozenset({"instance"}),
    types=frozenset({ORDER}),
    parameters=(RETURNED,),
    run=story_of_order,
    cost=10,
)
STORY_OF_PATIENT = Operation(
    name="story",
    definition="OperationDefinition/Patient-story",
    documentation="The stories of a patient's orders, the latest first, page by page.",
    levels=frozenset({"instance"}),
    types=frozenset({"Patient"}),
    parameters=(*FILTERS, RETURNED),
    run=story_of_patient,
    cost=20,
)
