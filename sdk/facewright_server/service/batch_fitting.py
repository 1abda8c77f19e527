"""The body of the BatchFit rpc: everything that can be refused is refused now, the rest is an operation."""

import hashlib
import re
from functools import partial

from google.longrunning import operations_pb2

from facewright.v1 import fitting_pb2
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError, UnknownMediaError
from facewright_server.jobs.batch_fit import BATCH_FIT, PICTURES
from facewright_server.jobs.desk import JobDesk
from facewright_server.jobs.records import NewOperation
from facewright_server.media.store import MediaStore
from facewright_server.security.identity import current_client
from facewright_server.service.operations import operation_message
from facewright_server.service.reading import at_field, read_fit_options

__all__ = ["BatchFitting", "check_request_id"]

_REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class BatchFitting:
    """Takes requests on the event loop; photos are not decoded here."""

    def __init__(self, engine: Engine, config: ServerConfig, media: MediaStore, desk: JobDesk) -> None:
        self._engine = engine
        self._config = config
        self._media = media
        self._desk = desk

    async def start(self, request: fitting_pb2.BatchFitRequest) -> operations_pb2.Operation:
        """The operation, new or of the earlier call with this request_id.

        Raises `InvalidInputError`, `UnknownRigError`, `UnknownMediaError`, `RequestReusedError`, `QuotaError`,
        `StorageError`.
        """
        owner = current_client().name
        self._check_counts(request)
        schema = await self._engine.schema(request.rig or self._config.default_rig)
        with at_field("options"):
            read_fit_options(request.options, schema)
        self._check_photos(request)
        new = await self._engine.code(partial(_new_operation, request, rig=schema.name, owner=owner))
        if not await self._is_repeated(new):
            await self._check_media(request, owner)
        return operation_message(await self._desk.create(new, max_open=current_client().max_operations))

    def _check_counts(self, request: fitting_pb2.BatchFitRequest) -> None:
        most = self._config.max_batch_photos
        _check_count("subjects", len(request.subjects), most)
        photo_count = 0
        for index, subject in enumerate(request.subjects):
            _check_count(
                f"subjects[{index}].photos", len(subject.photos), self._config.max_photos_per_subject
            )
            photo_count += len(subject.photos)
        if photo_count > most:
            raise InvalidRequestError(
                f"the request has {photo_count} photos; expected at most {most}; send several requests",
                field="subjects",
                metadata={"count": str(photo_count), "max": str(most)},
            )
        check_request_id(request.request_id)
        for index, number in enumerate(request.pictures):
            if number not in PICTURES:
                known = ", ".join(name for name, _ in PICTURES.values())
                raise InvalidRequestError(
                    f"pictures[{index}] has the number {number}; expected one of {known}",
                    field=f"pictures[{index}]",
                )

    def _check_photos(self, request: fitting_pb2.BatchFitRequest) -> None:
        for path, photo in _photos(request):
            source = photo.WhichOneof("source")
            if source is None:
                raise InvalidRequestError(
                    "the photo has no source; set content or media", field=f"{path}.content"
                )
            if source == "content" and not photo.content:
                raise InvalidRequestError("the photo is empty", field=f"{path}.content")
            box = photo.face_box
            if photo.HasField("face_box") and (box.width < 1 or box.height < 1):
                raise InvalidRequestError(
                    f"the face box is {box.width} x {box.height} pixels; expected at least 1 x 1",
                    field=f"{path}.face_box",
                )

    async def _is_repeated(self, new: NewOperation) -> bool:
        """A retry is answered like the first call, also when the media are gone meanwhile."""
        return bool(new.request_id) and await self._desk.is_known(new)

    async def _check_media(self, request: fitting_pb2.BatchFitRequest, owner: str) -> None:
        for path, photo in _photos(request):
            if photo.WhichOneof("source") != "media":
                continue
            try:
                record = await self._media.get(photo.media, owner=owner)
            except UnknownMediaError as error:
                error.field = f"{path}.media"
                raise
            if not record.content_type.startswith("image/"):
                raise InvalidRequestError(
                    f"{photo.media} is {record.content_type}; expected an image", field=f"{path}.media"
                )
            if record.size_bytes > self._config.max_message_bytes:
                raise InvalidRequestError(
                    f"{photo.media} has {record.size_bytes:,} bytes; expected at most "
                    f"{self._config.max_message_bytes:,} for a photo",
                    field=f"{path}.media",
                )


def _photos(request: fitting_pb2.BatchFitRequest) -> list[tuple[str, fitting_pb2.Photo]]:
    """Every photo with its path in the request."""
    return [
        (f"subjects[{index}].photos[{number}]", photo)
        for index, subject in enumerate(request.subjects)
        for number, photo in enumerate(subject.photos)
    ]


def _new_operation(request: fitting_pb2.BatchFitRequest, *, rig: str, owner: str) -> NewOperation:
    """Splits and digests up to 32 MB: not for the event loop."""
    spec = fitting_pb2.BatchFitRequest(rig=rig, options=request.options, pictures=request.pictures)
    spec_bytes = spec.SerializeToString(deterministic=True)
    inputs = [subject.SerializeToString(deterministic=True) for subject in request.subjects]
    digest = hashlib.sha256()
    for part in (spec_bytes, *inputs):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return NewOperation(
        owner=owner,
        kind=BATCH_FIT,
        request_id=request.request_id.lower(),
        request_digest=digest.hexdigest(),
        spec=spec_bytes,
        inputs=inputs,
    )


def check_request_id(request_id: str) -> None:
    """Raises `InvalidRequestError` for what is there and no UUID."""
    if request_id and not _REQUEST_ID.fullmatch(request_id):
        raise InvalidRequestError(
            f"request_id is {request_id[:50]!r}; expected a UUID such as 123e4567-e89b-12d3-a456-426614174000",
            field="request_id",
        )


def _check_count(field: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise InvalidRequestError(
            f"{field} has {count} entries; expected 1 to {most}",
            field=field,
            metadata={"count": str(count), "max": str(most)},
        )
