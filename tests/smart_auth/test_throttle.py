"""How much a caller may ask: counted in memory and in a real Redis alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, settings_of
from tests.http.outcomes import refused
from tests.interactions.client import Client, basic, entry
from tests.interactions.conftest import emptied
from tests.services.redis import redis_server
from tests.smart_auth.badges import Badges, user

ANONYMOUS, CALLER = 5, 40


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis."""
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest_asyncio.fixture(params=["memory", "redis", "a Redis that is gone"])
async def counting(
    request: pytest.FixtureRequest, embedded_data: Path, badges: Badges
) -> AsyncIterator[Facade]:
    """A facade that lets little through, with nothing counted yet."""
    addresses = {"memory": "", "a Redis that is gone": "redis://127.0.0.1:1/0"}
    address = addresses[request.param] if request.param in addresses else request.getfixturevalue("redis")
    settings = settings_of(
        embedded_data,
        enable_security=True,
        redis_url=address,
        rate_limit_anonymous=ANONYMOUS,
        rate_limit_caller=CALLER,
    )
    facade = Facade(settings, badges)
    yield facade
    await facade.close()


async def test_the_anonymous_are_counted_by_address(counting: Facade) -> None:
    answers = [await counting.get("metadata") for _ in range(2)]
    answers += [await counting.get("Patient", authorization="Bearer wrong") for _ in range(2)]
    answers += [await counting.get("Patient") for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 401, 401, 401, 429, 429]
    refused = answers[-1]
    assert refused.json()["issue"][0]["code"] == "throttled"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit"].startswith('"anonymous";r=0;t=')


IN_MEMORY = pytest.mark.parametrize("counting", ["memory"], indirect=True)


@IN_MEMORY
async def test_what_is_refused_before_anybody_is_known_is_counted_too(counting: Facade) -> None:
    """Each of them is in the audit trail, which nobody unknown may fill."""
    answers = [await counting.get("Patient?_format=word") for _ in range(2)]
    answers += [await counting.get("Patient?name=%ff") for _ in range(2)]
    answers += [await counting.get("Patient", host="elsewhere.example") for _ in range(2)]
    assert [a.status_code for a in answers] == [406, 406, 400, 400, 421, 429]
    assert answers[0].headers["ratelimit"].startswith('"anonymous";r=4;t=')
    assert answers[-1].headers["ratelimit"].startswith('"anonymous";r=0;t=')


@IN_MEMORY
async def test_what_is_refused_before_it_is_weighed_costs_its_caller_one(
    counting: Facade, badges: Badges
) -> None:
    token = badges.badge("user/*.rs", user("doctor"))
    for spent, path in enumerate(("Patient/$nothing", "$nothing", "Patient/_search"), 1):
        answer = await counting.post(path, "a=%ff", authorization=token)
        assert answer.status_code in (400, 404)
        assert answer.headers["ratelimit"].startswith(f'"caller";r={CALLER - spent};t=')


@IN_MEMORY
async def test_entries_that_are_refused_before_they_are_weighed_cost_one_each(
    counting: Facade, badges: Badges
) -> None:
    client = Client(counting, authorization=badges.badge("user/*.rs", user("doctor")))
    answer = await client.bundle("batch", *[entry("GET", "Patient/$nothing") for _ in range(7)])
    assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["404"] * 7
    left = CALLER - 2 - 7 - 1
    assert (
        (await client.get("Patient/P-2025-000001")).headers["ratelimit"].startswith(f'"caller";r={left};t=')
    )


@IN_MEMORY
async def test_a_new_token_of_the_same_sign_in_or_service_begins_no_new_count(
    counting: Facade, badges: Badges
) -> None:
    one, renewed, service, again = (
        badges.badge("user/*.rs system/*.rs", h) for h in (*[user("doctor")] * 2, None, None)
    )
    for token in (one, renewed):
        badges.holders[token] = replace(badges.holders[token], grant="one-sign-in")
    for spent, token in enumerate((one, renewed, one), 1):
        answer = await counting.get("Patient/P-2025-000001", authorization=token)
        assert answer.headers["ratelimit"].startswith(f'"caller";r={CALLER - spent};t=')
    for spent, token in enumerate((service, again), 1):
        answer = await counting.get("Patient/P-2025-000001", authorization=token)
        assert answer.headers["ratelimit"].startswith(f'"caller";r={CALLER - spent};t=')


async def test_each_sign_in_has_its_own_count(counting: Facade, badges: Badges) -> None:
    one, other = (badges.badge("user/*.rs", user("doctor")) for _ in range(2))
    for spent in range(1, CALLER + 1):
        answer = await counting.get("Patient/P-2025-000001", authorization=one)
        assert answer.status_code == 200
        assert answer.headers["ratelimit"].startswith(f'"caller";r={CALLER - spent};t=')
        assert answer.headers["ratelimit-policy"] == f'"caller";q={CALLER};w=60'
    assert (await counting.get("Patient/P-2025-000001", authorization=one)).status_code == 429
    assert (await counting.get("Patient/P-2025-000001", authorization=other)).status_code == 200


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("Patient/P-2025-000001", 1),
        ("Patient?_id=P-2025-000001", 2),
        ("Patient?_id=P-2025-000001&_revinclude=Encounter:patient&_include=Patient:general-practitioner", 8),
        ("Observation?patient.name=x&_count=1", 4),
        ("Patient?_has:Observation:patient:code=x", 6),
        ("Observation?_count=1&_total=accurate&_sort=date", 5),
    ],
)
async def test_a_search_costs_what_it_asks_for(path: str, cost: int, guarded: Facade, badges: Badges) -> None:
    token = badges.badge("user/*.rs", user("doctor"))
    answer = await guarded.get(path, authorization=token)
    assert answer.status_code == 200, answer.text
    limit = guarded.settings.rate_limit_caller
    assert answer.headers["ratelimit"].startswith(f'"caller";r={limit - cost};t=')


async def test_what_a_transaction_writes_is_counted_too(guarded: Facade, badges: Badges) -> None:
    """A batch's entries are requests of their own; these were done by hundreds for the price of one."""
    client = Client(guarded, authorization=badges.badge("user/*.cruds", user("admin")))
    entries = [entry("POST", "Basic", basic(str(n))) for n in range(5)]
    answer = await client.bundle("transaction", *entries)
    assert answer.status_code == 200
    left = guarded.settings.rate_limit_caller - 2 - 5
    assert answer.headers["ratelimit"].startswith(f'"caller";r={left};t=')
    await emptied(guarded)


async def test_more_writes_than_are_left_are_not_begun(counting: Facade, badges: Badges) -> None:
    client = Client(counting, authorization=badges.badge("user/*.cruds", user("admin")))
    many = [entry("POST", "Basic", basic(str(n))) for n in range(CALLER)]
    refused(await client.bundle("transaction", *many), 429, "throttled")
    other = Client(counting, authorization=badges.badge("user/*.cruds", user("admin")))
    assert (await other.get("Basic?_summary=count")).json()["total"] == 0


async def test_a_search_by_form_costs_what_a_search_costs(guarded: Facade, badges: Badges) -> None:
    form = "_revinclude=Encounter:patient&_count=1"
    for path in ("Patient/_search", "_search?_type=Patient", "Patient/P-2025-000001/Condition/_search"):
        token = badges.badge("user/*.rs", user("doctor"))
        asked = form if path == "Patient/_search" else "_sort=_lastUpdated"
        answer = await guarded.post(path, asked, authorization=token)
        assert answer.status_code == 200, answer.text
        left = guarded.settings.rate_limit_caller - (6 if asked == form else 3)
        assert answer.headers["ratelimit"].startswith(f'"caller";r={left};t=')


async def test_what_is_sent_to_sign_in_is_counted_by_address(embedded_data: Path, badges: Badges) -> None:
    facade = Facade(settings_of(embedded_data, enable_security=True, rate_limit_sign_in=3), badges)
    try:
        answers = [await facade.http.post("/api/auth/token", data={"grant_type": "x"}) for _ in range(4)]
        assert [a.status_code for a in answers] == [400, 400, 400, 429]
        assert answers[-1].json()["error"] == "temporarily_unavailable"
        assert answers[0].headers["x-content-type-options"] == "nosniff"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert (await facade.http.get("/api/auth/jwks")).status_code == 200
        notices = [await facade.http.post("/api/auth/idp/logout") for _ in range(2)]
        assert 429 not in [n.status_code for n in notices], "who has signed out must not stay in"
        pages = [await facade.http.get("/api/auth/authorize") for _ in range(5)]
        pages += [await facade.http.get("/api/auth/continue") for _ in range(2)]
        assert [p.status_code for p in pages] == [400, 400, 400, 400, 400, 400, 429]
        assert 1 <= int(pages[-1].headers["retry-after"]) <= 60
    finally:
        await facade.close()
