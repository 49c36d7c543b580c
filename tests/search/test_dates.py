"""Dates at the edges: the server and the oracle agree, in a zone without summer time and in one with it."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.search.asking import differences, found
from tests.search.harvest import PREFIXES
from tests.search.oracle import Oracle

# just before, within and after the changes of summer time, of the day, of the month and of the year
EDGES = [
    "2024-03-10 01:59:59",
    "2024-03-10 02:30:00",
    "2024-03-10 03:00:00",
    "2024-11-03 00:59:59",
    "2024-11-03 01:30:00",
    "2024-11-03 02:00:00",
    "2024-02-29 23:59:59",
    "2024-03-01 00:00:00",
    "2024-12-31 23:59:59",
    "2025-01-01 00:00:00",
]


@pytest.fixture(scope="module", params=["Asia/Seoul", "America/New_York"])
def zoned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Facade:
    """A facade of a site in one of the zones, with results at the edges."""
    folder: Path = embedded_folder(tmp_path_factory.mktemp("zoned"))
    facade = Facade(settings_of(folder, site_timezone=request.param))
    statements = [
        f"UPDATE lis_labresult SET resulted_at = '{text}' WHERE id = {number}"  # noqa: S608
        for number, text in enumerate(EDGES, start=1)
    ]
    execute(writer(facade), *statements)
    return facade


OFFSETS = st.sampled_from(["", "Z", "+09:00", "-05:00", "-04:00", "+14:00"])
MOMENTS = st.builds(
    lambda text, shift: datetime.fromisoformat(text) + timedelta(seconds=shift),
    st.sampled_from(EDGES),
    st.sampled_from([-86400, -3600, -60, -1, 0, 1, 60, 3600, 86400]),
)
SHAPES = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=MOMENTS, shape=SHAPES, offset=OFFSETS, prefix=st.sampled_from(PREFIXES))
async def test_dates_at_the_edges(
    zoned: Facade, moment: datetime, shape: str, offset: str, prefix: str
) -> None:
    zone = ZoneInfo(zoned.settings.site_timezone)
    there = moment.replace(tzinfo=zone)
    if not offset and there.utcoffset() != there.replace(fold=1).utcoffset():
        return  # an hour that there are two of, or none: which one is meant can't be told
    value = prefix + moment.strftime(shape) + (offset if "T" in shape else "")
    resources = {"Observation": await zoned.all("Observation")}
    oracle = Oracle(zoned.service.mappings, resources, zone.key, "")
    assert not await differences(zoned, oracle, "Observation", [("date", value)])


@pytest.mark.parametrize("day", ["1960-05-01", "1961-08-10"])
async def test_a_day_that_began_at_one_o_clock_is_found(zoned: Facade, day: str) -> None:
    born = f"UPDATE emr_patientcache SET birth_date = '{day}' WHERE patient_id = 'P-2025-000002'"  # noqa: S608
    execute(writer(zoned), born)
    assert "P-2025-000002" in await found(zoned, "Patient", "birthdate", day)
    assert "P-2025-000002" in await found(zoned, "Patient", "birthdate", f"le{day}")
    assert "P-2025-000002" not in await found(zoned, "Patient", "birthdate", f"gt{day}")


@pytest.mark.parametrize("end", ["9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59-12:00"])
async def test_the_last_day_there_is_is_a_day(zoned: Facade, end: str) -> None:
    born = "UPDATE emr_patientcache SET birth_date = '9999-12-31' WHERE patient_id = 'P-2025-000002'"
    execute(writer(zoned), born)
    later = await found(zoned, "Patient", "birthdate", "sa" + end)
    assert "P-2025-000002" not in later
    if "T" not in end:
        assert "P-2025-000002" in await found(zoned, "Patient", "birthdate", "le" + end)
        assert "P-2025-000002" in await found(zoned, "Patient", "birthdate", end)
