"""Reads the save file back out of a binary glTF file that an export wrote.

Only the container and its JSON are looked at: meshes may have been changed by other tools since.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from typing import Any, BinaryIO

from facewright.errors import CharacterFileError

__all__ = ["MAGIC", "character_text"]

MAGIC = b"glTF"

_KEY = "facewright"
_FORMAT = 1
_VERSION = 2
_JSON_CHUNK = b"JSON"
_MAX_JSON_BYTES = 64 * 1024 * 1024


def character_text(file: BinaryIO) -> str:
    """The text of the save file in a seekable GLB file, as it was exported. Raises `CharacterFileError`."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    document = _document(file, size)
    extras = _facewright_extras(document)
    if extras.get("format") != _FORMAT:
        raise _refusal(
            f"its character is in format {extras.get('format')!r}, and this version reads {_FORMAT}; update facewright"
        )
    text = extras.get("character_json")
    if not isinstance(text, str):
        raise _refusal("its scene's extras have no character_json")
    if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != extras.get("sha256"):
        raise _refusal("the character inside is damaged: it does not match its checksum; export it again")
    return text


def _document(file: BinaryIO, size: int) -> Any:
    """The JSON of the file, after every length in it was checked against the file's own."""
    header = file.read(12)
    if len(header) < 12 or header[:4] != MAGIC:
        raise _refusal("it does not begin like a GLB file")
    version, length = struct.unpack("<II", header[4:])
    if version != _VERSION:
        raise _refusal(f"it is glTF version {version}; expected {_VERSION}")
    if length != size:
        raise _refusal(f"it has {size:,} bytes and announces {length:,}: it is cut short or damaged")
    text = b""
    position = 12
    while position < size:
        file.seek(position)
        chunk = file.read(8)
        if len(chunk) < 8:
            raise _refusal("it ends inside a chunk's header")
        (chunk_bytes,) = struct.unpack("<I", chunk[:4])
        if chunk_bytes > size - position - 8:
            raise _refusal("one of its chunks is longer than the file: it is damaged")
        if position == 12:
            if chunk[4:] != _JSON_CHUNK or chunk_bytes > _MAX_JSON_BYTES:
                raise _refusal("its first chunk is no JSON of a reasonable size")
            text = file.read(chunk_bytes)
        position += 8 + chunk_bytes
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(f"its JSON cannot be read ({' '.join(str(error).split())})") from error


def _facewright_extras(document: Any) -> dict[str, Any]:
    """What the first scene that has something says; an export has one scene, a tool may have added others."""
    scenes = document.get("scenes") if isinstance(document, dict) else None
    for scene in scenes if isinstance(scenes, list) else ():
        extras = scene.get("extras") if isinstance(scene, dict) else None
        ours = extras.get(_KEY) if isinstance(extras, dict) else None
        if isinstance(ours, dict):
            return ours
    raise _refusal("it holds no character; expected a file that 'facewright export' wrote")


def _refusal(why: str) -> CharacterFileError:
    return CharacterFileError(
        f"no character can be read from the GLB file: {why}", reason="INVALID_CHARACTER_FILE"
    )
