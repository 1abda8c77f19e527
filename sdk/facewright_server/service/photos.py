"""Photos of requests: named or sent, bounded in number and area, decoded off the event loop."""

from collections.abc import Sequence
from typing import Protocol

from facewright.v1 import fitting_pb2
from facewright_models.errors import ImageTooLargeError
from facewright_models.fitting import Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError, UnknownMediaError
from facewright_server.security.identity import current_client
from facewright_server.service.reading import at_field, read_face_box
from facewright_server.service.skin import SkinFiles

__all__ = ["PhotoFiles", "PhotoReader"]


class PhotoFiles(SkinFiles, Protocol):
    """What a fit asks of the store of media; `MediaStore` has it."""

    async def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """Raises `UnknownMediaError`, `InvalidRequestError` when larger, `StorageError`."""
        ...


class PhotoReader:
    """Messages -> subjects. Used on the event loop."""

    def __init__(self, engine: Engine, config: ServerConfig, media: PhotoFiles | None) -> None:
        self._engine = engine
        self._config = config
        self._media = media

    async def subjects(self, messages: Sequence[fitting_pb2.Subject]) -> tuple[Subject, ...]:
        """Those of `subjects` of a request; bad photos raise with their place there."""
        _check_count("subjects", len(messages), self._config.max_subjects)
        for index, message in enumerate(messages):
            self._check_photos(f"subjects[{index}]", message)
        subjects = []
        pixel_count = 0
        for index, message in enumerate(messages):
            subjects.append(await self._read(f"subjects[{index}]", message))
            pixel_count += _area(subjects[-1])
            _check_area(pixel_count, self._config.max_request_pixels, "subjects")
        return tuple(subjects)

    async def subject(self, message: fitting_pb2.Subject) -> Subject:
        """That of the field `subject` of a request."""
        self._check_photos("subject", message)
        subject = await self._read("subject", message)
        _check_area(_area(subject), self._config.max_request_pixels, "subject")
        return subject

    def _check_photos(self, path: str, message: fitting_pb2.Subject) -> None:
        _check_count(f"{path}.photos", len(message.photos), self._config.max_photos_per_subject)

    async def _read(self, path: str, message: fitting_pb2.Subject) -> Subject:
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


def _area(subject: Subject) -> int:
    return sum(photo.pixels.size // 3 for photo in subject.photos)


def _check_area(pixel_count: int, most: int, field: str) -> None:
    if pixel_count > most:
        raise ImageTooLargeError(
            f"the photos have {pixel_count:,} pixels together; expected at most {most:,}; scale them down",
            field=field,
            metadata={"pixels": str(pixel_count), "max_pixels": str(most)},
        )
