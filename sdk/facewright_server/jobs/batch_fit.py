"""The job behind BatchFit: one subject is one item, its outcome a `BatchFitResult`."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from google.protobuf.message import Message

from facewright.v1 import fitting_pb2
from facewright_models.errors import (
    FacewrightError,
    FitCancelledError,
    ImageTooLargeError,
    RenderUnavailableError,
    UnknownRigError,
    WeightsError,
)
from facewright_models.fitting import FitOptions, FitProgress, FitResult, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_server.errors import StorageError, WorkTimeoutError
from facewright_server.jobs.kinds import Job, Work
from facewright_server.jobs.leases import LeaseLostError
from facewright_server.jobs.records import ItemInput, ItemOutcome, OperationRecord
from facewright_server.jobs.times import times_of
from facewright_server.pictures import color_png, comparison_png
from facewright_server.service.reading import at_field, read_face_box, read_fit_options
from facewright_server.service.writing import character_message, report_message
from facewright_server.status import internal_status, status_of

__all__ = ["BATCH_FIT", "PICTURES", "BatchFitKind"]

BATCH_FIT = "batch-fit"
_log = logging.getLogger(__name__)

# By number in the proto: the name in `FittedCharacter.pictures`, and how to draw it.
PICTURES: dict[int, tuple[str, Callable[[FitResult], bytes]]] = {
    fitting_pb2.RESULT_PICTURE_RENDERED: ("rendered", lambda result: color_png(result.rendered)),
    fitting_pb2.RESULT_PICTURE_COMPARISON: (
        "comparison",
        lambda result: comparison_png(result.aligned_photo, result.imitated, result.rendered),
    ),
}
# What is wrong with this server rather than with a photo: it ends the whole operation.
_OF_THE_SERVER = (WeightsError, RenderUnavailableError, UnknownRigError)
_NOT_OF_AN_ITEM = (FitCancelledError, StorageError, *_OF_THE_SERVER)


class BatchFitKind:
    """See `JobKind`."""

    name = BATCH_FIT
    metadata_type = fitting_pb2.BatchFitMetadata.DESCRIPTOR.full_name

    def metadata(self, record: OperationRecord) -> Message:
        """A `BatchFitMetadata`."""
        return fitting_pb2.BatchFitMetadata(
            subject_count=record.item_count,
            done_count=record.done_count,
            failed_count=record.failed_count,
            progress=record.progress,
            attempt=record.attempt,
            **times_of(record),
        )

    def response(self, outcomes: Sequence[bytes]) -> Message:
        """A `BatchFitResponse`."""
        results = [fitting_pb2.BatchFitResult.FromString(outcome) for outcome in outcomes]
        return fitting_pb2.BatchFitResponse(results=results)

    def abandoned(self, index: int, status: Message) -> ItemOutcome:
        """See `JobKind`."""
        return _failed(index, status)

    def open(self, work: Work) -> Job:
        """Raises `UnknownRigError`, `WeightsError`, and `InvalidInputError` when the rig has changed since."""
        return _BatchFit(work)


class _BatchFit:
    """One operation being worked on."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._config = work.workshop.config
        spec = fitting_pb2.BatchFitRequest.FromString(work.lease.spec)
        self._options: FitOptions = read_fit_options(spec.options, work.workshop.studio.schema(spec.rig))
        self._pictures = tuple(dict.fromkeys(spec.pictures))
        self._fitter = work.workshop.fitter(spec.rig)

    @property
    def batch_size(self) -> int:
        """See `Job`."""
        return self._config.fit_batch_size

    @property
    def item_limit_secs(self) -> float:
        """See `Job`."""
        return self._config.fit_limit_secs

    def run(self, items: Sequence[ItemInput], commit: Callable[[ItemOutcome], None]) -> None:
        """See `Job`. Photos that cannot be read are refused first; the others are optimised together."""
        subjects: dict[int, Subject] = {}
        for item in items:
            with self._refusing(item.index, commit):
                subjects[item.index] = self._subject(item)
        if subjects:
            self._fit(subjects, commit)

    def _fit(self, subjects: Mapping[int, Subject], commit: Callable[[ItemOutcome], None]) -> None:
        """`subjects` by item."""
        indices = list(subjects)
        open_indices = set(indices)
        shares = dict.fromkeys(indices, 0.0)
        limit_secs = self._config.fit_limit_secs * len(indices)
        deadline = time.monotonic() + limit_secs

        def tell(progress: FitProgress) -> None:
            shares[indices[progress.subject]] = progress.iteration / max(1, progress.iterations)
            self._work.tell_partial(sum(shares[index] for index in open_indices))

        def should_stop() -> bool:
            return self._work.should_stop() or time.monotonic() > deadline

        def keep(position: int, outcome: FitResult | FacewrightError) -> None:
            index = indices[position]
            with self._refusing(index, commit):
                if isinstance(outcome, FacewrightError):
                    raise outcome
                commit(self._fitted(index, outcome))
            open_indices.discard(index)

        try:
            self._fitter.fit_each(
                list(subjects.values()),
                options=self._options,
                render=self._work.workshop.frame,
                on_progress=tell,
                should_stop=should_stop,
                on_outcome=keep,
            )
        except FitCancelledError as error:
            if self._work.should_stop():
                raise
            for index in sorted(open_indices):
                with self._refusing(index, commit):
                    raise WorkTimeoutError(
                        f"the fit took longer than {limit_secs:g} s, which is the limit of this server"
                    ) from error
        except (*_NOT_OF_AN_ITEM, LeaseLostError):
            raise
        except Exception:  # nobody knows whose it was: each of them gets another chance, alone
            if len(subjects) == 1:
                for index in open_indices.copy():
                    with self._refusing(index, commit):
                        raise
            else:
                for index in sorted(open_indices):
                    self._fit({index: subjects[index]}, commit)

    @contextmanager
    def _refusing(self, index: int, commit: Callable[[ItemOutcome], None]) -> Iterator[None]:
        """What the block raises about an item becomes its outcome."""
        name = self._work.lease.name
        try:
            yield
        except (*_NOT_OF_AN_ITEM, LeaseLostError):
            raise
        except FacewrightError as error:
            commit(_failed(index, status_of(error, request_id=name)))
        except Exception:  # noqa: BLE001 - one photo does not spoil the others; the log has the rest
            _log.exception("an item failed", extra={"operation": name, "item": index})
            commit(_failed(index, internal_status(request_id=name)))

    def _subject(self, item: ItemInput) -> Subject:
        """Decoded. Raises `InvalidInputError`, `UnknownMediaError`."""
        message = fitting_pb2.Subject.FromString(item.content)
        photos: list[Photo] = []
        boxes: list[FaceBox | None] = []
        pixel_count = 0
        for index, photo_message in enumerate(message.photos):
            with at_field(f"subjects[{item.index}].photos[{index}]"):
                photo = self._work.workshop.studio.decode_photo(
                    self._bytes(photo_message), max_pixels=self._config.max_photo_pixels
                )
                boxes.append(read_face_box(photo_message, photo))
                photos.append(photo)
                pixel_count += photo.pixels.shape[0] * photo.pixels.shape[1]
                if pixel_count > self._config.max_request_pixels:
                    raise ImageTooLargeError(
                        f"the photos of this person have over {self._config.max_request_pixels:,} pixels together;"
                        " scale them down",
                        metadata={"max_pixels": str(self._config.max_request_pixels)},
                    )
        return Subject(photos=tuple(photos), face_boxes=tuple(boxes))

    def _bytes(self, photo: fitting_pb2.Photo) -> bytes:
        if photo.WhichOneof("source") == "content":
            content: bytes = photo.content
            return content
        return self._work.persist(
            lambda: self._work.workshop.media.read_blocking(
                photo.media, owner=self._work.lease.owner, max_bytes=self._config.max_message_bytes
            )
        )

    def _fitted(self, index: int, result: FitResult) -> ItemOutcome:
        """Stores the pictures first: the outcome that names them is committed after they are safe."""
        names = {
            picture: self._stored(index, picture, draw(result))
            for picture, draw in (PICTURES[number] for number in self._pictures)
        }
        if result.skin_texture_png is not None:
            names["skin_texture"] = self._stored(index, "skin_texture", result.skin_texture_png)
        fitted = fitting_pb2.FittedCharacter(
            character=character_message(result.character),
            report=report_message(result.report),
            pictures=names,
        )
        message = fitting_pb2.BatchFitResult(subject=index, fitted=fitted)
        return ItemOutcome(index=index, is_failed=False, content=message.SerializeToString())

    def _stored(self, index: int, picture: str, content: bytes) -> str:
        """The name of the picture in the media, the same after a crash.

        The digest is in the request_id because a fit that is repeated elsewhere may differ in the last bit.
        """
        lease, media = self._work.lease, self._work.workshop.media
        digest = hashlib.sha256(content).hexdigest()[:16]

        def put() -> str:
            stored = media.put_blocking(
                content,
                owner=lease.owner,
                display_name=f"{picture}-{index}.png",
                request_id=f"{lease.name}/{index}/{picture}/{digest}",
                content_type="image/png",
                ttl_secs=self._config.operation_ttl_secs,
            )
            return stored.name

        return self._work.persist(put)


def _failed(index: int, status: Message) -> ItemOutcome:
    message = fitting_pb2.BatchFitResult(subject=index)
    message.error.CopyFrom(status)
    return ItemOutcome(index=index, is_failed=True, content=message.SerializeToString())
