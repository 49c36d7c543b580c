"""Without `_sort`, a search by date comes in the order of the index that serves it, page by page and each
match once; where none serves, or the order could move, by key.
"""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from mappers.engine import Engine, Page
from mappers.index_order import Indexes
from mappers.outage import Without
from mappers.parse import Parser
from mappers.plans import Position
from mappers.query import UNRESTRICTED, Access, AllOf, AnyOf, SearchQuery, Sort
from terminology.systems import LOINC
from tests.facade.facade import Facade, ids, link

#: what doctor advises, and one that OpenEMR has
SERVED: Indexes = {
    ("cdss_db", "lis_labresult"): [
        ("test_code", "resulted_at"),
        ("resulted_at",),
        ("patient_id", "resulted_at"),
        ("updated_at",),
    ],
    ("openemr", "openemr_postcalendar_events"): [("pc_eventdate",)],
}
DATES = (("date", "ge2000-01-01"), ("date", "lt2100-01-01"))
CODES = ("code", f"{LOINC}|2345-7,{LOINC}|2951-2,{LOINC}|2160-0")
GLUCOSE = ("code", f"{LOINC}|2345-7")
BY_CODE = ("test_code", "resulted_at")
LABORATORY = ("category", "laboratory")
Pairs = Sequence[tuple[str, str]]
IN_ORDER = [
    pytest.param("Observation", (CODES, *DATES), BY_CODE, id="a master's codes"),
    pytest.param("Observation", (GLUCOSE, ("date", "ne2020")), BY_CODE, id="but a year"),
    pytest.param("Observation", (LABORATORY, *DATES), ("resulted_at",), id="date alone"),
    pytest.param("Appointment", (("date", "ge2000-01-01"),), ("pc_eventDate",), id="OpenEMR's"),
]
BY_KEY = [
    pytest.param((CODES,), id="no date"),
    pytest.param((CODES, ("_lastUpdated", "ge2000-01-01")), id="a time that every change moves"),
    pytest.param((("code", f"{LOINC}|"), LABORATORY, *DATES), id="whoever knows how many codes"),
    pytest.param((("patient", "Patient/P-2025-000001"), *DATES), id="one patient's"),
    pytest.param((("encounter.status", "finished"), *DATES), id="what others lead to"),
    pytest.param((CODES, ("date:missing", "true")), id="no time"),
]


def served(facade: Facade, indexes: Indexes | None = SERVED) -> Engine:
    """The application's engine, had the databases those indexes."""
    engine = facade.service.engine
    return Engine(engine.mappings, engine.database, engine.site, indexes=indexes)


def unserved(facade: Facade) -> Engine:
    """The same where no index is known."""
    return served(facade, None)


def _query(engine: Engine, resource_type: str, pairs: Pairs, *sort: Sort) -> SearchQuery:
    parser = Parser(engine.mappings, engine.site)
    return SearchQuery(resource_type, tuple(parser.condition(resource_type, *p) for p in pairs), sort)


def _alone(engine: Engine, query: SearchQuery, number: int) -> Without:
    """Everything but one source, as it is asked in its turn."""
    readers = engine.plans.plan(query, None, UNRESTRICTED, by_post=False).readers
    return Without(frozenset(readers.keys() - {number}))


def _ids(page: Page) -> list[str]:
    return [m["id"] for m in page.each() if isinstance(m, dict)]


async def _paged(engine: Engine, query: SearchQuery, count: int, after: Position | None = None) -> list[str]:
    page = await engine.page(query, count, after)
    found = _ids(page)
    while page.after is not None:
        assert page.found == count
        page = await engine.page(query, count, page.after)
        found += _ids(page)
    return found


@pytest.mark.parametrize("count", [1, 3, 50])
@pytest.mark.parametrize(("resource_type", "pairs", "by"), IN_ORDER)
async def test_each_match_comes_once(
    facade: Facade, resource_type: str, pairs: Pairs, by: tuple[str, ...], count: int
) -> None:
    engine, plain = served(facade), unserved(facade)
    query = _query(engine, resource_type, pairs)
    first = await engine.page(query, 1)
    assert first.after is not None
    assert first.after.by == by
    found, by_key = await _paged(engine, query, count), await _paged(plain, query, 1000)
    assert len(found) > 3
    assert sorted(found) == sorted(by_key)


async def test_the_order_is_the_indexs(facade: Facade) -> None:
    engine = served(facade)
    page = await engine.page(_query(engine, "Observation", (CODES, *DATES)), 1000)
    told = [
        (m["code"]["coding"][-1]["code"], m["effectiveDateTime"], int(m["id"].removeprefix("lab-")))
        for m in page.each()
        if isinstance(m, dict) and m["id"].startswith("lab-") and m["code"]["coding"][-1]["code"] != "glu"
    ]
    assert len({code for code, _, _ in told}) == 3
    assert all(one < other for one, other in pairwise(told))
    assert [i for _, _, i in told] != sorted(i for _, _, i in told)


@pytest.mark.parametrize("gone", [True, False], ids=["index is gone", "index came"])
@pytest.mark.parametrize(("resource_type", "pairs", "by"), IN_ORDER)
async def test_a_page_goes_on_in_the_order_it_was_begun_in(
    facade: Facade, resource_type: str, pairs: Pairs, by: tuple[str, ...], gone: bool
) -> None:
    engines = served(facade), unserved(facade)
    first, then = engines if gone else engines[::-1]
    query = _query(first, resource_type, pairs)
    page = await first.page(query, 2)
    assert page.after is not None
    assert page.after.by == (by if gone else ())
    assert [*_ids(page), *await _paged(then, query, 2, page.after)] == await _paged(first, query, 1000)


@pytest.mark.parametrize("pairs", BY_KEY)
def test_by_key(embedded: Facade, pairs: Pairs) -> None:
    engine = served(embedded)
    query = _query(engine, "Observation", pairs)
    [first, *_] = engine.plans.plan(query, None, UNRESTRICTED, by_post=False).readers
    assert engine.plans.plan(query, None, UNRESTRICTED, False, _alone(engine, query, first)).by == ()


@pytest.mark.parametrize("within", [AnyOf, AllOf])
def test_who_may_see_few_rows_sees_them_by_key(embedded: Facade, within: type[AnyOf | AllOf]) -> None:
    engine = served(embedded)
    query, own = (
        _query(engine, "Observation", pairs) for pairs in ([CODES, *DATES], [("patient", "P-2025-000001")])
    )
    for access, by in (
        (Access({"Observation": (AllOf((within(own.where),)),)}), ()),
        (UNRESTRICTED, BY_CODE),
    ):
        plan = engine.plans.plan(query, None, access, False, _alone(engine, query, 0))
        assert (plan.by, bool(plan.statement)) == (by, True)


def test_an_order_that_is_asked_for_is_the_searchs(embedded: Facade) -> None:
    engine = served(embedded)
    query = _query(engine, "Observation", (CODES, *DATES), Sort("date", descending=True))
    plan = engine.plans.plan(query, None, UNRESTRICTED, by_post=False)
    assert (plan.by, plan.ordered) == ((), True)


async def test_what_is_read_lazily_comes_by_key(facade: Facade) -> None:
    """An export must tell each once, whatever becomes of their dates meanwhile."""
    engine, plain = served(facade), unserved(facade)
    query = _query(engine, "Observation", (CODES, *DATES))
    assert _ids(await engine.lazily().page(query, 20)) == _ids(await plain.page(query, 20))


async def test_a_client_follows_the_links(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facade.service.engine.plans, "indexes", SERVED)
    asked = "&".join(f"{name}={value}" for name, value in (LABORATORY, CODES, *DATES))
    page = await facade.bundle(f"Observation?{asked}&_count=3")
    found, pages = ids(page), 1
    while following := link(page, "next"):
        page = await facade.bundle(following)
        found, pages = [*found, *ids(page)], pages + 1
    laboratory = [int(one.rpartition("-")[2]) for one in found if "/lab-" in one]
    assert pages > 3
    assert laboratory != sorted(laboratory)
    assert sorted(found) == sorted(ids(await facade.bundle(f"Observation?{asked}&_sort=_id&_count=500")))
