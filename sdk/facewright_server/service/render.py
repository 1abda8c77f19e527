"""`RenderService`: a character in; one frame with its passes and landmarks out, or the frames of a clip."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc

from facewright.v1 import character_pb2, render_pb2, render_pb2_grpc
from facewright_models.look import View
from facewright_models.rig import Character, RigSchema
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import AnswerTooLargeError, InvalidRequestError
from facewright_server.service.frames import read_clip, read_encoding, read_preset, read_size_px, read_stage
from facewright_server.service.reading import at_field, expression_fields, read_character
from facewright_server.service.skin import SkinFiles, SkinTextures
from facewright_server.service.writing import render_message

__all__ = ["RenderServicer"]

_PASSES = {
    render_pb2.RENDER_PASS_COLOR: "color",
    render_pb2.RENDER_PASS_LABELS: "labels",
    render_pb2.RENDER_PASS_DEPTH: "depth",
    render_pb2.RENDER_PASS_NORMALS: "normals",
}


class RenderServicer(render_pb2_grpc.RenderServiceServicer):
    """See render.proto."""

    def __init__(self, engine: Engine, config: ServerConfig, media: SkinFiles | None = None) -> None:
        """`media` has the skins that characters name."""
        self._engine = engine
        self._config = config
        self._skins = SkinTextures(engine, media)

    async def Render(  # noqa: N802 - the name in the proto
        self,
        request: render_pb2.RenderRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> render_pb2.RenderResponse:
        """One frame."""
        passes = _read_passes(request)
        preset = read_preset(request.preset)
        size_px = read_size_px(request, self._config.max_frame_px)
        stage = read_stage(request)
        character, _ = await self._read_character(request)
        with expression_fields(request.expression):
            rendered = await self._engine.render(
                character,
                expression=dict(request.expression),
                view=View(
                    yaw_degrees=request.view.yaw_degrees,
                    pitch_degrees=request.view.pitch_degrees,
                    stage=stage,
                ),
                size_px=size_px,
                passes=passes,
                preset=preset,
            )
        answer = await self._engine.code(lambda: render_message(rendered, size_px=size_px))
        _check_size(answer.ByteSize(), self._config.max_message_bytes)
        return answer

    async def StreamFrames(  # noqa: N802 - the name in the proto
        self,
        request: render_pb2.StreamFramesRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> AsyncGenerator[render_pb2.StreamFramesResponse, None]:
        """Streams. Leaving the stream in any way ends the drawing; all that is wrong is told before a frame is."""
        encode = read_encoding(request)
        size_px = read_size_px(request, self._config.max_frame_px)
        preset = read_preset(request.preset) or "draft"
        stage = read_stage(request)
        character, schema = await self._read_character(request)
        with at_field("clip"):
            clip = await self._engine.code(lambda: read_clip(request, schema, self._config, stage=stage))
        contents = self._engine.stream_frames(character, clip, size_px=size_px, preset=preset, encode=encode)
        index = 0
        async with aclosing(contents):
            async for content in contents:
                yield render_pb2.StreamFramesResponse(
                    index=index, time_secs=clip.times_secs[index], content=content, size_px=size_px
                )
                index += 1

    async def _read_character(
        self, request: render_pb2.RenderRequest | render_pb2.StreamFramesRequest
    ) -> tuple[Character, RigSchema]:
        if not request.HasField("character"):
            raise InvalidRequestError("the request has no character", field="character")
        message: character_pb2.Character = request.character
        schema = await self._engine.schema(message.rig or self._config.default_rig)
        with at_field("character"):
            return read_character(message, schema, await self._skins.of(message)), schema


def _check_size(byte_count: int, most: int) -> None:
    if byte_count > most:
        raise AnswerTooLargeError(
            f"the passes take {byte_count:,} bytes, and a message at most {most:,}; ask for fewer passes at "
            "once or a smaller size",
            metadata={"bytes": str(byte_count), "max_bytes": str(most)},
        )


def _read_passes(request: render_pb2.RenderRequest) -> frozenset[str]:
    for index, number in enumerate(request.passes):
        if number not in _PASSES:
            raise InvalidRequestError(
                f"passes[{index}] has the number {number}; expected one of {', '.join(_PASSES.values())}",
                field=f"passes[{index}]",
            )
    return frozenset(_PASSES[number] for number in request.passes) or frozenset({"color"})
