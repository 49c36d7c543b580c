"""What is answered as stored is kept: what was lost is stored anew, and nobody overwrites another's file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dicomweb.archives.archive import Address
from dicomweb.archives.embedded.files import name_of
from dicomweb.stow.spool import Spool
from tests.dicomweb.stow.sending import LEE, ROOT, Image, Sender, failures, image, stored


def file_of(folder: Path, one: Image) -> Path:
    """Where the archive keeps it."""
    name = name_of(Address(one.study, one.series, one.instance))
    return folder / "archive" / "files" / name[:2] / name[2:4] / name


async def served(sender: Sender, one: Image) -> bytes:
    """The file as it is served; nothing where there is none."""
    accept = {"accept": "application/dicom; transfer-syntax=*"}
    answer = await sender.facade.http.get(f"{ROOT}{one.address}", headers=accept)
    return answer.content if answer.status_code == 200 else b""


@pytest.mark.parametrize("harm", ["lost", "damaged"])
async def test_what_the_archive_has_lost_or_damaged_is_stored_when_it_comes_again(
    sender: Sender, stow_data: Path, harm: str
) -> None:
    one = image()
    await sender.store(one)
    row, kept = await sender.row(one.study), file_of(stow_data, one)
    kept.unlink() if harm == "lost" else kept.write_bytes(kept.read_bytes()[:-4])
    assert await served(sender, one) != one.content
    answer = await sender.store(one)
    assert (answer.status_code, stored(answer)) == (200, [one.instance])
    assert await served(sender, one) == one.content
    assert await sender.row(one.study) == row


async def test_of_two_that_are_stored_at_once_under_one_uid_one_is_kept_and_the_other_refused(
    sender: Sender,
) -> None:
    one = image(StationName="S0")
    others = [image(one.study, one.series, one.instance, StationName=f"S{n}") for n in (1, 2, 3)]
    sent = [one, *others]
    answers = await asyncio.gather(*map(sender.store, sent))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    kept = next(i for i, a in zip(sent, answers, strict=True) if a.status_code == 200)
    assert {f for a in answers for f in failures(a)} == {0x0111}
    assert await served(sender, one) == kept.content
    (told,) = (await sender.facade.http.get(f"{ROOT}{one.address}/metadata")).json()
    assert told["00081010"]["Value"] == [f"S{sent.index(kept)}"]


async def test_the_same_stored_by_many_at_once_is_stored_for_all(sender: Sender) -> None:
    one = image()
    answers = await asyncio.gather(*(sender.store(one) for _ in range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    assert (await sender.row(one.study))["num_instances"] == 1


async def test_an_instance_of_another_patient_takes_none_with_it(sender: Sender) -> None:
    first = image()
    await sender.store(first)
    wrong, right = image(first.study, PatientID=LEE), image(first.study)
    answer = await sender.store(wrong, right)
    assert (answer.status_code, failures(answer), stored(answer)) == (202, [0x0110], [right.instance])


async def test_what_waits_is_not_said_to_be_stored_where_it_is_sent_twice_at_once(sender: Sender) -> None:
    one = image(PatientID="NOBODY-TWICE")
    answer = await sender.store(one, one)
    assert (answer.status_code, failures(answer), stored(answer)) == (409, [0x0110, 0x0110], [])
    assert await sender.waiting(one.study) == ["unknown-patient"]


@pytest.fixture
def spool() -> Iterator[Spool]:
    made = Spool(100)
    yield made
    made.close()


async def test_a_part_is_not_read_of_whatever_file_has_its_descriptor_later(
    spool: Spool, tmp_path: Path
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"images"

    part = await spool.take(chunks())
    assert part.file.read() == b"images"
    spool.close()
    with (tmp_path / "other").open("wb+") as other:
        other.write(b"others")
        other.flush()
        part.file.seek(0)
        with pytest.raises(ValueError, match="closed"):
            part.file.read()
