"""The keyring: what is sealed opens with its key at its place, and nowhere else."""

import base64
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.key_file import KeyFile, KeyFileFault
from mappers.keyring import MARK, Keyring, UnopenableError, is_sealed, key_of, place, sealed_length

HERE = place("fhir_resource", "content", 7)
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@shared
@given(plain=st.binary(max_size=2000))
def test_what_is_sealed_opens_as_it_was(keyring: Keyring, plain: bytes) -> None:
    sealed = keyring.seal(plain, HERE)
    assert keyring.open(sealed, HERE) == plain
    assert is_sealed(sealed)
    assert len(sealed) <= sealed_length(len(plain))
    assert len(plain) < 4 or plain not in base64.urlsafe_b64decode(sealed[len(MARK) :].split("$")[1] + "==")


def test_equal_texts_are_sealed_differently(keyring: Keyring) -> None:
    assert keyring.seal(b"same", HERE) != keyring.seal(b"same", HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("fhir_resource", "content", 8),
        place("fhir_resource", "residue", 7),
        place("fhir_version", "content", 7),
        place("fhir_resource", "content", 7, 1),
        place("fhir_resource", "content"),
        b"",
    ],
)
def test_what_is_moved_to_another_place_does_not_open(keyring: Keyring, elsewhere: bytes) -> None:
    with pytest.raises(UnopenableError, match="another place"):
        keyring.open(keyring.seal(b"content", HERE), elsewhere)


def test_places_of_different_parts_are_never_the_same() -> None:
    assert place("a", "bc") != place("ab", "c")
    assert place("a", "b", "c,d") != place("a", "b", "c", "d")
    assert place("a", "b", 1) == place("a", "b", "1")


@shared
@given(data=st.data())
def test_no_changed_text_opens(keyring: Keyring, data: st.DataObject) -> None:
    sealed = keyring.seal(b"a clinical fact", HERE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != sealed[at]))
    changed = sealed[:at] + other + sealed[at + 1 :]
    try:
        opened = keyring.open(changed, HERE)
    except UnopenableError:
        return
    # the last digit of base64 may hold bits that say nothing
    assert at == len(sealed) - 1
    assert opened == b"a clinical fact"


@pytest.mark.parametrize("cut", [0, 1, 9, 20, 30, 40])
def test_a_cut_text_does_not_open(keyring: Keyring, cut: int) -> None:
    with pytest.raises(UnopenableError):
        keyring.open(keyring.seal(b"a clinical fact", HERE)[:cut], HERE)


def test_a_new_key_seals_and_the_old_one_still_opens(
    keyring: Keyring, rotated: Callable[[], Keyring]
) -> None:
    before = keyring.seal(b"before", HERE)
    later = rotated()
    after = later.seal(b"after", HERE)
    assert key_of(before) != key_of(after) == later.sealing
    assert later.open(before, HERE) == b"before"
    assert later.ids == (key_of(before), key_of(after))
    assert rotated().open(after, HERE) == b"after"


def test_a_running_server_opens_what_a_key_of_another_process_sealed(
    keyring: Keyring, rotated: Callable[[], Keyring]
) -> None:
    sealed = rotated().seal(b"from another process", HERE)
    assert keyring.open(sealed, HERE) == b"from another process"


def test_a_key_seals_from_its_time_on(keyring: Keyring, key_file: KeyFile) -> None:
    first = keyring.sealing
    second = key_file.rotate(datetime.now(UTC) + timedelta(hours=1))
    now = datetime.now(UTC)
    assert Keyring(key_file).sealing == first
    later = Keyring(key_file, clock=lambda: (now + timedelta(hours=2)).timestamp())
    assert later.sealing == second.id


def test_a_lost_key_is_told_apart_from_a_changed_text(keyring: Keyring, tmp_path: Path) -> None:
    other = KeyFile(tmp_path / "other.keys")
    other.create()
    with pytest.raises(UnopenableError, match="not in the key file"):
        Keyring(other).open(keyring.seal(b"content", HERE), HERE)


def test_a_damaged_file_leaves_a_running_server_its_keys(
    keyring: Keyring, key_file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = keyring.seal(b"content", HERE)
    key_file.path.write_text("{}")
    with caplog.at_level(logging.ERROR), pytest.raises(UnopenableError):
        keyring.open(f"{MARK}another$AAAA", HERE)
    assert "damaged" in caplog.text
    assert keyring.open(sealed, HERE) == b"content"


def test_blind_texts_are_equal_for_equal_texts_only(
    keyring: Keyring, rotated: Callable[[], Keyring], tmp_path: Path
) -> None:
    found = keyring.blind("김철수", "patients.name")
    assert found == keyring.blind("김철수", "patients.name")
    assert len(found) == 32
    assert found != keyring.blind("김철호", "patients.name")
    assert found != keyring.blind("김철수", "patients.alias")
    assert rotated().blind("김철수", "patients.name") == found
    other = KeyFile(tmp_path / "other.keys")
    other.create()
    assert Keyring(other).blind("김철수", "patients.name") != found


def test_secrets_are_in_no_text_of_an_object(key_file: KeyFile) -> None:
    content = orjson.loads(key_file.path.read_bytes())
    keys = key_file.read()
    secrets = [content["blind"], *(k["secret"] for k in content["keys"])]
    raw = [repr(base64.b64decode(s))[2:-1] for s in secrets]
    assert not [s for s in (*secrets, *raw) if s in repr(keys) or s in repr(Keyring(key_file))]


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666, 0o644])
def test_a_file_that_is_open_to_others_is_refused(key_file: KeyFile, mode: int) -> None:
    key_file.path.chmod(mode)
    with pytest.raises(KeyFileFault, match="open to others"):
        key_file.read()


def test_a_new_file_is_its_owners_alone(key_file: KeyFile) -> None:
    assert key_file.path.stat().st_mode & 0o777 == 0o600
    key_file.rotate(datetime.now(UTC))
    assert key_file.path.stat().st_mode & 0o777 == 0o600
    key_file.path.chmod(0o440)
    assert len(key_file.read().keys) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"blind": "AAAA", "keys": []}',
        b'{"blind": "%s", "keys": []}',
        b'{"blind": "%s", "keys": [{"id": "a$b", "since": "2026-01-01T00:00:00Z", "secret": "%s"}]}',
        b'{"blind": "%s", "keys": [{"id": "a", "since": "yesterday", "secret": "%s"}]}',
        b'{"blind": "%s", "keys": [{"id": "a", "since": "2026-01-01T00:00:00Z", "secret": "c2hvcnQ="}]}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_refused_without_a_word_of_its_secrets(key_file: KeyFile, content: bytes) -> None:
    secret = base64.b64encode(os.urandom(32))
    key_file.path.write_bytes(content.replace(b"%s", secret))
    with pytest.raises(KeyFileFault, match="damaged") as refused:
        key_file.read()
    assert secret.decode() not in str(refused.value)


def test_rotations_at_the_same_time_lose_no_key(key_file: KeyFile) -> None:
    threads = [threading.Thread(target=key_file.rotate, args=(datetime.now(UTC),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(key_file.read().keys) == 9


def test_creating_where_there_are_keys_keeps_them(key_file: KeyFile) -> None:
    assert key_file.create() == key_file.read() == key_file.create()
