"""`fhir-facade seal`: online, resumable, never half done, and it gives back what it was given."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from fhir_facade.encryption import keyring_of
from fhir_facade.settings import SettingFault
from mappers.column_seals import ColumnSeals
from mappers.key_file import KeyFile
from mappers.keyring import Keyring, is_sealed, key_of, place
from mappers.resealing import NotKeptError, Resealing, Target
from tests.encryption.hospital import PATIENTS, Hospital

MANY = 600
NAMES = ["김철수", "Ω \u1100\u1161", " 앞뒤 ", 'O\'Brien \\ "x"', "탭\t끝", "긴" * 60]


@pytest.fixture
def crowd(hospital_open: Hospital) -> Iterator[dict[str, str]]:
    """Many patients with all sorts of names, by key; gone afterwards."""
    names = {f"X-{i:05d}": f"{NAMES[i % len(NAMES)]}{i}" for i in range(MANY)}
    insert = text(
        f"INSERT INTO {PATIENTS} (patient_id, name, is_deceased, is_active, created_at, updated_at) "  # noqa: S608
        "VALUES (:k, :n, 0, 1, '2025-01-01 00:00:00', '2025-01-02 00:00:00')"
    )
    with hospital_open.engine.begin() as connection:
        connection.execute(insert, [{"k": k, "n": n} for k, n in names.items()])
    yield names
    hospital_open.execute(f"DELETE FROM {PATIENTS} WHERE patient_id LIKE 'X-%'")  # noqa: S608


def opened(hospital: Hospital, stored: dict[Any, Any]) -> dict[Any, Any]:
    """What a column says, sealed or not."""
    keyring = keyring_of(hospital.settings)
    assert keyring is not None
    return {
        k: keyring.open(v, place(PATIENTS, "name", k)).decode() if is_sealed(v) else v
        for k, v in stored.items()
    }


def of_crowd(hospital: Hospital) -> dict[str, str]:
    """The names of the crowd as they are stored."""
    return {k: v for k, v in hospital.column("name").items() if k.startswith("X-")}


def test_a_column_without_room_is_refused_with_the_ddl_that_it_needs(
    hospital_open: Hospital, capsys: pytest.CaptureFixture[str]
) -> None:
    before = hospital_open.column("ssn")
    with pytest.raises(SettingFault, match="--alter") as refused:
        hospital_open.seal("ssn")
    told = str(refused.value)
    assert "ADD COLUMN ssn_blind VARCHAR(32)" in told
    assert "CREATE INDEX" in told
    assert ("MODIFY COLUMN ssn VARCHAR(" in told) is not hospital_open.settings.embedded
    assert hospital_open.column("ssn") == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("table", "column", "why"),
    [
        (PATIENTS, "patient_id", "is a key"),
        (PATIENTS, "openemr_pid", "is no text"),
        (PATIENTS, "gender", r"compared by Patient\?gender"),
        (PATIENTS, "birth_date", "is no text|compared by"),
        ("accounts_user", "role", "picks rows"),
        ("accounts_user", "username", "index|key"),
        ("accounts_user", "password", "read by no mapping"),
        (PATIENTS, "nothing", "no such column"),
        ("nothing", "name", "no such table"),
    ],
)
def test_what_would_no_longer_work_sealed_is_refused(
    hospital_open: Hospital, table: str, column: str, why: str
) -> None:
    with pytest.raises(SettingFault, match=why):
        hospital_open.seal(column, table, alter=True)


def test_without_keys_nothing_is_sealed(tmp_path: Path) -> None:
    from fhir_facade import cli

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DB_HOST", "db.test")
        patch.setenv("DATA_DIR", str(tmp_path))
        assert cli.main(["seal", PATIENTS, "name"]) == 2


def test_sealing_and_undoing_gives_back_every_byte(
    hospital_open: Hospital, crowd: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = hospital_open.column("name")
    changed = f"SELECT patient_id, updated_at FROM {PATIENTS}"  # noqa: S608
    times = hospital_open.rows(changed)
    assert hospital_open.seal("name", alter=True) == 0
    stored = hospital_open.column("name")
    assert opened(hospital_open, stored) == before
    assert all(is_sealed(v) for k, v in stored.items() if k in crowd)
    assert "0 left" in capsys.readouterr().out
    assert hospital_open.seal("name") == 0
    assert hospital_open.column("name") == stored
    assert hospital_open.rows(changed) == times
    assert hospital_open.seal("name", undo=True) == 0
    assert hospital_open.column("name") == before
    assert not [v for v in hospital_open.column("name_blind").values() if v]


@pytest.mark.parametrize("undo", [False, True], ids=["sealing", "undoing"])
def test_a_killed_run_is_taken_up_again_and_loses_nothing(
    hospital_open: Hospital, crowd: dict[str, str], undo: bool
) -> None:
    before = hospital_open.column("name")
    assert hospital_open.seal("name", alter=True) == 0
    if not undo:
        assert hospital_open.seal("name", undo=True) == 0
    arguments = ["seal", PATIENTS, "name", "--batch", "7", *(["--undo"] if undo else [])]
    seen: set[int] = set()
    for _ in range(2):
        process = hospital_open.start(*arguments)
        done = wait_for(hospital_open, undo, max(seen, default=0) + 50)
        process.kill()
        process.wait()
        stored = hospital_open.column("name")
        assert opened(hospital_open, stored) == before
        seen.add(done)
    assert any(0 < done < MANY for done in seen)
    assert hospital_open.seal("name", undo=undo) == 0
    stored = of_crowd(hospital_open)
    assert {is_sealed(v) for v in stored.values()} == {not undo}
    assert opened(hospital_open, hospital_open.column("name")) == before
    if not undo:
        assert hospital_open.seal("name", undo=True) == 0


def wait_for(hospital: Hospital, undo: bool, wanted: int) -> int:
    """Waits until so many rows are done (or the run is over), and says how many are."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        done = sum(is_sealed(v) is not undo for v in of_crowd(hospital).values())
        if done >= min(wanted, MANY):
            return done
        time.sleep(0.01)
    raise AssertionError("nothing is done")


def test_what_others_write_meanwhile_is_kept(hospital_open: Hospital, crowd: dict[str, str]) -> None:
    hospital_open.seal("name", alter=True)
    hospital_open.seal("name", undo=True)
    written, over = dict(crowd), threading.Event()

    def others() -> None:
        chance = random.Random(7)
        while not over.is_set():
            key = chance.choice(list(crowd))
            name = f"{chance.choice(NAMES)}{chance.random()}"
            hospital_open.execute(f"UPDATE {PATIENTS} SET name = :n WHERE patient_id = :k", n=name, k=key)  # noqa: S608
            written[key] = name

    thread = threading.Thread(target=others)
    thread.start()
    try:
        assert hospital_open.seal("name", batch=50) == 0
    finally:
        over.set()
        thread.join()
    assert opened(hospital_open, of_crowd(hospital_open)) == written
    assert hospital_open.seal("name") == 0
    assert all(is_sealed(v) for v in of_crowd(hospital_open).values())
    assert hospital_open.seal("name", undo=True) == 0
    assert of_crowd(hospital_open) == written


def test_a_value_that_does_not_open_is_left_and_named(
    hospital_open: Hospital, crowd: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    hospital_open.seal("name", alter=True)
    moved = hospital_open.column("name")["X-00001"]
    hospital_open.execute(f"UPDATE {PATIENTS} SET name = :v WHERE patient_id = 'X-00002'", v=moved)  # noqa: S608
    capsys.readouterr()
    assert hospital_open.seal("name", undo=True) == 1
    told = capsys.readouterr()
    assert f"{PATIENTS}/X-00002" in told.err
    assert "1 left" in told.out
    assert hospital_open.column("name")["X-00002"] == moved
    assert {k: v for k, v in of_crowd(hospital_open).items() if k != "X-00002"} == {
        k: v for k, v in crowd.items() if k != "X-00002"
    }


def test_a_column_that_cuts_what_it_is_given_is_as_it_was(tmp_path: Path, keyring: Keyring) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'cut.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)"))
        connection.execute(
            text(
                "CREATE TRIGGER cut AFTER UPDATE ON t WHEN length(new.v) > 40 "
                "BEGIN UPDATE t SET v = substr(new.v, 1, 40) WHERE k = new.k; END"
            )
        )
        connection.execute(text("INSERT INTO t VALUES (1, 'one'), (2, 'two')"))
    target = Target("t", "v", ("k",))
    with pytest.raises(NotKeptError, match=r"t\.v"):
        Resealing(engine, target, ColumnSeals(keyring, target).sealing()).run(lambda progress: None)
    with engine.connect() as connection:
        assert [tuple(r) for r in connection.execute(text("SELECT k, v FROM t"))] == [(1, "one"), (2, "two")]


VALUES = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(values=st.lists(VALUES, max_size=30), batch=st.integers(1, 9))
def test_any_texts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, values: list[str | None], batch: int
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('any') / 'any.db'}")
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE t (a INTEGER, b TEXT, v TEXT, v_blind TEXT, PRIMARY KEY (a, b))")
        )
        for i, value in enumerate(values):
            row = {"a": i % 3, "b": f"k{i}", "v": value}
            connection.execute(text("INSERT INTO t (a, b, v) VALUES (:a, :b, :v)"), row)
        connection.execute(text("INSERT INTO t (a, b, v) VALUES (9, 'number', 12), (9, 'blob', x'ff00')"))
    everything = text("SELECT a, b, v FROM t ORDER BY a, b")
    with engine.connect() as connection:
        before = connection.execute(everything).all()
    target = Target("t", "v", ("a", "b"), blind=True)
    seals = ColumnSeals(keyring, target)
    Resealing(engine, target, seals.sealing(), batch).run(lambda progress: None)
    with engine.connect() as connection:
        sealed = connection.execute(everything).all()
    assert [is_sealed(v) for _, _, v in sealed] == [
        isinstance(v, str) and bool(v.strip(" \t\n\r\x0b\x0c")) for _, _, v in before
    ]
    Resealing(engine, target, seals.opening(), batch).run(lambda progress: None)
    with engine.connect() as connection:
        assert connection.execute(everything).all() == before
    engine.dispose()


def test_older_keys_are_replaced_by_the_newest(
    tmp_path: Path, key_file: KeyFile, keyring: Keyring, rotated: Any
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'keys.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)"))
        connection.execute(text("INSERT INTO t VALUES (1, 'one'), (2, 'two')"))
    target = Target("t", "v", ("k",))
    Resealing(engine, target, ColumnSeals(keyring, target).sealing()).run(lambda progress: None)
    later = rotated()
    seals = ColumnSeals(later, target)
    progress = Resealing(engine, target, seals.renewing()).run(lambda progress: None)
    assert progress.changed == 2
    assert Resealing(engine, target, seals.renewing()).left() == 0
    with engine.connect() as connection:
        for k, v in connection.execute(text("SELECT k, v FROM t")):
            assert key_of(v) == later.sealing
            assert later.open(v, place("t", "v", k)) == {1: b"one", 2: b"two"}[k]
