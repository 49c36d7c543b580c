"""Whoever is killed when: what was acknowledged is there once and whole, of the rest there is no half."""

from pathlib import Path

from tests.stress import kept
from tests.stress.mortal import embedded_hospital
from tests.stress.writing import written_under_kills


async def test_a_killed_server_loses_no_write_that_it_acknowledged_and_leaves_no_half(tmp_path: Path) -> None:
    with embedded_hospital(tmp_path) as hospital:
        before, odd = kept.keys(hospital.rows), kept.orphans(hospital.rows)
        ledger = await written_under_kills(hospital, writes=120, kills=2)
        assert await kept.faults(hospital, ledger, before, odd) == []
    assert (ledger.kills, len(ledger.sent)) == (2, 120)
    assert ledger.cut > 0
    assert len(ledger.kept) > 90
