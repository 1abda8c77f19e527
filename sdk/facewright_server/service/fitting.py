"""`FittingService`: photos in, one character per person out; characters edited. Progress first, then results."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

import grpc
from google.longrunning import operations_pb2

from facewright.v1 import fitting_pb2, fitting_pb2_grpc
from facewright_models.fitting import FitProgress, plan_refit
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError
from facewright_server.execution import CancelToken, FitPlace
from facewright_server.service.batch_fitting import BatchFitting
from facewright_server.service.photos import PhotoFiles, PhotoReader
from facewright_server.service.reading import at_field, read_fit_options, read_refit
from facewright_server.service.skin import SkinTextures
from facewright_server.service.writing import fit_result_message, progress_message, refit_result_message

__all__ = ["FittingServicer"]

T = TypeVar("T")


class FittingServicer(fitting_pb2_grpc.FittingServiceServicer):
    """See fitting.proto."""

    def __init__(
        self,
        engine: Engine,
        config: ServerConfig,
        batch_fitting: BatchFitting,
        media: PhotoFiles | None = None,
    ) -> None:
        """`media` has the photos that requests name; without it they must bring their content."""
        self._engine = engine
        self._config = config
        self._batch_fitting = batch_fitting
        self._photos = PhotoReader(engine, config, media)
        self._skins = SkinTextures(engine, media)

    async def Fit(  # noqa: N802 - the name in the proto
        self, request: fitting_pb2.FitRequest, context: grpc.aio.ServicerContext
    ) -> AsyncGenerator[fitting_pb2.FitResponse, None]:
        """Streams. Leaving the stream in any way stops the work."""
        token = CancelToken(timeout_secs=self._time_limit_secs(context))
        with self._engine.reserve_fit() as place:
            async with aclosing(self._fitted(request, token, place)) as answers:
                async for answer in answers:
                    yield answer

    async def RefitCharacter(  # noqa: N802 - the name in the proto
        self, request: fitting_pb2.RefitCharacterRequest, context: grpc.aio.ServicerContext
    ) -> AsyncGenerator[fitting_pb2.RefitCharacterResponse, None]:
        """Streams, likewise."""
        token = CancelToken(timeout_secs=self._time_limit_secs(context))
        with self._engine.reserve_fit() as place:
            async with aclosing(self._refitted(request, token, place)) as answers:
                async for answer in answers:
                    yield answer

    async def BatchFit(  # noqa: N802 - the name in the proto
        self,
        request: fitting_pb2.BatchFitRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> operations_pb2.Operation:
        """An operation; see `batch_fitting`."""
        return await self._batch_fitting.start(request)

    async def _fitted(
        self, request: fitting_pb2.FitRequest, token: CancelToken, place: FitPlace
    ) -> AsyncGenerator[fitting_pb2.FitResponse, None]:
        schema = await self._engine.schema(request.rig or self._config.default_rig)
        with at_field("options"):
            options = read_fit_options(request.options, schema)
        subjects = await self._photos.subjects(request.subjects)
        fit = partial(self._engine.fit, schema.name, subjects, options=options, token=token, place=place)
        async with aclosing(_followed(lambda told: fit(on_progress=told), token)) as events:
            async for event in events:
                if isinstance(event, FitProgress):
                    yield fitting_pb2.FitResponse(progress=progress_message(event))
                    continue
                for index, result in enumerate(event):
                    message = await self._engine.code(partial(fit_result_message, result, subject=index))
                    if result.skin_texture_png is not None:
                        message.skin_texture_media = await self._skins.keep(result.skin_texture_png)
                    yield fitting_pb2.FitResponse(result=message)

    async def _refitted(
        self, request: fitting_pb2.RefitCharacterRequest, token: CancelToken, place: FitPlace
    ) -> AsyncGenerator[fitting_pb2.RefitCharacterResponse, None]:
        if not request.HasField("character"):
            raise InvalidRequestError("the request has no character", field="character")
        schema = await self._engine.schema(request.character.rig or self._config.default_rig)
        asked = read_refit(request, schema)
        plan_refit(schema, asked)  # before photos are read
        with at_field("character"):
            skin = await self._skins.of(request.character)
        refit = replace(asked, character=replace(asked.character, skin_texture=skin))
        if asked.subject is not None:
            refit = replace(refit, subject=await self._photos.subject(request.subject))
        run = partial(self._engine.refit, schema.name, refit, token=token, place=place)
        async with aclosing(_followed(lambda told: run(on_progress=told), token)) as events:
            async for event in events:
                if isinstance(event, FitProgress):
                    yield fitting_pb2.RefitCharacterResponse(progress=progress_message(event))
                    continue
                message = await self._engine.code(partial(refit_result_message, event))
                yield fitting_pb2.RefitCharacterResponse(result=message)

    def _time_limit_secs(self, context: grpc.aio.ServicerContext) -> float:
        remaining = context.time_remaining()
        return min(self._config.fit_limit_secs, math.inf if remaining is None else float(remaining))


async def _followed(
    start: Callable[[Callable[[FitProgress], None]], Coroutine[object, object, T]], token: CancelToken
) -> AsyncGenerator[FitProgress | T, None]:
    """The steps of the work, which `start` begins with a listener to them, and then its result.

    Leaving in any way stops the work.
    """
    # At most one entry per step and subject, so it needs no bound of its own.
    steps: asyncio.Queue[FitProgress | None] = asyncio.Queue()
    work = asyncio.create_task(start(steps.put_nowait))
    work.add_done_callback(lambda done: _end(done, steps))
    try:
        while (step := await steps.get()) is not None:
            yield step
        yield await work
    finally:
        token.cancel()
        work.cancel()


def _end(work: "asyncio.Task[object]", steps: "asyncio.Queue[FitProgress | None]") -> None:
    """Wake the stream; also marks an exception as seen, for a stream that has already been left."""
    if not work.cancelled():
        work.exception()
    steps.put_nowait(None)
