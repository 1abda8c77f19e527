"""`google.longrunning.Operations`: what became of work that outlives its call."""

import base64
import binascii
import hashlib
from dataclasses import replace

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2

from facewright_server.errors import InvalidRequestError
from facewright_server.jobs.desk import JobDesk
from facewright_server.jobs.filters import read_filter
from facewright_server.jobs.records import OperationRecord, OperationState
from facewright_server.jobs.registry import JOB_KINDS
from facewright_server.security.identity import current_client

__all__ = ["OperationsServicer", "operation_message"]

_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 500
_COLLECTION = "operations"
_LONGEST_WAIT_SECS = 300.0
_ANSWER_SECS = 0.2  # kept of the caller's time for the answer to travel


class OperationsServicer(operations_pb2_grpc.OperationsServicer):
    """See google/longrunning/operations.proto. Clients see their own operations only."""

    def __init__(self, desk: JobDesk) -> None:
        self._desk = desk

    async def GetOperation(  # noqa: N802 - the name in the proto
        self,
        request: operations_pb2.GetOperationRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> operations_pb2.Operation:
        """How it stands."""
        return operation_message(await self._desk.find(request.name, owner=current_client().name))

    async def ListOperations(  # noqa: N802 - the name in the proto
        self,
        request: operations_pb2.ListOperationsRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> operations_pb2.ListOperationsResponse:
        """Newest first. A page token is the number of the last operation, bound to its filter."""
        if request.name.rstrip("/") not in ("", _COLLECTION):
            raise InvalidRequestError(
                f"name is {request.name[:100]!r}; expected {_COLLECTION!r} or nothing", field="name"
            )
        if request.page_size < 0:
            raise InvalidRequestError(
                f"page_size is {request.page_size}; expected at least 0", field="page_size"
            )
        query = read_filter(request.filter, JOB_KINDS.values())
        if request.page_token:
            query = replace(query, before_sequence=_read_token(request.page_token, request.filter))
        size = min(request.page_size or _DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE)
        records, is_more = await self._desk.list(query, owner=current_client().name, limit=size)
        return operations_pb2.ListOperationsResponse(
            operations=[operation_message(record) for record in records],
            next_page_token=_token(records[-1].sequence, request.filter) if is_more else "",
        )

    async def WaitOperation(  # noqa: N802 - the name in the proto
        self, request: operations_pb2.WaitOperationRequest, context: grpc.aio.ServicerContext
    ) -> operations_pb2.Operation:
        """How it stands when it is done, when `timeout` is over or just before the deadline of the call."""
        limit_secs = _LONGEST_WAIT_SECS
        if request.HasField("timeout"):
            limit_secs = min(limit_secs, request.timeout.ToMilliseconds() / 1000)
        remaining_secs = context.time_remaining()
        if remaining_secs is not None:
            limit_secs = min(limit_secs, remaining_secs - _ANSWER_SECS)
        return operation_message(
            await self._desk.wait(request.name, owner=current_client().name, timeout_secs=limit_secs)
        )

    async def CancelOperation(  # noqa: N802 - the name in the proto
        self,
        request: operations_pb2.CancelOperationRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> empty_pb2.Empty:
        """Asks for it; nothing happens to one that is done."""
        await self._desk.cancel(request.name, owner=current_client().name)
        return empty_pb2.Empty()

    async def DeleteOperation(  # noqa: N802 - the name in the proto
        self,
        request: operations_pb2.DeleteOperationRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> empty_pb2.Empty:
        """Forgets a done operation and its result; one that runs has to be cancelled first."""
        await self._desk.delete(request.name, owner=current_client().name)
        return empty_pb2.Empty()


def operation_message(record: OperationRecord) -> operations_pb2.Operation:
    """With metadata; with error or response when it is done."""
    message = operations_pb2.Operation(name=record.name, done=record.state.is_done)
    kind = JOB_KINDS.get(record.kind)
    if kind is not None:  # else a newer server on the same database knows it
        message.metadata.Pack(kind.metadata(record))
    if record.state is OperationState.SUCCEEDED:
        message.response.CopyFrom(any_pb2.Any.FromString(record.result or b""))
    elif record.state.is_done:
        message.error.CopyFrom(status_pb2.Status.FromString(record.result or b""))
    return message


def _token(sequence: int, filter_text: str) -> str:
    return base64.urlsafe_b64encode(f"{sequence}.{_digest(filter_text)}".encode()).decode()


def _read_token(token: str, filter_text: str) -> int:
    try:
        sequence, _, digest = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii").partition(".")
    except (binascii.Error, UnicodeError):
        sequence, digest = "", ""
    if not sequence.isdecimal() or len(sequence) > 18:
        raise InvalidRequestError(
            "page_token is not one of this server; use next_page_token of the page before", field="page_token"
        )
    if digest != _digest(filter_text):
        raise InvalidRequestError(
            "page_token belongs to another filter; send the filter of the page before", field="page_token"
        )
    return int(sequence)


def _digest(filter_text: str) -> str:
    return hashlib.sha256(filter_text.encode("utf-8", "replace")).hexdigest()[:12]
