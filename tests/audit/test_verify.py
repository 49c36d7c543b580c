"""`audit verify` says of an untouched trail that it is whole, and names every row that was touched."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from fhir_facade import cli
from fhir_facade.audit.event import Event
from fhir_facade.audit.wiring import FOLDER
from fhir_facade.settings import SettingFault
from tests.audit.recording import Recording
from tests.facade.facade import Facade, execute

ROWS = 6
SET = "UPDATE fhir_audit SET"
#: statements of an intruder, and the kinds of faults they leave
TOUCHED = {
    "a record": ([f"{SET} record = REPLACE(record, 'read', 'skim') WHERE sequence = 3"], ["altered"]),
    "a column that is searched": ([f"{SET} username = 'nobody' WHERE sequence = 3"], ["altered"]),
    "a seal": ([f"{SET} seal = link WHERE sequence = 3"], ["altered"]),
    "a link": ([f"{SET} link = seal WHERE sequence = 3"], ["altered", "altered"]),
    "an event's patient": (["UPDATE fhir_audit_event SET patient_id = 'P-2025-000009'"], ["altered"] * ROWS),
    "an event's time": (["UPDATE fhir_audit_event SET recorded = '2020-01-01 00:00:00'"], ["altered"] * ROWS),
    "a row": (
        ["DELETE FROM fhir_audit_event WHERE audit_id = 3", "DELETE FROM fhir_audit WHERE id = 3"],
        ["removed"],
    ),
    "a row without its events": (["DELETE FROM fhir_audit WHERE id = 3"], ["inserted", "removed"]),
    "the events of a row": (["DELETE FROM fhir_audit_event WHERE audit_id = 3"], ["altered"]),
    "the end": (
        ["DELETE FROM fhir_audit_event WHERE audit_id > 4", "DELETE FROM fhir_audit WHERE id > 4"],
        ["cut off"],
    ),
    "everything": (["DELETE FROM fhir_audit_event", "DELETE FROM fhir_audit"], ["cut off"]),
    "a row's number": ([f"{SET} sequence = 33 WHERE sequence = 3"], ["inserted", "removed"]),
    "the order": (
        [
            "UPDATE fhir_audit_event SET id = id + 90000, audit_id = 12 WHERE audit_id = 3",
            "UPDATE fhir_audit SET id = 12 WHERE id = 3",
        ],
        ["reordered"],
    ),
    "a row twice": (
        [
            "INSERT INTO fhir_audit (chain, sequence, event, outcome, record, seal, link) "
            "SELECT chain, sequence, event, outcome, record, seal, link FROM fhir_audit WHERE sequence = 3",
        ],
        ["inserted"],
    ),
    "a row of another's making": (
        [
            "INSERT INTO fhir_audit (chain, sequence, event, outcome, record, seal, link) "
            "SELECT chain, 7, event, outcome, record, seal, link FROM fhir_audit WHERE sequence = 3",
        ],
        ["altered"],
    ),
    "an event of no access": (
        [
            "INSERT INTO fhir_audit_event (id, audit_id, recorded, patient_id) "
            "VALUES (990000, 99, '2025-01-01 00:00:00', 'P-2025-000009')"
        ],
        ["inserted"],
    ),
}  # fmt: skip


async def accesses(recording: Recording, count: int = ROWS) -> None:
    for _ in range(count):
        await recording.get("Patient/P-2025-000001")


async def test_an_untouched_trail_is_whole(recording: Recording) -> None:
    await accesses(recording)
    assert recording.faults() == []


@pytest.mark.parametrize("what", TOUCHED)
async def test_what_was_touched_is_named(recording: Recording, what: str) -> None:
    await accesses(recording)
    statements, kinds = TOUCHED[what]
    execute(recording.rows, *statements)
    found = recording.faults()
    assert sorted(f.kind for f in found) == sorted(kinds), [str(f) for f in found]


async def test_a_head_that_is_gone_or_changed_is_named(embedded_recording: Recording) -> None:
    await accesses(embedded_recording)
    (head,) = (embedded_recording.facade.settings.data_path / FOLDER).glob("*.head")
    whole = head.read_text()
    head.write_text(whole.replace(" 0000000000000000000", " 1000000000000000000", 1))
    assert [f.kind for f in embedded_recording.faults()] == ["altered"]
    head.unlink()
    assert [f.kind for f in embedded_recording.faults()] == ["unanchored"]
    head.write_text(whole)
    assert embedded_recording.faults() == []


async def test_rows_beyond_a_head_are_no_fault(embedded_recording: Recording, tmp_path: Path) -> None:
    """A process that is killed between commit and head leaves such."""
    folder = embedded_recording.facade.settings.data_path / FOLDER
    await accesses(embedded_recording, 2)
    shutil.copytree(folder, tmp_path / "earlier")
    await accesses(embedded_recording, 2)
    shutil.copytree(tmp_path / "earlier", folder, dirs_exist_ok=True)
    assert embedded_recording.faults() == []


async def test_several_processes_write_chains_of_their_own(recording: Recording) -> None:
    other = Facade(recording.facade.settings, recording.badges)
    mine, theirs = recording.facade.app.fhir.keeper, other.app.fhir.keeper
    assert mine is not None
    assert theirs is not None
    for _ in range(5):
        await mine.trail.record(Event("login"))
        await theirs.trail.record(Event("logout"))
    await other.close()
    assert recording.faults() == []
    execute(
        recording.rows,
        "DELETE FROM fhir_audit_event WHERE audit_id IN (SELECT id FROM fhir_audit WHERE event = 'logout')",
        "DELETE FROM fhir_audit WHERE event = 'logout'",
    )
    (fault,) = recording.faults()
    assert (fault.kind, fault.where) == ("cut off", "numbers 1 to 5")


async def test_the_command_tells_and_its_exit_code_says(
    embedded_recording: Recording, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await accesses(embedded_recording, 3)
    monkeypatch.setenv("DATA_DIR", embedded_recording.facade.settings.data_dir)
    assert cli.main(["audit", "verify"]) == 0
    assert "3 rows in 1 chains are as they were written" in capsys.readouterr().out
    execute(embedded_recording.rows, "UPDATE fhir_audit SET client = 'x' WHERE id = 2")
    assert cli.main(["audit", "verify"]) == 1
    assert "number 2 (row 2): not what the record says: client" in capsys.readouterr().out
    monkeypatch.setenv("AUDIT_KEY", "another key of thirty-two letters")
    assert cli.main(["audit", "verify"]) == 1
    (embedded_recording.facade.settings.data_path / "audit.key").unlink()
    monkeypatch.delenv("AUDIT_KEY")
    assert cli.main(["audit", "verify"]) == 2
    assert "without the key nothing can be verified" in capsys.readouterr().err


def test_a_short_key_is_refused(embedded_recording: Recording) -> None:
    with pytest.raises(SettingFault, match="AUDIT_KEY"):
        Facade(replace(embedded_recording.facade.settings, audit_key="short"))


async def test_the_key_is_nobody_else_s(embedded_recording: Recording) -> None:
    await accesses(embedded_recording, 1)
    folder = embedded_recording.facade.settings.data_path
    key = folder / "audit.key"
    assert key.stat().st_mode & 0o777 == 0o600
    with embedded_recording.rows.connect() as connection:
        found = connection.execute(text("SELECT record FROM fhir_audit")).scalars().all()
    assert key.read_bytes().hex() not in str(found)
