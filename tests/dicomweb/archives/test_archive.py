"""What every archive does, whichever it is."""

import pytest

from dicomweb.archives.archive import (
    Address,
    Archive,
    Change,
    NotReplacedError,
    NotThereError,
    RefusedError,
    Stored,
)
from tests.dicomweb.files import CT, MR, made, packaged

FILES = (
    CT,
    MR,
    "JPEG2000.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "image_dfl.dcm",
)


async def all_changes(archive: Archive, position: str = "", limit: int = 1000) -> tuple[list[Change], str]:
    """All changes since a position, and the position after them."""
    found = list[Change]()
    while True:
        page = await archive.changes(position, limit)
        found += page.found
        position = page.position
        if page.done:
            return found, position


@pytest.mark.parametrize("name", FILES)
async def test_a_file_comes_back_as_it_was_received(archive: Archive, name: str) -> None:
    sent = packaged(name)
    place = await archive.store(sent.address, sent.file)
    with await archive.fetch(place) as kept:
        assert kept.read() == sent.content
        kept.seek(128)
        assert kept.read(4) == b"DICM"


async def test_a_file_larger_than_memory_is_to_be_comes_back_whole(archive: Archive) -> None:
    sent = made(ImageComments="", PixelData=bytes(6_000_000), Rows=2000, Columns=1500)
    with await archive.fetch(await archive.store(sent.address, sent.file)) as kept:
        assert kept.read() == sent.content


async def test_what_was_deleted_is_not_there(archive: Archive) -> None:
    sent = made()
    place = await archive.store(sent.address, sent.file)
    await archive.delete(place)
    await archive.delete(place)
    with pytest.raises(NotThereError):
        await archive.fetch(place)


@pytest.mark.parametrize("place", ["", "nowhere", "../../system", "0" * 44, "%2e%2e/system"])
async def test_what_was_never_there_is_not_there(archive: Archive, place: str) -> None:
    with pytest.raises(NotThereError):
        await archive.fetch(place)


async def test_a_file_that_comes_again_is_replaced_as_a_whole(archive: Archive) -> None:
    first = made(ImageComments="first")
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    second = made(ImageComments="second", **uids)
    assert first.address == second.address
    place = await archive.store(first.address, first.file)
    again = await archive.store(second.address, second.file)
    with await archive.fetch(again) as kept:
        assert kept.read() == second.content
    stored = [s.place async for s in archive.everything() if s.address == first.address]
    assert stored == [again]
    assert place == again


async def test_another_file_that_is_not_to_replace_what_is_there_leaves_it(archive: Archive) -> None:
    first = made(ImageComments="first")
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    second = made(ImageComments="second", **uids)
    place = await archive.store(first.address, first.file, replace=False)
    with pytest.raises(NotReplacedError):
        await archive.store(second.address, second.file, replace=False)
    assert await archive.store(first.address, first.file, replace=False) == place
    with await archive.fetch(place) as kept:
        assert kept.read() == first.content


async def test_what_is_no_dicom_is_refused_and_leaves_nothing(archive: Archive) -> None:
    sent = made()
    for content in (b"", b"hello", sent.content[:200]):
        with pytest.raises(RefusedError):
            await archive.store(sent.address, type(sent)(sent.address, content).file)
    assert not [s async for s in archive.everything() if s.address == sent.address]


async def test_changes_tell_what_came_in_order_and_once(archive: Archive) -> None:
    _, position = await all_changes(archive)
    sent = [made(), made(MR), made()]
    places = [await archive.store(one.address, one.file) for one in sent]
    expected = [Change(one.address, place) for one, place in zip(sent, places, strict=True)]
    for limit in (1000, 2):
        found, _ = await all_changes(archive, position, limit)
        assert [change for change in found if not change.gone] == expected
    _, position = await all_changes(archive, position)
    assert await all_changes(archive, position) == ([], position)


async def test_what_came_and_went_between_two_looks_is_no_coming(archive: Archive) -> None:
    _, position = await all_changes(archive)
    gone, stays = made(), made()
    places = [await archive.store(one.address, one.file) for one in (gone, stays)]
    await archive.delete(places[0])
    found, _ = await all_changes(archive, position)
    assert [change.address for change in found if not change.gone] == [stays.address]


async def test_everything_is_what_is_there_with_its_uids_and_places(archive: Archive) -> None:
    sent = [made(), made(MR)]
    expected = {Stored(one.address, await archive.store(one.address, one.file)) for one in sent}
    found = [stored async for stored in archive.everything()]
    assert expected <= set(found)
    assert len({stored.place for stored in found}) == len(found)
    assert set(await archive.places()) == {stored.place for stored in found}


async def test_an_archive_that_runs_is_alive(archive: Archive) -> None:
    await archive.alive()
    assert archive.name
    assert not Address("1.2").series
