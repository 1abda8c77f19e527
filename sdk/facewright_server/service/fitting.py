"""`FittingService`: photos in; progress, then one character per person out."""

import asyncio
import math
from collections.abc import AsyncGenerator
from functools import partial

import grpc

from facewright.v1 import fitting_pb2, fitting_pb2_grpc
from facewright_models.errors import ImageTooLargeError
from facewright_models.fitting import FitProgress, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError
from facewright_server.execution import CancelToken
from facewright_server.service.reading import at_field, read_face_box, read_fit_options
from facewright_server.service.writing import fit_result_message, progress_message

__all__ = ["FittingServicer"]


class FittingServicer(fitting_pb2_grpc.FittingServiceServicer):
    """See fitting.proto."""

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self._engine = engine
        self._config = config

    async def Fit(  # noqa: N802 - the name in the proto
        self, request: fitting_pb2.FitRequest, context: grpc.aio.ServicerContext
    ) -> AsyncGenerator[fitting_pb2.FitResponse, None]:
        """Streams. Leaving the stream in any way stops the work."""
        token = CancelToken(timeout_secs=self._time_limit_secs(context))
        self._engine.check_room_for_fit()
        schema = await self._engine.schema(request.rig or self._config.default_rig)
        with at_field("options"):
            options = read_fit_options(request.options, schema)
        subjects = await self._read_subjects(request)
        # At most one entry per step and subject, so it needs no bound of its own.
        steps: asyncio.Queue[FitProgress | None] = asyncio.Queue()
        work = asyncio.create_task(
            self._engine.fit(
                schema.name, subjects, options=options, token=token, on_progress=steps.put_nowait
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
            yield fitting_pb2.FitResponse(result=message)

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
                if photo_message.WhichOneof("source") is None:
                    raise InvalidRequestError("the photo has no source; set content", field="content")
                photo = await self._engine.decode_photo(photo_message.content)
                boxes.append(read_face_box(photo_message, photo))
                photos.append(photo)
        return Subject(photos=tuple(photos), face_boxes=tuple(boxes))


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
