"""What clients make comes back as they sent it, short form; `make stress` does it with thousands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_facade.registry import NATIVE
from tests.facade.facade import copy_databases, settings_of
from tests.roundtrip.walking import HOSPITAL, Walk, documented_refusals, walking
from tests.services.database import DatabaseServer

#: resources of a type, each written over by another; some types that no table holds, among them odd ones
FEW, SOME = 10, (*NATIVE[::6], "Questionnaire")


@pytest.fixture(scope="module")
def embedded_walk(embedded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A facade over a copy of the embedded databases."""
    folder = tmp_path_factory.mktemp("roundtrip") / "data"
    copy_databases(embedded_data, folder)
    with walking(settings_of(folder)) as walk:
        yield walk


@pytest.mark.parametrize("resource_type", HOSPITAL)
def test_a_row_tells_what_was_sent_and_its_columns_nothing_else(
    embedded_walk: Walk, resource_type: str
) -> None:
    found = embedded_walk.of(resource_type, FEW)
    assert found.unmade <= FEW // 5
    assert found.accepted >= found.made * 0.6, found.refused
    assert {element for _, element in found.refused} <= documented_refusals(resource_type)


@pytest.mark.parametrize("resource_type", SOME)
def test_what_no_table_holds_is_told_as_it_was_sent(embedded_walk: Walk, resource_type: str) -> None:
    found = embedded_walk.of(resource_type, FEW)
    assert (found.unmade, found.refused) == (0, {})


def test_the_same_holds_on_a_server(server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    with walking(settings_of(tmp_path_factory.mktemp("roundtrip"), server), leaves=True) as walk:
        for resource_type in (*HOSPITAL, "Goal"):
            assert walk.of(resource_type, 3).accepted > 0
