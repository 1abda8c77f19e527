"""Fitting many people as one operation: what goes in, how far it is, what comes out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Union

from facewright import _requests, _responses
from facewright._calls import Call
from facewright._operation_kinds import OperationKind, StartedOperation, moment
from facewright._status import error_of_status
from facewright.character import Character
from facewright.errors import FacewrightError, InvalidInputError
from facewright.fitting import FitOptions, FitReport, Photo, Subject
from facewright.v1 import fitting_pb2

__all__ = [
    "BATCH_FIT",
    "PICTURES",
    "BatchFitItem",
    "BatchFitOperation",
    "BatchFitProgress",
    "batch_fit",
]

# What a fitted person can have beside the character.
PICTURES = ("rendered", "comparison")
Person = Union[Subject, Photo, bytes]


@dataclass(frozen=True)
class BatchFitProgress:
    """How far a batch of fits is; `progress` is in [0, 1]. `attempt` is over 1 after a crash or restart."""

    subject_count: int
    done_count: int
    failed_count: int
    progress: float
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    attempt: int


@dataclass(frozen=True)
class BatchFitItem:
    """What became of one person: `character`, `report` and names of media in `pictures`; or `error`."""

    subject: int
    character: Character | None = None
    report: FitReport | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    error: FacewrightError | None = None


@dataclass(frozen=True)
class BatchFitOperation(StartedOperation[BatchFitProgress, tuple[BatchFitItem, ...]]):
    """A batch of fits."""


def batch_fit(
    people: Sequence[Person],
    *,
    rig: str = "",
    options: FitOptions | None = None,
    pictures: Sequence[str] = (),
    request_id: str = "",
    timeout_secs: float | None = None,
) -> Call[BatchFitOperation]:
    """Start to fit many people, one photo or one `Subject` each, as a job that outlives this client.

    `pictures` are kept on the server: ``rendered``, ``comparison``. The same `request_id`, a UUID, gives the same
    operation; without one, only the retries of this call do. Photos that do not fit into one message together can
    be uploaded first.
    """
    subjects = [
        person if isinstance(person, Subject) else _requests.one_person([person]) for person in people
    ]
    fit = _requests.fit_request(subjects, rig=rig, options=options or FitOptions())
    request = fitting_pb2.BatchFitRequest(
        rig=fit.rig,
        subjects=fit.subjects,
        options=fit.options,
        request_id=request_id or str(uuid.uuid4()),
        pictures=[_picture(name) for name in pictures],
    )
    return Call("fitting.BatchFit", request, _started, "operation", timeout_secs)


def _progress(message: fitting_pb2.BatchFitMetadata) -> BatchFitProgress:
    return BatchFitProgress(
        subject_count=message.subject_count,
        done_count=message.done_count,
        failed_count=message.failed_count,
        progress=message.progress,
        create_time=message.create_time.ToDatetime(timezone.utc),
        start_time=moment(message, "start_time"),
        end_time=moment(message, "end_time"),
        attempt=message.attempt,
    )


def _batch_fit_items(message: fitting_pb2.BatchFitResponse) -> tuple[BatchFitItem, ...]:
    return tuple(_batch_fit_item(result) for result in message.results)


def _batch_fit_item(message: fitting_pb2.BatchFitResult) -> BatchFitItem:
    if message.HasField("error"):
        return BatchFitItem(subject=message.subject, error=error_of_status(message.error))
    fitted = message.fitted
    # Read like the result of a single fit, which has the same two messages.
    as_result = fitting_pb2.FitResult(character=fitted.character, report=fitted.report)
    result: Any = _responses.fit_event(fitting_pb2.FitResponse(result=as_result))
    return BatchFitItem(
        subject=message.subject,
        character=result.character,
        report=result.report,
        pictures=dict(fitted.pictures),
    )


BATCH_FIT: OperationKind[BatchFitProgress, tuple[BatchFitItem, ...]] = OperationKind(
    fitting_pb2.BatchFitMetadata, fitting_pb2.BatchFitResponse, _progress, _batch_fit_items
)


def _started(message: Any) -> BatchFitOperation:
    return BatchFitOperation(message, BATCH_FIT)


def _picture(name: str) -> Any:
    if name not in PICTURES:
        raise InvalidInputError(
            f"got the picture {name!r}, expected one of {', '.join(PICTURES)}", reason="UNKNOWN_OPTION"
        )
    return fitting_pb2.ResultPicture.Value(f"RESULT_PICTURE_{name.upper()}")
