"""`ExportService`: a character in, the files of an engine out."""

import hashlib
from collections.abc import Mapping

import grpc
from google.protobuf import json_format

from facewright.v1 import character_pb2, export_pb2, export_pb2_grpc
from facewright_models.export import ExportOptions
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import AnswerTooLargeError, InvalidRequestError
from facewright_server.service.reading import at_field, expression_fields, read_character
from facewright_server.service.skin import SkinFiles, SkinTextures

__all__ = ["ExportServicer"]

_DEFAULT_NAME = "character"
_EXTRAS_FORMAT = 1
_IS_OBJ = {
    export_pb2.EXPORT_FORMAT_UNSPECIFIED: False,
    export_pb2.EXPORT_FORMAT_GLB: False,
    export_pb2.EXPORT_FORMAT_OBJ: True,
}
_ENVELOPE_BYTES = 4096
"""Room in the answer for what is not content of files."""


class ExportServicer(export_pb2_grpc.ExportServiceServicer):
    """See export.proto."""

    def __init__(self, engine: Engine, config: ServerConfig, media: SkinFiles | None = None) -> None:
        """`media` has the skins that characters name."""
        self._engine = engine
        self._config = config
        self._skins = SkinTextures(engine, media)

    async def Export(  # noqa: N802 - the name in the proto
        self,
        request: export_pb2.ExportRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> export_pb2.ExportResponse:
        """One character as files."""
        if not request.HasField("character"):
            raise InvalidRequestError("the request has no character", field="character")
        if request.format not in _IS_OBJ:
            raise InvalidRequestError(
                f"format has the number {request.format}; expected GLB or OBJ", field="format"
            )
        schema = await self._engine.schema(request.character.rig or self._config.default_rig)
        with at_field("character"):
            skin_texture = await self._skins.of(request.character)
            character = read_character(request.character, schema, skin_texture)
        name = request.name or _DEFAULT_NAME
        options = ExportOptions(
            expression=dict(request.expression),
            has_morphs=not request.omit_morphs,
            has_eye_morphs=request.include_eye_morphs,
        )
        files: Mapping[str, bytes]
        with expression_fields(request.expression):
            if _IS_OBJ[request.format]:
                files = await self._engine.export_obj(character, name=name, options=options)
            else:
                extras = _extras(request.character, rig=character.rig, rig_version=character.rig_version)
                content = await self._engine.export_glb(character, name=name, options=options, extras=extras)
                files = {f"{name}.glb": content}
        _check_size(sum(map(len, files.values())), self._config.max_message_bytes)
        return export_pb2.ExportResponse(
            files=[export_pb2.ExportedFile(name=name, content=content) for name, content in files.items()]
        )


def _extras(character: character_pb2.Character, *, rig: str, rig_version: str) -> dict[str, object]:
    """What a GLB says of where it came from: the text of the save file, as it came; rig and version where unset.

    A text and not an object: tools that write the scene again may round numbers, and leave texts alone.
    """
    saved = character_pb2.Character()
    saved.CopyFrom(character)
    saved.rig, saved.rig_version = saved.rig or rig, saved.rig_version or rig_version
    text = json_format.MessageToJson(saved, indent=2, sort_keys=True) + "\n"
    return {
        "format": _EXTRAS_FORMAT,
        "character_json": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _check_size(byte_count: int, most: int) -> None:
    if byte_count > most - _ENVELOPE_BYTES:
        raise AnswerTooLargeError(
            f"the files take {byte_count:,} bytes, and a message at most {most:,}; leave out the morphs, or let the "
            "server send larger messages (max_message_bytes)",
            metadata={"bytes": str(byte_count), "max_bytes": str(most)},
        )
