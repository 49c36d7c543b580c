"""$lastn: the latest observations of each code. https://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fhir_facade.bundle import searchset, url
from fhir_facade.content import Response
from fhir_facade.interactions.search_type import troubles
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.outcome import FhirFault, parameter
from fhir_facade.permitted import refuse_closed, searchable
from fhir_facade.search_request import RESULT_PARAMETERS, Options, Reader
from fhir_facade.service import Service
from mappers.engine import Page
from mappers.query import Condition, SearchQuery, Sort

Resource = dict[str, Any]
#: (system, code); or ("text", text) of a code that is only told in words
Coding = tuple[str, str]
OBSERVATION = "Observation"
#: rows a statement looks at, and the most that are answered
AT_ONCE, MOST = 200, 10_000
#: databases order by the local times that they hold: rows of other zones stand that far from their place
SLACK = timedelta(hours=26)
#: codes of one condition: a search takes no more values
MOST_CODES = 100
_NAMES_A_PATIENT = ("patient", "subject", "patient:Patient", "subject:Patient")


@dataclass(eq=False)
class Group:
    """Observations that share codings, latest first; `undated` are those that don't say when they were."""

    codings: set[Coding] = field(default_factory=set)
    dated: list[tuple[datetime, int, Resource]] = field(default_factory=list)
    undated: list[Resource] = field(default_factory=list)

    def takes(self, moment: datetime | None, most: int) -> bool:
        """Whether an observation of that moment is among the latest `most`, or as late as their last."""
        return len(self.dated) < most or (moment is not None and moment >= self.dated[most - 1][0])

    def is_full(self, moment: datetime | None, most: int) -> bool:
        """Whether nothing that comes after an observation of that moment can be taken any more."""
        dated = self.dated
        return len(dated) >= most and moment is not None and moment + SLACK < dated[most - 1][0]

    def put(self, moment: datetime | None, number: int, resource: Resource, most: int) -> None:
        """Takes an observation in at its place; what is beyond the latest goes out."""
        if moment is None:
            self.undated.append(resource)
            return
        self.dated.append((moment, -number, resource))
        self.sort(most)

    def sort(self, most: int) -> None:
        """Latest first, and of equal ones what came first; no more than `most` and what is as late."""
        self.dated.sort(key=lambda d: d[:2], reverse=True)
        if len(self.dated) > most:
            last = self.dated[most - 1][0]
            self.dated = [d for d in self.dated if d[0] >= last]

    def latest(self, most: int) -> list[Resource]:
        """The answer; what has no date only where there are too few with one."""
        return [r for _, _, r in self.dated] + (self.undated if len(self.dated) < most else [])


class Groups:
    """Sorts observations that come latest first into groups of equal codings, up to `most` a group and ties.

    What shares a coding with a group that is full is over; what shares codings with several makes them one.
    """

    def __init__(self, most: int, zone: Any) -> None:
        self.most, self.zone = most, zone
        self._of: dict[Coding, Group] = {}
        self._all: dict[Group, None] = {}
        self._count = 0

    def add(self, resource: Resource) -> datetime | None:
        """Takes an observation or leaves it; when it was."""
        moment, codings = when(resource, self.zone), set(codings_of(resource))
        groups = list(dict.fromkeys(g for c in sorted(codings) if (g := self._of.get(c))))
        if any(not g.takes(moment, self.most) for g in groups):
            return moment
        group = self._merged(groups)
        group.codings |= codings
        self._of |= dict.fromkeys(group.codings, group)
        self._count += 1
        group.put(moment, self._count, resource, self.most)
        return moment

    def _merged(self, groups: Sequence[Group]) -> Group:
        if len(groups) == 1:
            return groups[0]
        whole = Group()
        for group in groups:
            del self._all[group]
            whole.codings |= group.codings
            whole.dated += group.dated
            whole.undated += group.undated
        whole.sort(self.most)
        self._all[whole] = None
        return whole

    def full(self, moment: datetime | None) -> list[Coding]:
        """The codings of the groups to which nothing earlier than that moment can belong."""
        groups = [g for g in self._all if g.is_full(moment, self.most)]
        return sorted(c for g in groups for c in g.codings if c[0] != "text")

    def latest(self) -> list[Resource]:
        """All that is answered, group by group."""
        return [r for g in self._all for r in g.latest(self.most)]


def when(resource: Mapping[str, Any], zone: Any) -> datetime | None:
    """When an observation was made; None where it doesn't say."""
    period = resource.get("effectivePeriod") or {}
    stated = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    text = stated or period.get("start") or period.get("end")
    if not text:
        return None
    whole = text if len(text) > 7 else f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"
    moment = datetime.fromisoformat(re.sub(r":60(?=[.Z+-])", ":59", whole))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def codings_of(resource: Mapping[str, Any]) -> Iterator[Coding]:
    """What an observation is equal to others by: any of its codings, else its text."""
    code = resource.get("code") or {}
    coded = [(c.get("system", ""), c["code"]) for c in code.get("coding", ()) if c.get("code")]
    yield from coded or [("text", code.get("text", ""))]


async def lastn(service: Service, call: Invocation) -> Response:
    """A searchset of the latest `max` observations of each code, with all that are as late as the last.

    Groups are read latest first; a group that is full is left out of the next statement.
    """
    most, asked = call.parameters.one("max", 1), _conditions(service, call)
    groups, whole, without = Groups(most, service.site.tz), Page(), list[Condition]()
    while True:
        query = SearchQuery(OBSERVATION, (*asked, *without), (Sort("date", descending=True),))
        page = await service.searching.page(query, AT_ONCE, whole.after, strict=call.request.states_strict)
        dated = [m for r in page.matches if isinstance(r, dict) and (m := groups.add(r))]
        whole.matches += [m for m in page.matches if not isinstance(m, dict)]
        whole.down, whole.lacking, whole.after = page.down, page.lacking, page.after
        if whole.after is None:
            break
        _refuse_too_many(groups)
        without = _without(service, groups.full(dated[-1] if dated else None))
    return _answer(service, call, groups.latest(), whole)


def _answer(service: Service, call: Invocation, found: list[Resource], whole: Page) -> Response:
    stated = [("max", str(m)) for m in call.parameters.all("max")]
    links = [("self", url(service.base, call.path, [*call.search, *stated]))]
    total = None if whole.down or whole.matches else len(found)
    return Response(searchset(service.base, found, [], troubles(whole), links, total), served=found)


def _refuse_too_many(groups: Groups) -> None:
    if len(groups.latest()) > MOST:
        raise FhirFault(400, "too-costly", f"more than {MOST} observations are the latest: narrow it")


def _conditions(service: Service, call: Invocation) -> list[Condition]:
    """The search's conditions; raises 400 where no patient is named, or for what shapes a search's result."""
    for name, _ in call.search:
        if name.partition(":")[0] in RESULT_PARAMETERS:
            raise parameter(name, f"$lastn takes max and search parameters, not {name[:40]}", "not-supported")
    if not any(name in _NAMES_A_PATIENT for name, _ in call.search):
        raise parameter("patient", "$lastn needs patient or subject: whose observations", "required")
    searchable(service, [OBSERVATION], stated=True)
    lenient = call.request.handling == "lenient"
    asked = Reader(service.parser(), [OBSERVATION], Options(), lenient).read(call.search)
    refuse_closed(service, asked)
    return [by_type[OBSERVATION] for by_type in asked.conditions]


def _without(service: Service, codings: Sequence[Coding]) -> list[Condition]:
    """That a code is none of these."""
    parser = service.parser()
    texts = [f"{_escaped(system)}|{_escaped(code)}" for system, code in codings]
    parts = [texts[i : i + MOST_CODES] for i in range(0, len(texts), MOST_CODES)]
    return [parser.condition(OBSERVATION, "code:not", ",".join(part)) for part in parts]


def _escaped(text: str) -> str:
    return re.sub(r"([,|$\\])", r"\\\1", text)


LASTN = Operation(
    name="lastn",
    definition="http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    documentation=(
        "The latest observations of each code (codes are equal if any coding is), and all as late as "
        "the last of them. Needs patient or subject."
    ),
    levels=frozenset({"type"}),
    types=frozenset({OBSERVATION}),
    searches=True,
    parameters=(
        Parameter("max", "positiveInt", "how many of each code; 1 if not stated"),
        Parameter("return", "Bundle", "a searchset of the observations, group by group", min=1, use="out"),
    ),
    run=lastn,
    cost=8,
)
