"""Works on one operation under its lease, from the first item without an outcome to the end."""

import logging
import threading

from google.protobuf import any_pb2
from google.protobuf.message import Message

from facewright_models.errors import FacewrightError, FitCancelledError
from facewright_server.errors import ItemAbandonedError, OperationCancelledError, StorageError
from facewright_server.jobs.keeper import LeaseKeeper
from facewright_server.jobs.kinds import JobKind, Work, Workshop
from facewright_server.jobs.leases import Claims, Lease, LeaseLostError
from facewright_server.jobs.records import ItemOutcome, OperationState
from facewright_server.jobs.registry import JOB_KINDS
from facewright_server.status import internal_status, status_of

__all__ = ["MAX_STARTS", "cancelled_status", "run_operation"]

# So often is an item tried whose worker ends without an outcome for it.
MAX_STARTS = 3
_log = logging.getLogger(__name__)


def run_operation(lease: Lease, claims: Claims, workshop: Workshop, *, is_stopping: threading.Event) -> None:
    """Until the operation has ended, was given back because the process is to end, or is another's.

    Raises nothing but what is nobody's fault here: the lease is then left to time out.
    """
    kind = JOB_KINDS[lease.kind]
    started: set[int] = set()
    keeper = LeaseKeeper(claims, lease, lease_secs=workshop.config.lease_secs, is_stopping=is_stopping)
    with keeper:
        try:
            _work_through(kind, lease, claims, workshop, keeper, started)
        except LeaseLostError as error:
            _log.info("%s", error)
        except (FitCancelledError, StorageError):
            _stop(lease, claims, keeper, started)
        except Exception as error:  # noqa: BLE001 - the operation ends with it; `_fail` logs it
            _fail(lease, claims, keeper, error)


def cancelled_status(name: str) -> Message:
    """The end of an operation that was cancelled."""
    return status_of(OperationCancelledError(f"{name} was cancelled"), request_id=name)


def _work_through(
    kind: JobKind, lease: Lease, claims: Claims, workshop: Workshop, keeper: LeaseKeeper, started: set[int]
) -> None:
    keeper.persist(keeper.look)  # one that was cancelled meanwhile is not worth loading models for
    _check_running(lease, keeper)
    job = kind.open(
        Work(
            lease=lease,
            workshop=workshop,
            should_stop=keeper.should_stop,
            tell_partial=keeper.tell_partial,
            persist=keeper.persist,
        )
    )

    def commit(outcome: ItemOutcome) -> None:
        keeper.persist(lambda: claims.commit_item(lease, outcome))
        started.discard(outcome.index)

    while True:
        _check_running(lease, keeper)
        items = keeper.persist(lambda: claims.start_items(lease, limit=job.batch_size))
        if not items:
            break
        if items[0].start_count > MAX_STARTS:
            index = items[0].index
            commit(kind.abandoned(index, _abandoned_status(lease, index)))
            continue
        started.update(item.index for item in items)
        keeper.expect_end_within(job.item_limit_secs * len(items))
        job.run(items, commit)
    outcomes = keeper.persist(lambda: claims.outcomes(lease))
    response = any_pb2.Any()
    response.Pack(kind.response(outcomes))
    content = response.SerializeToString()
    keeper.persist(lambda: claims.end(lease, state=OperationState.SUCCEEDED, result=content))
    _log.info("operation done", extra={"operation": lease.name, "items": lease.item_count})


def _check_running(lease: Lease, keeper: LeaseKeeper) -> None:
    if keeper.should_stop():
        raise FitCancelledError(f"the work on {lease.name} is to stop")


def _stop(lease: Lease, claims: Claims, keeper: LeaseKeeper, started: set[int]) -> None:
    """End it when it was cancelled; otherwise give it back."""
    try:
        if keeper.is_cancelled:
            result = cancelled_status(lease.name).SerializeToString()
            claims.end(lease, state=OperationState.CANCELLED, result=result)
            _log.info("operation cancelled", extra={"operation": lease.name})
        else:
            claims.release(lease, unstarted=started)
            _log.info("operation given back", extra={"operation": lease.name})
    except LeaseLostError as error:
        _log.info("%s", error)
    except StorageError as error:  # the next worker finds it when the lease is over
        _log.warning("the operation could not be given back: %s", error, extra={"operation": lease.name})


def _fail(lease: Lease, claims: Claims, keeper: LeaseKeeper, error: Exception) -> None:
    if isinstance(error, FacewrightError):
        _log.error("operation failed: %s", error, extra={"operation": lease.name})
        status = status_of(error, request_id=lease.name)
    else:
        _log.error("operation failed", extra={"operation": lease.name}, exc_info=error)
        status = internal_status(request_id=lease.name)
    result = status.SerializeToString()
    try:
        keeper.persist(lambda: claims.end(lease, state=OperationState.FAILED, result=result))
    except (LeaseLostError, StorageError) as unwritten:
        _log.warning("%s", unwritten, extra={"operation": lease.name})


def _abandoned_status(lease: Lease, index: int) -> Message:
    error = ItemAbandonedError(
        f"the worker ended {MAX_STARTS} times while it worked on item {index}; it is not tried again; send it in a "
        "smaller or re-encoded form",
        metadata={"starts": str(MAX_STARTS)},
    )
    return status_of(error, request_id=lease.name)
