"""The file of a character's own skin: found beside the save file, and sent to the server before it is drawn."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

from facewright.character import Character
from facewright.client import Client

__all__ = ["SKIN_FILE", "send_skin"]

SKIN_FILE = "skin.png"
_MAX_FILES = 100
_MAX_BYTES = 8 * 1024 * 1024
_UPLOADS = uuid.UUID("6f0f1f43-6f9c-4a53-8f5c-0f6f6a0c7a11")


def send_skin(client: Client, character: Character, path: Path) -> Path | None:
    """Upload the skin that the character names, when a PNG beside its file has that hash; returns that file.

    The server keeps it once, however often it is sent. One that is not there is left to the server, which may have
    it from a fit, and otherwise says what to do. Raises like `Client.upload_media`.
    """
    if not character.skin_texture:
        return None
    file = _beside(path, character.skin_texture)
    if file is not None:
        request_id = str(uuid.uuid5(_UPLOADS, character.skin_texture))
        client.upload_media(file, display_name=SKIN_FILE, request_id=request_id)
    return file


def _beside(path: Path, sha256: str) -> Path | None:
    """The PNG with that hash in the folder of `path`; the usual name is tried first."""
    folder = path.absolute().parent
    others = sorted(folder.glob("*.png"))[:_MAX_FILES]
    for file in (folder / SKIN_FILE, *others):
        if not file.is_file() or file.stat().st_size > _MAX_BYTES:
            continue
        if hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
            return file
    return None
