"""A worker beside the server in this process, and calls to the operations of a server."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import duration_pb2

from facewright.v1 import fitting_pb2, fitting_pb2_grpc
from facewright_server.config import ServerConfig
from facewright_server.jobs.kinds import Workshop
from facewright_server.jobs.worker import run_worker
from facewright_server.media.store import open_media_store
from facewright_server.persistence import Database
from unit.server.fakes.job_studio import JobStudio
from unit.server.fakes.running import Running, running


@asynccontextmanager
async def working(config: ServerConfig) -> AsyncIterator[threading.Event]:
    """A worker in a thread, on the database of `config`; the event ends it like the end of its server."""
    stopping, poked = threading.Event(), threading.Event()
    database = Database(config.database_url)
    media = open_media_store(config, database)
    workshop = Workshop(config, JobStudio(), media)
    thread = threading.Thread(
        target=run_worker,
        args=(config, database, workshop),
        kwargs={"is_stopping": stopping, "is_poked": poked},
    )
    thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        poked.set()
        await asyncio.to_thread(thread.join)
        workshop.close()
        media.close_blocking()
        database.close()


@dataclass
class Calls:
    """The stubs of one channel, and what tests ask again and again."""

    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...] = ()

    async def batch_fit(self, photos: Sequence[bytes], **fields: Any) -> operations_pb2.Operation:
        return await self.send(batch_request(photos, **fields))

    async def send(self, request: fitting_pb2.BatchFitRequest) -> operations_pb2.Operation:
        stub = fitting_pb2_grpc.FittingServiceStub(self.channel)
        return await stub.BatchFit(request, timeout=10, metadata=self.metadata)

    @property
    def operations(self) -> Any:
        return operations_pb2_grpc.OperationsStub(self.channel)

    async def get(self, name: str) -> operations_pb2.Operation:
        request = operations_pb2.GetOperationRequest(name=name)
        return await self.operations.GetOperation(request, timeout=10, metadata=self.metadata)

    async def wait(self, name: str, *, secs: float = 20.0) -> operations_pb2.Operation:
        timeout = duration_pb2.Duration()
        timeout.FromMilliseconds(round(secs * 1000))
        request = operations_pb2.WaitOperationRequest(name=name, timeout=timeout)
        return await self.operations.WaitOperation(request, timeout=secs + 10, metadata=self.metadata)

    async def cancel(self, name: str) -> None:
        request = operations_pb2.CancelOperationRequest(name=name)
        await self.operations.CancelOperation(request, timeout=10, metadata=self.metadata)

    async def delete(self, name: str) -> None:
        request = operations_pb2.DeleteOperationRequest(name=name)
        await self.operations.DeleteOperation(request, timeout=10, metadata=self.metadata)

    async def list(self, **fields: Any) -> operations_pb2.ListOperationsResponse:
        request = operations_pb2.ListOperationsRequest(**fields)
        return await self.operations.ListOperations(request, timeout=10, metadata=self.metadata)


@dataclass
class Office:
    """A server without worker processes, and calls to it."""

    live: Running
    calls: Calls

    @property
    def config(self) -> ServerConfig:
        return self.live.server._config


@asynccontextmanager
async def office(**settings: Any) -> AsyncIterator[Office]:
    async with (
        running(**{"job_workers": 0, **settings}) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        yield Office(live, Calls(channel))


def batch_request(photos: Sequence[bytes], **fields: Any) -> fitting_pb2.BatchFitRequest:
    """One subject per photo."""
    return fitting_pb2.BatchFitRequest(
        subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=photo)]) for photo in photos],
        **fields,
    )


def metadata_of(operation: operations_pb2.Operation) -> fitting_pb2.BatchFitMetadata:
    message = fitting_pb2.BatchFitMetadata()
    assert operation.metadata.Unpack(message)
    return message


def results_of(operation: operations_pb2.Operation) -> list[fitting_pb2.BatchFitResult]:
    message = fitting_pb2.BatchFitResponse()
    assert operation.response.Unpack(message), operation
    return list(message.results)


def new_request_id() -> str:
    return str(uuid.uuid4())
