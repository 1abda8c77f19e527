"""A server with one method of every kind behind the real interceptor, without engine or models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2

from facewright_server.config import ServerConfig
from facewright_server.errors import InvalidRequestError
from facewright_server.interceptor import CallInterceptor
from facewright_server.listening import bind, make_server
from facewright_server.security.gate import Gate
from facewright_server.security.identity import current_client

SERVICE = "facewright.test.EchoService"


def method(name: str) -> str:
    return f"/{SERVICE}/{name}"


@dataclass
class Echo:
    """What the handlers saw. A request's value says what to do."""

    seen: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    closed: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    address: str = ""
    interceptor: CallInterceptor | None = None

    async def act(self, request: Any, context: Any) -> StringValue:
        self.seen.append(request.value)
        self.clients.append(current_client().name)
        if request.value == "wait":
            await self.gate.wait()
        elif request.value == "refuse":
            raise InvalidRequestError("no", field="value")
        elif request.value == "break":
            raise ValueError("secret of the request")
        elif request.value == "abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "aborted")
        elif request.value == "code":
            context.set_code(grpc.StatusCode.DATA_LOSS)
        elif request.value == "grow":
            return StringValue(value="x" * 70_000)
        return StringValue(value=request.value.upper())

    async def unary_unary(self, request: Any, context: Any) -> StringValue:
        return await self.act(request, context)

    async def unary_stream(self, request: Any, context: Any) -> Any:
        try:
            for _ in range(3):
                yield await self.act(request, context)
        finally:
            self.closed += 1

    async def stream_unary(self, requests: Any, context: Any) -> StringValue:
        return StringValue(value=",".join([(await self.act(each, context)).value async for each in requests]))

    async def stream_stream(self, requests: Any, context: Any) -> Any:
        async for each in requests:
            yield await self.act(each, context)

    async def writer(self, request: Any, context: Any) -> None:
        await context.write(await self.act(request, context))

    def handlers(self) -> grpc.GenericRpcHandler:
        coding = {
            "request_deserializer": StringValue.FromString,
            "response_serializer": StringValue.SerializeToString,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "UnaryUnary": grpc.unary_unary_rpc_method_handler(self.unary_unary, **coding),
                "UnaryStream": grpc.unary_stream_rpc_method_handler(self.unary_stream, **coding),
                "StreamUnary": grpc.stream_unary_rpc_method_handler(self.stream_unary, **coding),
                "StreamStream": grpc.stream_stream_rpc_method_handler(self.stream_stream, **coding),
                "Writer": grpc.unary_stream_rpc_method_handler(self.writer, **coding),
            },
        )


@asynccontextmanager
async def echoing(**settings: Any) -> AsyncIterator[Echo]:
    config = ServerConfig(listen="127.0.0.1:0", max_message_bytes=64 * 1024, **settings)
    echo = Echo()
    echo.interceptor = CallInterceptor(Gate(config), max_message_bytes=config.max_message_bytes)
    server = make_server(config, echo.interceptor)
    server.add_generic_rpc_handlers((echo.handlers(),))
    echo.address = f"127.0.0.1:{bind(server, config.listen, None)}"
    await server.start()
    try:
        yield echo
    finally:
        await server.stop(None)


def text(value: str) -> bytes:
    return StringValue(value=value).SerializeToString()


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """What a status carries, by the name of its message."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    found: dict[str, Any] = {}
    for packed in status.details:
        detail = getattr(error_details_pb2, packed.type_url.rpartition(".")[2])()
        assert packed.Unpack(detail)
        found[type(detail).__name__] = detail
    return found


def reason_of(error: grpc.aio.AioRpcError) -> str:
    return str(details_of(error)["ErrorInfo"].reason)
