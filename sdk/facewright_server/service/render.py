"""`RenderService`: a character in, one frame with its passes and landmarks out."""

import grpc

from facewright.v1 import render_pb2, render_pb2_grpc
from facewright_models.look import View
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import AnswerTooLargeError, InvalidRequestError
from facewright_server.service.reading import at_field, expression_fields, read_character
from facewright_server.service.writing import render_message

__all__ = ["RenderServicer"]

_DEFAULT_SIZE_PX = 512
_PASSES = {
    render_pb2.RENDER_PASS_COLOR: "color",
    render_pb2.RENDER_PASS_LABELS: "labels",
    render_pb2.RENDER_PASS_DEPTH: "depth",
    render_pb2.RENDER_PASS_NORMALS: "normals",
}


class RenderServicer(render_pb2_grpc.RenderServiceServicer):
    """See render.proto."""

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self._engine = engine
        self._config = config

    async def Render(  # noqa: N802 - the name in the proto
        self,
        request: render_pb2.RenderRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> render_pb2.RenderResponse:
        """One frame."""
        if not request.HasField("character"):
            raise InvalidRequestError("the request has no character", field="character")
        passes = _read_passes(request)
        schema = await self._engine.schema(request.character.rig or self._config.default_rig)
        with at_field("character"):
            character = read_character(request.character, schema)
        size_px = request.size_px if request.HasField("size_px") else _DEFAULT_SIZE_PX
        with expression_fields(request.expression):
            rendered = await self._engine.render(
                character,
                expression=dict(request.expression),
                view=View(yaw_degrees=request.view.yaw_degrees, pitch_degrees=request.view.pitch_degrees),
                size_px=size_px,
                passes=passes,
            )
        answer = await self._engine.code(lambda: render_message(rendered, size_px=size_px))
        _check_size(answer.ByteSize(), self._config.max_message_bytes)
        return answer


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
