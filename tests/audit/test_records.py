"""What is written of an access quickly is what its record says, and whom a page shows is always found."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_facade.audit.event import Event
from fhir_facade.audit.patients import PatientsOf
from fhir_facade.audit.prepared import of_record, prepared
from fhir_facade.audit.record import Holders
from fhir_facade.registry import by_type
from smart_auth.access.caller import Caller, User
from tests.facade.trail import EVENTS

NOW = datetime(2026, 7, 25, 14, 0, 0, 120, UTC)
TEXT = st.text(max_size=4) | st.sampled_from(["", "한" * 300, "it's \\", '"'])
USER = st.builds(User, TEXT, TEXT, TEXT, st.frozensets(TEXT, max_size=2), TEXT | st.just("Patient/한"))
CALLER = st.builds(Caller, TEXT, st.just(()), st.none() | USER, token_id=TEXT, issuer=TEXT, emergency=TEXT)
NAMES = st.lists(TEXT | st.just("oe-pat-7"), max_size=3)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_a_row_says_what_its_record_says(event: Event) -> None:
    (row,) = prepared(event, NOW, Holders("http://facade.test"))
    assert row == of_record(orjson.loads(row.record))


@settings(max_examples=25)
@given(
    st.builds(
        Event,
        *(TEXT, TEXT, st.integers(0, 599), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT),
        st.none() | CALLER,
        NAMES,
        NAMES,
        st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    TEXT,
)
def test_whatever_an_access_was_its_row_says_what_its_record_says(event: Event, server: str) -> None:
    said = event._replace(name=f"read{event.name}", outcome=f"0{event.outcome}")
    (row,) = prepared(said, NOW, Holders(server))
    assert row == of_record(orjson.loads(row.record))


def test_what_holders_have_in_common_is_never_another_s() -> None:
    holders = Holders("http://facade.test")
    for number in range(5000):  # more than are kept at hand, and each in the place of one that is gone
        caller = Caller(f"app-{number}", (), token_id=f"token-{number}")
        (row,) = prepared(Event("read", caller=caller, address="::1"), NOW, holders)
        assert orjson.loads(row.record)["token"] == f"token-{number}"
        assert f"app-{number}" in row.searched


def test_patients_are_found_in_resources_that_are_gone_as_soon_as_they_were_looked_at() -> None:
    shown = (
        {"resourceType": "Observation", "id": str(n), "subject": {"reference": f"Patient/P-{n}"}}
        for n in range(300)
    )
    assert PatientsOf(by_type())(shown) == [f"P-{n}" for n in range(300)]
