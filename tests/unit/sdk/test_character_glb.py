"""A GLB handed back: the character comes out whole, or a clear error does."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from facewright import Character, Color
from facewright.errors import CharacterFileError

CHARACTER = Character(
    "anny",
    "1.0.0",
    {"nose-hump": 0.1234567890123, "age": 1.0},
    {"hair": "bob"},
    {"skin": Color(0.5, 0.25, 0.0)},
)
TEXT = CHARACTER.to_json()


def extras(text: str = TEXT, **changes: Any) -> dict[str, Any]:
    ours = {
        "format": 1,
        "character_json": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        **changes,
    }
    return {"facewright": {key: value for key, value in ours.items() if value is not None}}


def glb(document: Any, *, binary: bytes = b"1234", kind: bytes = b"JSON", version: int = 2) -> bytes:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I", len(text)) + kind + text + struct.pack("<I", len(binary)) + b"BIN\0" + binary
    return b"glTF" + struct.pack("<II", version, 12 + len(chunks)) + chunks


def whole(**changes: Any) -> bytes:
    return glb({"asset": {"version": "2.0"}, "scenes": [{"extras": extras(**changes)}]})


def test_the_character_comes_back_from_bytes_and_from_a_file(tmp_path: Path) -> None:
    assert Character.from_glb(whole()) == CHARACTER
    (tmp_path / "me.glb").write_bytes(whole())
    assert Character.from_file(tmp_path / "me.glb").to_json() == TEXT


def test_a_save_file_is_still_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "me.json").write_text(TEXT)
    assert Character.from_file(tmp_path / "me.json") == CHARACTER


@pytest.mark.parametrize("content", [TEXT.encode(), whole()], ids=["json", "glb"])
def test_a_pipe_is_read_like_a_file(content: bytes) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, content)
    os.close(theirs)
    try:
        assert Character.from_file(f"/dev/fd/{ours}") == CHARACTER
    finally:
        os.close(ours)


def test_scenes_that_a_tool_added_and_other_extras_are_passed_over() -> None:
    document = {
        "scenes": [{}, {"extras": {"facewright": 3}}, {"extras": {**extras(), "mine": 1}}, {"extras": {}}]
    }
    assert Character.from_glb(glb(document)) == CHARACTER


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin like a GLB"),
        (b"glTF", "does not begin like a GLB"),
        (b"RIFF" + whole()[4:], "does not begin like a GLB"),
        (glb({}, version=1), "glTF version 1"),
        (whole()[:-1], "cut short"),
        (whole() + b"\0", "damaged"),
        (whole()[:12], "cut short"),
        (glb({}, kind=b"BIN\0"), "no JSON"),
        (glb(b"{]"), "JSON cannot be read"),
        (glb(b"[" * 100_000), "JSON cannot be read"),
        (glb(b'\xff\xfe"'), "JSON cannot be read"),
        (glb([1, 2]), "holds no character"),
        (glb({"scenes": {"extras": 1}}), "holds no character"),
        (glb({"scenes": [[], {"extras": []}]}), "holds no character"),
        (glb({"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}]}), "holds no character"),
        (whole(format=2), "format 2"),
        (whole(format=None), "format None"),
        (whole(character_json=None), "no character_json"),
        (whole(character_json=5), "no character_json"),
        (whole(sha256="0" * 64), "checksum"),
        (whole(sha256=None), "checksum"),
        (whole(text="{}["), "not a character file"),
        (whole(text='{"noSuchField": 1}'), "not a character file"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_export_of_ours_is_refused_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(CharacterFileError, match=words) as caught:
        Character.from_glb(content)
    assert caught.value.reason == "INVALID_CHARACTER_FILE"


def test_a_chunk_longer_than_the_file_is_refused() -> None:
    content = bytearray(whole())
    content[12:16] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(CharacterFileError, match="longer than the file"):
        Character.from_glb(bytes(content))


def test_a_file_that_ends_inside_the_header_of_a_chunk_is_refused() -> None:
    content = whole() + b"\1\2\3\4"
    content = content[:8] + struct.pack("<I", len(content)) + content[12:]
    with pytest.raises(CharacterFileError, match="inside a chunk's header"):
        Character.from_glb(content)


def test_truncated_anywhere_it_is_refused() -> None:
    content = whole()
    for length in range(0, len(content), 7):
        with pytest.raises(CharacterFileError):
            Character.from_glb(content[:length])


def test_with_any_byte_changed_it_is_the_same_character_or_refused() -> None:
    content, generator = whole(), random.Random(4)
    refused = 0
    for _ in range(1500):
        changed = bytearray(content)
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
        try:
            assert Character.from_glb(bytes(changed)) == CHARACTER
        except CharacterFileError:
            refused += 1
    assert refused > 1000
