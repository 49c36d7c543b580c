"""Sealed files: whole, in order and at their place, or not at all."""

import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.at_rest import AtRest
from mappers.keyring import TAG_BYTES, Keyring, UnopenableError, place
from mappers.sealed_files import CHUNK, HEAD_BYTES, SealedWriter, opened, plain_size, verify

HERE = place("fhir_job", "output", "job-1", "Patient.ndjson")
BLOCK = CHUNK + TAG_BYTES


def sealed(keyring: Keyring, plain: bytes, step: int = 10_000) -> bytes:
    """A sealed file, written in steps of so many bytes."""
    file = io.BytesIO()
    with SealedWriter(file, keyring, HERE) as writer:
        for start in range(0, len(plain), step):
            writer.write(plain[start : start + step])
    return file.getvalue()


def told(keyring: Keyring, stored: bytes, context: bytes = HERE) -> bytes:
    """What a sealed file says."""
    return b"".join(opened(io.BytesIO(stored), keyring, context))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    size=st.one_of(
        st.integers(0, 300), st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
    ),
    step=st.sampled_from([1000, CHUNK, 3 * CHUNK]),
)
def test_a_file_opens_as_it_was_written(keyring: Keyring, size: int, step: int) -> None:
    plain = bytes(i * 31 % 251 for i in range(size))
    stored = sealed(keyring, plain, step)
    assert told(keyring, stored) == plain
    assert plain_size(len(stored)) == size
    assert verify(io.BytesIO(stored), keyring, HERE) == size
    assert max((len(c) for c in opened(io.BytesIO(stored), keyring, HERE)), default=0) <= CHUNK


CHUNKS = bytes(3 * CHUNK + 100)


def head_and_blocks(stored: bytes) -> tuple[bytes, list[bytes]]:
    """A file's head, and its chunks as they are stored."""
    body = stored[HEAD_BYTES:]
    return stored[:HEAD_BYTES], [body[i : i + BLOCK] for i in range(0, len(body), BLOCK)]


@pytest.mark.parametrize(
    "mangle",
    [
        lambda blocks: blocks[:-1],
        lambda blocks: blocks[:1],
        lambda blocks: [],
        lambda blocks: [blocks[1], blocks[0], *blocks[2:]],
        lambda blocks: [blocks[0], blocks[0], *blocks[1:]],
        lambda blocks: blocks[1:],
        lambda blocks: [*blocks, blocks[-1]],
        lambda blocks: [*blocks, b"more"],
        lambda blocks: [*blocks[:-1], blocks[-1][:-1]],
        lambda blocks: [blocks[0][:50] + bytes([blocks[0][50] ^ 1]) + blocks[0][51:], *blocks[1:]],
    ],
    ids=[
        "the end is missing",
        "only the beginning",
        "nothing but the head",
        "swapped",
        "repeated",
        "the beginning is missing",
        "the end twice",
        "goes on",
        "cut",
        "changed",
    ],
)
def test_a_mangled_file_does_not_open(keyring: Keyring, mangle: Callable[[list[bytes]], list[bytes]]) -> None:
    head, blocks = head_and_blocks(sealed(keyring, CHUNKS))
    assert len(blocks) == 4
    with pytest.raises(UnopenableError):
        told(keyring, head + b"".join(mangle(blocks)))


def test_chunks_of_another_file_do_not_open(keyring: Keyring) -> None:
    head, blocks = head_and_blocks(sealed(keyring, CHUNKS))
    _, others = head_and_blocks(sealed(keyring, CHUNKS))
    with pytest.raises(UnopenableError):
        told(keyring, head + blocks[0] + b"".join(others[1:]))


def test_a_file_at_another_place_does_not_open(keyring: Keyring) -> None:
    with pytest.raises(UnopenableError):
        told(keyring, sealed(keyring, b"rows"), place("fhir_job", "output", "job-2", "Patient.ndjson"))


def interrupted(file: io.BytesIO, keyring: Keyring) -> None:
    """Writes some chunks, and then fails."""
    with SealedWriter(file, keyring, HERE) as writer:
        writer.write(CHUNKS)
        raise InterruptedError


def test_a_file_whose_writer_failed_is_not_whole(keyring: Keyring) -> None:
    file = io.BytesIO()
    with pytest.raises(InterruptedError):
        interrupted(file, keyring)
    assert len(file.getvalue()) > 2 * CHUNK
    with pytest.raises(UnopenableError):
        verify(io.BytesIO(file.getvalue()), keyring, HERE)


def test_an_old_keys_file_opens_after_a_rotation(keyring: Keyring, rotated: Callable[[], Keyring]) -> None:
    before = sealed(keyring, CHUNKS)
    assert told(rotated(), before) == CHUNKS


@pytest.mark.parametrize("stored", [b"", b"plain text", b"\x1f\x8b" + bytes(200)])
def test_what_is_no_sealed_file_is_told_so(keyring: Keyring, stored: bytes) -> None:
    with pytest.raises(UnopenableError, match="no sealed file"):
        told(keyring, stored)


def test_files_and_texts_are_kept_sealed_only_where_there_are_keys(keyring: Keyring) -> None:
    for kept, is_clear in ((AtRest(), True), (AtRest(keyring), False), (AtRest(keyring, seals=False), True)):
        file = io.BytesIO()
        with kept.writing(file, HERE) as writer:
            writer.write(b"a line\n")
        file.seek(0)
        assert b"".join(kept.reading(file, HERE)) == b"a line\n"
        assert (b"a line" in file.getvalue()) is is_clear
        text = kept.kept('{"value":1.10}', HERE)
        assert kept.told(text, HERE) == '{"value":1.10}'
        assert (text == '{"value":1.10}') is is_clear


def test_what_was_kept_in_clear_and_what_was_sealed_are_told_side_by_side(keyring: Keyring) -> None:
    sealing, off = AtRest(keyring), AtRest(keyring, seals=False)
    long = "김" * 5000
    text = sealing.kept(long, HERE)
    assert off.told(text, HERE) == long
    assert len(text) < 2000
    assert sealing.told("clear", HERE) == "clear"
    with pytest.raises(UnopenableError, match="no keys"):
        AtRest().told(text, HERE)
    with pytest.raises(ValueError, match="mark"):
        off.kept(text, HERE)
    assert sealing.told(sealing.kept(text, HERE), HERE) == text
