"""`MediaService`: proto -> store -> proto."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

import grpc
from google.protobuf import duration_pb2, timestamp_pb2

from facewright.v1 import media_pb2, media_pb2_grpc
from facewright_models.errors import FacewrightError
from facewright_models.media_probe import ImageInfo, VideoInfo
from facewright_server.errors import InvalidRequestError
from facewright_server.media import MediaRecord, MediaStore, UploadRecord, UploadRequest
from facewright_server.media.store import CHUNK_BYTES
from facewright_server.security.identity import current_client

__all__ = ["MediaServicer", "media_message", "upload_message"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MAX_DISPLAY_NAME_CHARS = 200
_MAX_DATA_BYTES = 4 * 1024 * 1024
_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 500
_DISCARD_SECS = 0.3


class MediaServicer(media_pb2_grpc.MediaServiceServicer):
    """See media.proto. Names and contents of files are never logged."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def CreateUpload(  # noqa: N802 - the name in the proto
        self,
        request: media_pb2.CreateUploadRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.CreateUploadResponse:
        """Announce a file."""
        client = current_client()
        upload = await self._store.create_upload(
            _read_announcement(request), owner=client.name, max_client_bytes=client.max_media_bytes
        )
        return media_pb2.CreateUploadResponse(upload=upload_message(upload))

    async def GetUpload(  # noqa: N802
        self,
        request: media_pb2.GetUploadRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.GetUploadResponse:
        """How much has arrived."""
        upload = await self._store.get_upload(_named(request.name), owner=current_client().name)
        return media_pb2.GetUploadResponse(upload=upload_message(upload))

    async def WriteUpload(  # noqa: N802
        self,
        request_iterator: AsyncIterator[media_pb2.WriteUploadRequest],
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.WriteUploadResponse:
        """Receive bytes. What has arrived when the stream breaks is kept."""
        owner = current_client().name
        try:
            start = await _read_start(request_iterator)
            name = _named(start.name, "start.name")
            async with aclosing(_read_data(request_iterator)) as chunks:
                upload, media = await self._store.receive(
                    name, offset=start.offset, chunks=chunks, owner=owner
                )
        except FacewrightError:
            await _discard_rest(request_iterator)
            raise
        return media_pb2.WriteUploadResponse(
            upload=upload_message(upload), media=media_message(media) if media is not None else None
        )

    async def GetMedia(  # noqa: N802
        self,
        request: media_pb2.GetMediaRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.GetMediaResponse:
        """What is known of a file."""
        media = await self._store.get(_named(request.name), owner=current_client().name)
        return media_pb2.GetMediaResponse(media=media_message(media))

    async def ListMedia(  # noqa: N802
        self,
        request: media_pb2.ListMediaRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.ListMediaResponse:
        """One's own files, oldest first."""
        if request.page_size < 0:
            raise InvalidRequestError(
                f"page_size is {request.page_size}; expected at least 0", field="page_size"
            )
        page = await self._store.page(
            owner=current_client().name,
            page_size=min(request.page_size or _DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE),
            page_token=request.page_token,
        )
        return media_pb2.ListMediaResponse(
            media=[media_message(record) for record in page.media], next_page_token=page.next_token
        )

    async def DeleteMedia(  # noqa: N802
        self,
        request: media_pb2.DeleteMediaRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> media_pb2.DeleteMediaResponse:
        """Delete a file or an upload."""
        await self._store.delete(_named(request.name), owner=current_client().name)
        return media_pb2.DeleteMediaResponse()

    async def DownloadMedia(  # noqa: N802
        self,
        request: media_pb2.DownloadMediaRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> AsyncGenerator[media_pb2.DownloadMediaResponse, None]:
        """The bytes of a file from an offset on."""
        owner = current_client().name
        media = await self._store.get(_named(request.name), owner=owner)
        if not 0 <= request.offset <= media.size_bytes:
            raise InvalidRequestError(
                f"offset is {request.offset:,}; expected 0 to {media.size_bytes:,}",
                field="offset",
                metadata={"size_bytes": str(media.size_bytes)},
            )
        async with aclosing(self._store.stream(request.name, offset=request.offset, owner=owner)) as pieces:
            async for piece in pieces:
                yield media_pb2.DownloadMediaResponse(data=piece)


def upload_message(upload: UploadRecord) -> media_pb2.Upload:
    """How far an upload is."""
    return media_pb2.Upload(
        name=upload.name,
        size_bytes=upload.size_bytes,
        received_bytes=upload.received_bytes,
        chunk_bytes=CHUNK_BYTES,
        expire_time=_timestamp(upload.expire_us),
    )


def media_message(media: MediaRecord) -> media_pb2.Media:
    """A complete file."""
    message = media_pb2.Media(
        name=media.name,
        display_name=media.display_name,
        size_bytes=media.size_bytes,
        sha256=media.sha256,
        content_type=media.content_type,
        create_time=_timestamp(media.create_us),
        expire_time=_timestamp(media.expire_us),
    )
    if isinstance(media.info, ImageInfo):
        message.image.CopyFrom(_image(media.info))
    elif isinstance(media.info, VideoInfo):
        message.video.CopyFrom(_video(media.info))
    return message


def _image(info: ImageInfo) -> media_pb2.ImageInfo:
    return media_pb2.ImageInfo(
        width=info.width,
        height=info.height,
        has_alpha=info.has_alpha,
        frame_count=info.frame_count,
        rotation_degrees=info.rotation_degrees,
    )


def _video(info: VideoInfo) -> media_pb2.VideoInfo:
    duration = duration_pb2.Duration()
    duration.FromMicroseconds(round(info.duration_secs * 1e6))
    return media_pb2.VideoInfo(
        width=info.width,
        height=info.height,
        duration=duration,
        frame_rate=info.frame_rate,
        variable_frame_rate=info.has_variable_frame_rate,
        frame_count=info.frame_count,
        rotation_degrees=info.rotation_degrees,
        has_alpha=info.has_alpha,
        video_codec=info.codec,
        audio_streams=[
            media_pb2.AudioStream(
                codec=stream.codec,
                sample_rate_hz=stream.sample_rate_hz,
                channels=stream.channels,
                language=stream.language,
            )
            for stream in info.audio_streams
        ],
    )


def _timestamp(time_us: int) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromMicroseconds(time_us)
    return message


def _read_announcement(request: media_pb2.CreateUploadRequest) -> UploadRequest:
    """Fields by themselves; what depends on limits is the store's."""
    if request.sha256 and not _SHA256.fullmatch(request.sha256):
        raise InvalidRequestError(
            "sha256 is malformed; expected 64 lower-case hexadecimals, or nothing", field="sha256"
        )
    if len(request.display_name) > _MAX_DISPLAY_NAME_CHARS:
        raise InvalidRequestError(
            f"display_name has {len(request.display_name)} characters; expected at most "
            f"{_MAX_DISPLAY_NAME_CHARS}",
            field="display_name",
        )
    if request.request_id and not _REQUEST_ID.fullmatch(request.request_id):
        raise InvalidRequestError("request_id is malformed; expected a UUID", field="request_id")
    ttl_secs = None
    if request.HasField("time_to_live"):
        ttl_secs = request.time_to_live.seconds + request.time_to_live.nanos / 1e9
        if ttl_secs <= 0:
            raise InvalidRequestError(
                f"time_to_live is {ttl_secs:g} s; expected more than 0", field="time_to_live"
            )
    return UploadRequest(
        size_bytes=request.size_bytes,
        sha256=request.sha256,
        display_name=request.display_name,
        request_id=request.request_id,
        ttl_secs=ttl_secs,
    )


def _named(name: str, field: str = "name") -> str:
    if not name:
        raise InvalidRequestError(f'{field} is empty; expected "media/" and an id', field=field)
    return name


async def _discard_rest(requests: AsyncIterator[media_pb2.WriteUploadRequest]) -> None:
    """Some clients lose the error of a call that ends while they are sending, so they may finish, briefly."""
    with suppress(FacewrightError, TimeoutError):
        async with asyncio.timeout(_DISCARD_SECS):
            async for _ in requests:
                pass


async def _read_start(requests: AsyncIterator[media_pb2.WriteUploadRequest]) -> media_pb2.UploadStart:
    request = await anext(requests, None)
    if request is None or request.WhichOneof("part") != "start":
        raise InvalidRequestError(
            "the first message of the stream must be start, with the upload's name and offset", field="start"
        )
    return request.start


async def _read_data(requests: AsyncIterator[media_pb2.WriteUploadRequest]) -> AsyncGenerator[bytes, None]:
    async for request in requests:
        if request.WhichOneof("part") != "data":
            raise InvalidRequestError("only the first message of the stream may lack data", field="data")
        data = request.data
        if len(data) > _MAX_DATA_BYTES:
            raise InvalidRequestError(
                f"a message has {len(data):,} bytes of data; expected at most {_MAX_DATA_BYTES:,}",
                field="data",
            )
        yield data
