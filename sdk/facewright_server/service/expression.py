"""`ExpressionService`: a photo or a character in, its frames with other expressions out, live or as a video."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from functools import partial
from typing import Protocol

import grpc
import numpy as np
from google.longrunning import operations_pb2

from facewright.v1 import expression_pb2, expression_pb2_grpc
from facewright_models.expression import REST_DEGREES, Timeline
from facewright_models.expression.prompts import CAPTURE_PROMPTS
from facewright_server.animating import FaceSource
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.security.identity import current_client
from facewright_server.service.expression_reading import (
    SourceFiles,
    check_source,
    is_character,
    read_motion,
    read_shot,
    read_source,
)
from facewright_server.service.expression_videos import ExpressionVideos
from facewright_server.service.frames import read_encoding
from facewright_server.service.reading import at_field, read_character
from facewright_server.service.skin import SkinFiles, SkinTextures
from facewright_server.service.writing import capture_prompt_message, degrees_entries, warning_messages

__all__ = ["ExpressionServicer"]

Encode = Callable[[np.ndarray], bytes]


class ExpressionFiles(SourceFiles, SkinFiles, Protocol):
    """What the service asks of the store of media; `MediaStore` has it."""


class ExpressionServicer(expression_pb2_grpc.ExpressionServiceServicer):
    """See expression.proto."""

    def __init__(
        self,
        engine: Engine,
        config: ServerConfig,
        videos: ExpressionVideos,
        media: ExpressionFiles | None = None,
    ) -> None:
        """`media` has the photos and videos that requests name, and the skins of characters."""
        self._engine = engine
        self._config = config
        self._videos = videos
        self._media = media
        self._skins = SkinTextures(engine, media)

    async def StreamExpressionFrames(  # noqa: N802 - the name in the proto
        self,
        request: expression_pb2.StreamExpressionFramesRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> AsyncGenerator[expression_pb2.StreamExpressionFramesResponse, None]:
        """Streams. Leaving the stream in any way ends the drawing; all that is wrong is told before a frame is."""
        encode = read_encoding(request)
        with at_field("source"):
            check_source(request.source)
        with at_field("motion"):
            timeline = await self._engine.code(lambda: read_motion(request.motion, self._config))
        animated = self._character if is_character(request.source) else self._photo
        async with aclosing(animated(request.source, timeline, encode)) as answers:
            async for answer in answers:
                yield answer

    async def GenerateExpressionVideo(  # noqa: N802 - the name in the proto
        self,
        request: expression_pb2.GenerateExpressionVideoRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> operations_pb2.Operation:
        """An operation; see `expression_videos`."""
        return await self._videos.start(request)

    async def ListCapturePrompts(  # noqa: N802 - the name in the proto
        self,
        request: expression_pb2.ListCapturePromptsRequest,  # noqa: ARG002
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> expression_pb2.ListCapturePromptsResponse:
        """Always the same."""
        return expression_pb2.ListCapturePromptsResponse(
            prompts=[capture_prompt_message(prompt) for prompt in CAPTURE_PROMPTS]
        )

    async def _photo(
        self, source: expression_pb2.ExpressionSource, timeline: Timeline, encode: Encode
    ) -> AsyncGenerator[expression_pb2.StreamExpressionFramesResponse, None]:
        animation = self._engine.animation
        with animation.reserve() as place:
            with at_field("source"):
                opened = await animation.open(await self._read(source), place)
            degrees = await self._engine.code(lambda: timeline.degrees(opened.face.own))
            yield _started(
                expression_pb2.ExpressionStart(
                    own_degrees=degrees_entries(opened.face.own),
                    notices=warning_messages(opened.notices),
                    width=opened.width,
                    height=opened.height,
                    frame_count=timeline.frame_count,
                    frame_index=opened.frame_index,
                )
            )
            async with aclosing(animation.frames(opened, degrees, encode=encode)) as contents:
                async for answer in _numbered(contents, timeline):
                    yield answer

    async def _character(
        self, source: expression_pb2.ExpressionSource, timeline: Timeline, encode: Encode
    ) -> AsyncGenerator[expression_pb2.StreamExpressionFramesResponse, None]:
        with at_field("source"):
            with at_field("shot"):
                shot = read_shot(source.shot, self._config, preset="draft")
            schema = await self._engine.schema(source.character.rig or self._config.default_rig)
            with at_field("character"):
                skin = await self._skins.of(source.character)
                character = read_character(source.character, schema, skin)
            clip = await self._engine.code(lambda: shot.clip_of(schema, timeline))
        frames = self._engine.stream_frames(
            character, clip, size_px=shot.size_px, preset=shot.preset, encode=encode
        )
        async with aclosing(frames) as contents:
            answers = _numbered(contents, timeline)
            first = await anext(answers)  # a renderer that cannot be made is told before anything else
            yield _started(
                expression_pb2.ExpressionStart(
                    own_degrees=degrees_entries(REST_DEGREES),
                    width=shot.size_px,
                    height=shot.size_px,
                    frame_count=timeline.frame_count,
                )
            )
            yield first
            async for answer in answers:
                yield answer

    async def _read(self, source: expression_pb2.ExpressionSource) -> FaceSource:
        """Off the event loop, and off the threads that encode frames: a store may take its time."""
        read = partial(
            read_source,
            source,
            self._config,
            self._engine.decode_photo_here,
            self._media,
            owner=current_client().name,
        )
        return await asyncio.to_thread(read)


def _started(start: expression_pb2.ExpressionStart) -> expression_pb2.StreamExpressionFramesResponse:
    return expression_pb2.StreamExpressionFramesResponse(start=start)


async def _numbered(
    contents: AsyncIterable[bytes], timeline: Timeline
) -> AsyncGenerator[expression_pb2.StreamExpressionFramesResponse, None]:
    times = iter(enumerate(timeline.times_secs))
    async for content in contents:
        index, time_secs = next(times)
        yield expression_pb2.StreamExpressionFramesResponse(
            frame=expression_pb2.ExpressionFrame(index=index, time_secs=time_secs, content=content)
        )
