"""`FittingService`: photos in; progress, then one character per person out."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Protocol

import grpc
from google.longrunning import operations_pb2

from facewright.v1 import fitting_pb2, fitting_pb2_grpc
from facewright_models.errors import ImageTooLargeError
from facewright_models.fitting import FitProgress, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError, UnknownMediaError
from facewright_server.execution import CancelToken, FitPlace
from facewright_server.security.identity import current_client
from facewright_server.service.batch_fitting import BatchFitting
from facewright_server.service.reading import at_field, read_face_box, read_fit_options
from facewright_server.service.skin import SkinFiles, SkinTextures
from facewright_server.service.writing import fit_result_message, progress_message

__all__ = ["FittingServicer", "PhotoFiles"]


class PhotoFiles(SkinFiles, Protocol):
    """What a fit asks of the store of media; `MediaStore` has it."""

    async def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """Raises `UnknownMediaError`, `InvalidRequestError` when larger, `StorageError`."""
        ...


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
        self._media = media
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

    async def _fitted(
        self, request: fitting_pb2.FitRequest, token: CancelToken, place: FitPlace
    ) -> AsyncGenerator[fitting_pb2.FitResponse, None]:
        schema = await self._engine.schema(request.rig or self._config.default_rig)
        with at_field("options"):
            options = read_fit_options(request.options, schema)
        subjects = await self._read_subjects(request)
        # At most one entry per step and subject, so it needs no bound of its own.
        steps: asyncio.Queue[FitProgress | None] = asyncio.Queue()
        work = asyncio.create_task(
            self._engine.fit(
                schema.name,
                subjects,
                options=options,
                token=token,
                on_progress=steps.put_nowait,
                place=place,
            )
        )
        work.add_done_callback(lambda done: _end(done, steps))
        try:
            while (step := await steps.get()) is not None:
                yield fitting_pb2.FitResponse(progress=progress_message(step))
            results = await work
        finally:
            token.cancel()
            work.cancel()
        for index, result in enumerate(results):
            message = await self._engine.code(partial(fit_result_message, result, subject=index))
            if result.skin_texture_png is not None:
                message.skin_texture_media = await self._skins.keep(result.skin_texture_png)
            yield fitting_pb2.FitResponse(result=message)

    async def BatchFit(  # noqa: N802 - the name in the proto
        self,
        request: fitting_pb2.BatchFitRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> operations_pb2.Operation:
        """An operation; see `batch_fitting`."""
        return await self._batch_fitting.start(request)

    def _time_limit_secs(self, context: grpc.aio.ServicerContext) -> float:
        remaining = context.time_remaining()
        return min(self._config.fit_limit_secs, math.inf if remaining is None else float(remaining))

    async def _read_subjects(self, request: fitting_pb2.FitRequest) -> tuple[Subject, ...]:
        _check_count("subjects", len(request.subjects), self._config.max_subjects)
        for index, subject in enumerate(request.subjects):
            _check_count(
                f"subjects[{index}].photos", len(subject.photos), self._config.max_photos_per_subject
            )
        subjects = []
        pixel_count = 0
        for index, subject in enumerate(request.subjects):
            subjects.append(await self._read_subject(f"subjects[{index}]", subject))
            pixel_count += sum(photo.pixels.size // 3 for photo in subjects[-1].photos)
            _check_area(pixel_count, self._config.max_request_pixels)
        return tuple(subjects)

    async def _read_subject(self, path: str, message: fitting_pb2.Subject) -> Subject:
        photos: list[Photo] = []
        boxes: list[FaceBox | None] = []
        for index, photo_message in enumerate(message.photos):
            with at_field(f"{path}.photos[{index}]"):
                photo = await self._engine.decode_photo(await self._photo_bytes(photo_message))
                boxes.append(read_face_box(photo_message, photo))
                photos.append(photo)
        return Subject(photos=tuple(photos), face_boxes=tuple(boxes))

    async def _photo_bytes(self, message: fitting_pb2.Photo) -> bytes:
        """The encoded photo. Raises `InvalidRequestError`, `UnknownMediaError`, `StorageError`."""
        source = message.WhichOneof("source")
        if source is None:
            raise InvalidRequestError("the photo has no source; set content or media", field="content")
        if source == "content":
            return bytes(message.content)
        if self._media is None:
            raise InvalidRequestError("this server keeps no media; send the photo as content", field="media")
        try:
            return await self._media.read(
                message.media, owner=current_client().name, max_bytes=self._config.max_message_bytes
            )
        except UnknownMediaError as error:
            error.field = "media"
            raise


def _check_count(field: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise InvalidRequestError(
            f"{field} has {count} entries; expected 1 to {most}",
            field=field,
            metadata={"count": str(count), "max": str(most)},
        )


def _check_area(pixel_count: int, most: int) -> None:
    if pixel_count > most:
        raise ImageTooLargeError(
            f"the photos have {pixel_count:,} pixels together; expected at most {most:,}; scale them down",
            field="subjects",
            metadata={"pixels": str(pixel_count), "max_pixels": str(most)},
        )


def _end(work: "asyncio.Task[object]", steps: "asyncio.Queue[FitProgress | None]") -> None:
    """Wake the stream; also marks an exception as seen, for a stream that has already been left."""
    if not work.cancelled():
        work.exception()
    steps.put_nowait(None)
