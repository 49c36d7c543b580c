"""Keys by a pattern: the next one is new and in order, or there is none and that is said."""

import pytest

from mappers.cdss.tables import lis_specimen
from mappers.write.faults import WriteFault
from mappers.write.keys import next_key
from tests.writes.conftest import Written
from tests.writes.samples import sample


async def test_after_the_last_key_of_a_year_there_is_none_and_odd_keys_dont_count(written: Written) -> None:
    async def following() -> str:
        async with written.writer() as writer:
            return await next_key(writer.t, lis_specimen.c.specimen_id, "S-{year}-", "2031-01-01")

    specimen = await written.made(sample("Specimen"))
    held = specimen["id"]
    assert await following() == "S-2031-000001"
    for key, then in (("S-2031-ABCDEF", "S-2031-000001"), ("S-2031-999998", "S-2031-999999")):
        await _rename(written, held, key)
        held = key
        assert await following() == then
    await _rename(written, held, "S-2031-999999")
    with pytest.raises(WriteFault, match="used up") as refused:
        await following()
    assert refused.value.status == 422
    await _rename(written, "S-2031-999999", specimen["id"])


async def _rename(written: Written, old: str, new: str) -> None:
    await written.change(
        f"UPDATE lis_specimen SET specimen_id = '{new}' WHERE specimen_id = '{old}'"  # noqa: S608
    )
