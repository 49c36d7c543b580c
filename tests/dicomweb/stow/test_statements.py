"""Many small files of a study cost the database little more than a row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.uid import generate_uid

from dicomweb.archives.archive import Address
from dicomweb.index.reading import instances
from mappers.transaction import MySqlTransaction, SqliteTransaction
from tests.dicomweb.stow.sending import KIM, Sender, image, stored
from tests.facade.counting import counted

FILES, MOST = 60, 160


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of all transactions."""
    found = list[str]()

    def counting(work: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*given: Any) -> Any:
            found.append(str(given[1]))
            return await work(*given)

        return run

    for kind in (SqliteTransaction, MySqlTransaction):
        for name in ("fetch", "execute"):
            monkeypatch.setattr(kind, name, counting(getattr(kind, name)))
    return found


async def costs_a_row_each(sender: Sender, within: list[str]) -> None:
    study, every_series = generate_uid(), [generate_uid() for _ in range(2)]
    files = [image(study, every_series[number % 2], PatientID=KIM) for number in range(FILES)]
    with counted(sender.facade) as outside:
        answer = await sender.store(*files)
    assert (answer.status_code, len(stored(answer))) == (200, FILES)
    assert len(outside) + len(within) < MOST
    found = await instances(sender.facade.service.engine.database, Address(study))
    assert {one.address.instance for one in found} == {one.instance for one in files}
    row = await sender.row(study)
    assert (row["num_series"], row["num_instances"], row["patient_id"]) == (2, FILES, KIM)
    assert (await sender.delete(f"/studies/{study}")).status_code == 204


async def test_files_of_one_request_cost_a_row_each(sender: Sender, within: list[str]) -> None:
    await costs_a_row_each(sender, within)


async def test_files_of_one_request_cost_servers_a_row_each(to_server: Sender, within: list[str]) -> None:
    await costs_a_row_each(to_server, within)
