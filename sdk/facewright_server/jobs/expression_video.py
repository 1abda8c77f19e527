"""The job behind GenerateExpressionVideo: one item, drawn and encoded in one go, so its outcome is whole or none."""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from facewright.v1 import expression_pb2
from facewright_models.errors import FitCancelledError
from facewright_models.expression import REST_DEGREES
from facewright_models.expression.videos import VideoWriter
from facewright_server.animating import open_source
from facewright_server.errors import ItemAbandonedError, WorkTimeoutError
from facewright_server.jobs.kinds import Job, Work
from facewright_server.jobs.records import ItemInput, ItemOutcome, OperationRecord
from facewright_server.jobs.times import times_of
from facewright_server.media.records import MediaRecord
from facewright_server.service.expression_reading import is_character, read_motion, read_shot, read_source
from facewright_server.service.media import media_message
from facewright_server.service.reading import at_field, read_character
from facewright_server.service.skin import read_skin
from facewright_server.service.writing import degrees_entries, warning_messages

__all__ = ["EXPRESSION_VIDEO", "ExpressionVideoKind"]

EXPRESSION_VIDEO = "expression-video"


class ExpressionVideoKind:
    """See `JobKind`. An error of the item is that of the operation."""

    name = EXPRESSION_VIDEO
    metadata_type = expression_pb2.GenerateExpressionVideoMetadata.DESCRIPTOR.full_name

    def metadata(self, record: OperationRecord) -> Message:
        """A `GenerateExpressionVideoMetadata`."""
        return expression_pb2.GenerateExpressionVideoMetadata(
            progress=record.progress, attempt=record.attempt, **times_of(record)
        )

    def response(self, outcomes: Sequence[bytes]) -> Message:
        """A `GenerateExpressionVideoResponse`. Raises `ItemAbandonedError`."""
        (outcome,) = outcomes
        ended = operations_pb2.Operation.FromString(outcome)
        if ended.HasField("error"):
            raise ItemAbandonedError(ended.error.message)
        response = expression_pb2.GenerateExpressionVideoResponse()
        ended.response.Unpack(response)
        return response

    def abandoned(self, index: int, status: Message) -> ItemOutcome:
        """See `JobKind`."""
        ended = operations_pb2.Operation(error=status)
        return ItemOutcome(index=index, is_failed=True, content=ended.SerializeToString())

    def open(self, work: Work) -> Job:
        """See `JobKind`."""
        return _ExpressionVideo(work)


@dataclass(frozen=True, kw_only=True)
class _Animated:
    """What frames are drawn from, and what is known of it before."""

    frame: Callable[[int], np.ndarray]
    width: int
    height: int
    response: expression_pb2.GenerateExpressionVideoResponse


class _ExpressionVideo:
    """One operation being worked on."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._workshop = work.workshop
        self._config = work.workshop.config
        motion = expression_pb2.ExpressionMotion.FromString(work.lease.spec)
        with at_field("motion"):
            self._timeline = read_motion(motion, self._config)

    @property
    def batch_size(self) -> int:
        """See `Job`."""
        return 1

    @property
    def item_limit_secs(self) -> float:
        """See `Job`."""
        return self._config.video_limit_secs

    def run(self, items: Sequence[ItemInput], commit: Callable[[ItemOutcome], None]) -> None:
        """See `Job`. The file is safe in the media before the outcome names it."""
        (item,) = items
        source = expression_pb2.ExpressionSource.FromString(item.content)
        with at_field("source"):
            animated = self._character(source) if is_character(source) else self._photo(source)
        with ExitStack() as stack:
            folder = self._work.persist(lambda: stack.enter_context(self._workshop.scratch()))
            path = folder / "expression.mp4"
            self._work.persist(partial(self._encode, animated, path))
            video = self._stored(path.read_bytes())
        animated.response.video.CopyFrom(media_message(video))
        ended = operations_pb2.Operation()
        ended.response.Pack(animated.response)
        commit(ItemOutcome(index=item.index, is_failed=False, content=ended.SerializeToString()))

    def _photo(self, source: expression_pb2.ExpressionSource) -> _Animated:
        decode = partial(self._workshop.studio.decode_photo, max_pixels=self._config.max_photo_pixels)
        owner, files = self._work.lease.owner, self._workshop.media
        found = self._work.persist(lambda: read_source(source, self._config, decode, files, owner=owner))
        animator = self._workshop.animator()
        opened = self._work.persist(lambda: open_source(animator, found, should_stop=self._work.should_stop))
        degrees = self._timeline.degrees(opened.face.own)
        return _Animated(
            frame=lambda index: opened.face.frame(degrees[index]),
            width=opened.width,
            height=opened.height,
            response=expression_pb2.GenerateExpressionVideoResponse(
                own_degrees=degrees_entries(opened.face.own),
                notices=warning_messages(opened.notices),
                frame_index=opened.frame_index,
            ),
        )

    def _character(self, source: expression_pb2.ExpressionSource) -> _Animated:
        owner, files = self._work.lease.owner, self._workshop.media
        schema = self._workshop.studio.schema(source.character.rig)
        with at_field("shot"):
            shot = read_shot(source.shot, self._config, preset="full")
        with at_field("character"):
            skin = self._work.persist(lambda: read_skin(source.character, files, owner=owner))
            character = read_character(source.character, schema, skin)
        clip = shot.clip_of(schema, self._timeline)
        return _Animated(
            frame=lambda index: self._workshop.clip_frame(
                character,
                clip.actions[index],
                view=clip.views[index],
                size_px=shot.size_px,
                preset=shot.preset,
            ),
            width=shot.size_px,
            height=shot.size_px,
            response=expression_pb2.GenerateExpressionVideoResponse(
                own_degrees=degrees_entries(REST_DEGREES)
            ),
        )

    def _encode(self, animated: _Animated, path: Path) -> None:
        """From the first frame on. Raises `StorageError` when the disk is full, `FitCancelledError`."""
        limit_secs, count = self._config.video_limit_secs, self._timeline.frame_count
        deadline = time.monotonic() + limit_secs
        writer_of = partial(VideoWriter, path, fps=self._timeline.fps)
        with at_field("source"), writer_of(width=animated.width, height=animated.height) as writer:
            for index in range(count):
                if self._work.should_stop():
                    raise FitCancelledError(f"the work on {self._work.lease.name} is to stop")
                if time.monotonic() > deadline:
                    raise WorkTimeoutError(
                        f"the video took longer than {limit_secs:g} s, which is the limit of this server"
                    )
                writer.write(animated.frame(index))
                self._work.tell_partial((index + 1) / count)

    def _stored(self, content: bytes) -> MediaRecord:
        """Among the client's media, the same after a crash.

        The digest is in the request_id because a video that is repeated elsewhere may differ in the last bit.
        """
        lease, media = self._work.lease, self._workshop.media
        digest = hashlib.sha256(content).hexdigest()[:16]
        return self._work.persist(
            lambda: media.put_blocking(
                content,
                owner=lease.owner,
                display_name="expression.mp4",
                request_id=f"{lease.name}/video/{digest}",
                content_type="video/mp4",
                ttl_secs=self._config.operation_ttl_secs,
            )
        )
