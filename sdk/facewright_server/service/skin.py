"""A character's own skin: found in the caller's media by its hash, kept there after a fit."""

import asyncio
import re
from collections import OrderedDict
from typing import Protocol

from facewright.v1 import character_pb2
from facewright_models.errors import SkinTextureError
from facewright_models.rig import SkinTexture, read_skin_texture
from facewright_server.engine import Engine
from facewright_server.errors import UnknownMediaError
from facewright_server.media.records import MediaRecord
from facewright_server.security.identity import current_client

__all__ = ["BlockingSkinFiles", "SkinFiles", "SkinTextures", "read_skin"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_FILE_BYTES = 8 * 1024 * 1024
_KEPT = 8


class SkinFiles(Protocol):
    """What skins ask of the store of media; `MediaStore` has it."""

    async def find(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """A complete file with those bytes, or None. Raises `StorageError`."""
        ...

    async def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """Raises `UnknownMediaError`, `InvalidRequestError` when larger, `StorageError`."""
        ...

    async def put(self, content: bytes, *, owner: str, display_name: str, content_type: str) -> MediaRecord:
        """Keep a file. Raises `StorageError`."""
        ...


class BlockingSkinFiles(Protocol):
    """The same for worker processes; `MediaStore` has it, too."""

    def find_blocking(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """See `SkinFiles.find`."""
        ...

    def read_blocking(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """See `SkinFiles.read`."""
        ...


class SkinTextures:
    """Reads and keeps skins for the services; the latest ones stay decoded. Used on the event loop."""

    def __init__(self, engine: Engine, media: SkinFiles | None) -> None:
        self._engine = engine
        self._media = media
        self._kept: OrderedDict[str, SkinTexture] = OrderedDict()

    async def of(self, message: character_pb2.Character) -> SkinTexture | None:
        """The skin that a character names, None where it names none.

        Raises `SkinTextureError` for a name that is no hash, a file that the caller has not on this server, or one
        that is no skin; `StorageError`.
        """
        sha256 = _hash_in(message)
        if not sha256:
            return None
        owner = current_client().name
        record = None if self._media is None else await self._media.find(sha256, owner=owner)
        if self._media is None or record is None:
            raise _missing(sha256)
        if sha256 in self._kept:
            self._kept.move_to_end(sha256)
            return self._kept[sha256]
        try:
            content = await self._media.read(record.name, owner=owner, max_bytes=_MAX_FILE_BYTES)
        except UnknownMediaError as error:
            raise _missing(sha256) from error
        texture = await self._engine.code(lambda: read_skin_texture(content))
        self._kept[sha256] = texture
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return texture

    async def keep(self, content: bytes) -> str:
        """Put the file of a fitted skin among the caller's media; its name there. Raises `StorageError`."""
        if self._media is None:
            return ""
        kept = asyncio.ensure_future(
            self._media.put(
                content,
                owner=current_client().name,
                display_name="skin_texture.png",
                content_type="image/png",
            )
        )
        return (await asyncio.shield(kept)).name


def read_skin(
    message: character_pb2.Character, files: BlockingSkinFiles, *, owner: str
) -> SkinTexture | None:
    """`SkinTextures.of` for worker processes."""
    sha256 = _hash_in(message)
    if not sha256:
        return None
    record = files.find_blocking(sha256, owner=owner)
    if record is None:
        raise _missing(sha256)
    try:
        content = files.read_blocking(record.name, owner=owner, max_bytes=_MAX_FILE_BYTES)
    except UnknownMediaError as error:
        raise _missing(sha256) from error
    return read_skin_texture(content)


def _hash_in(message: character_pb2.Character) -> str:
    sha256: str = message.skin_texture
    if sha256 and not _SHA256.fullmatch(sha256):
        raise SkinTextureError(
            f"skin_texture is {sha256[:80]!r}; expected the SHA-256 of a file in 64 lower-case hexadecimals",
            field="skin_texture",
        )
    return sha256


def _missing(sha256: str) -> SkinTextureError:
    return SkinTextureError(
        f"the character's skin texture {sha256} is not among your media on this server; upload the PNG that the fit "
        "wrote beside character.json (upload_media, facewright media upload), or clear skin_texture for a painted skin",
        field="skin_texture",
        metadata={"sha256": sha256},
    )
