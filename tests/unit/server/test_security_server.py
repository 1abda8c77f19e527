"""A whole server with TLS and tokens: who gets in, who does not, and what everybody may see."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from facewright.v1 import rig_pb2, rig_pb2_grpc, server_pb2, server_pb2_grpc
from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError
from facewright_server.security.tokens import token_table
from unit.server.fakes.access import bearer, make_certificate
from unit.server.fakes.echo import reason_of
from unit.server.fakes.running import running, until, until_told
from unit.server.fakes.studio import FakeStudio

TOKEN, OTHER_TOKEN = "fw_one", "fw_two"


@pytest.fixture
def tokens_file(tmp_path: Path) -> str:
    path = tmp_path / "tokens.toml"
    path.write_text(token_table("one", TOKEN) + token_table("two", OTHER_TOKEN) + "max_calls = 1\n")
    path.chmod(0o600)
    return str(path)


def secure_channel(address: str, certificate: str) -> grpc.aio.Channel:
    trusted = grpc.ssl_channel_credentials(Path(certificate).read_bytes())
    return grpc.aio.secure_channel(address, trusted)


async def rigs(channel: grpc.aio.Channel, metadata: Any = ()) -> list[str]:
    stub = rig_pb2_grpc.RigServiceStub(channel)
    answer = await stub.ListRigs(rig_pb2.ListRigsRequest(), metadata=metadata, timeout=10)
    return [rig.name for rig in answer.rigs]


async def rigs_anew(address: str) -> list[str]:
    """Over a connection of its own."""
    async with grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        return await rigs(channel)


async def code_of(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)
    return "OK"


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        bearer("fw_three"),
        bearer(""),
        bearer(TOKEN + " " + TOKEN),
        (("authorization", TOKEN),),
        (("authorization", f"Basic {TOKEN}"),),
        (("x-authorization", f"Bearer {TOKEN}"),),
    ],
    ids=str,
)
async def test_a_call_without_a_known_token_is_unauthenticated(tokens_file: str, metadata: Any) -> None:
    async with (
        running(tokens_file=tokens_file) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rigs(channel, metadata)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(caught.value) == "UNAUTHENTICATED"
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_known_token_gets_in(tokens_file: str, scheme: str) -> None:
    async with (
        running(tokens_file=tokens_file) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        assert await rigs(channel, (("authorization", f"{scheme} {TOKEN}"),)) == ["fake", "other"]


async def test_health_is_open_and_everything_else_is_not(tokens_file: str) -> None:
    async with (
        running(tokens_file=tokens_file) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        service = health_pb2.HealthCheckRequest(service="facewright.v1.RigService")
        assert (await health.Check(service, timeout=10)).status == health_pb2.HealthCheckResponse.SERVING
        watch = health.Watch(service, timeout=10)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()

        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reflection.ServerReflectionInfo(iter([question]), timeout=10).read()
        assert reason_of(caught.value) == "UNAUTHENTICATED"
        answer = await reflection.ServerReflectionInfo(
            iter([question]), metadata=bearer(TOKEN), timeout=10
        ).read()
        assert answer.list_services_response.service

        for name in (
            "/facewright.v1.MediaService/WriteUpload",
            "/google.longrunning.Operations/ListOperations",
            "/facewright.v1.ServerService/GetServerInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            "/no.such.Service/Method",
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(name)(b"", timeout=10)
            assert reason_of(caught.value) == "UNAUTHENTICATED", name


async def test_bytes_that_are_no_message_are_typed_for_health_and_operations_too() -> None:
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        for name in ("/grpc.health.v1.Health/Check", "/facewright.v1.ServerService/GetServerInfo"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(name)(b"\xff\xff", timeout=10)
            assert reason_of(caught.value) == "INVALID_REQUEST", name
        listing = operations_pb2.ListOperationsRequest(filter="x" * 10).SerializeToString()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/google.longrunning.Operations/Nothing")(listing, timeout=10)
        assert reason_of(caught.value) == "UNKNOWN_METHOD"


async def test_limits_of_the_tokens_file_win_over_those_of_the_server(tokens_file: str) -> None:
    async with (
        running(tokens_file=tokens_file, max_client_calls=5) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        activity = live.server.interceptor.activity
        path = "/facewright.v1.RigService/ListRigs"
        waiting = channel.stream_stream(path)(metadata=bearer(OTHER_TOKEN), timeout=10)
        also = channel.stream_stream(path)(metadata=bearer(TOKEN), timeout=10)
        await until(lambda: activity.in_flight == 2)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rigs(channel, bearer(OTHER_TOKEN))
        assert reason_of(caught.value) == "QUOTA"
        assert await rigs(channel, bearer(TOKEN))
        waiting.cancel()
        also.cancel()


async def test_a_hangup_signal_reads_the_tokens_again(tokens_file: str) -> None:
    async with (
        running(tokens_file=tokens_file) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        Path(tokens_file).write_text(token_table("three", "fw_three"))  # noqa: ASYNC240
        os.kill(os.getpid(), signal.SIGHUP)
        await until_told(lambda: code_of(rigs(channel, bearer("fw_three"))), lambda code: code == "OK")
        with pytest.raises(grpc.aio.AioRpcError):
            await rigs(channel, bearer(TOKEN))


def test_a_tokens_file_that_cannot_be_used_stops_the_server_from_starting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        Server(ServerConfig(tokens_file=str(tmp_path / "none.toml")), FakeStudio())


async def test_tls_encrypts_and_is_asked_of_everybody(tmp_path: Path, tokens_file: str) -> None:
    certificate, key = make_certificate(tmp_path)
    async with running(tls_certificate=certificate, tls_key=key, tokens_file=tokens_file) as live:
        async with secure_channel(live.address, certificate) as channel:
            assert await rigs(channel, bearer(TOKEN)) == ["fake", "other"]
        async with grpc.aio.insecure_channel(live.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await rigs(channel, bearer(TOKEN))
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        other, _ = make_certificate(tmp_path, "other")
        async with secure_channel(live.address, other) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await rigs(channel, bearer(TOKEN))


async def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    async with running(tls_certificate=certificate, tls_key=key) as live:
        async with secure_channel(live.address, certificate) as channel:
            assert await rigs(channel)
        renewed, renewed_key = make_certificate(tmp_path, "renewed")
        Path(renewed_key).replace(key)  # noqa: ASYNC240
        Path(renewed).replace(certificate)  # noqa: ASYNC240
        async with secure_channel(live.address, certificate) as channel:
            assert await rigs(channel)


@pytest.mark.parametrize("which", ["tls_certificate", "tls_key"])
@pytest.mark.parametrize("content", [None, b"", b"not PEM"])
async def test_a_certificate_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, which: str, content: bytes | None
) -> None:
    paths = dict(zip(("tls_certificate", "tls_key"), make_certificate(tmp_path), strict=True))
    paths[which] = str(tmp_path / "other.pem")
    if content is not None:
        Path(paths[which]).write_bytes(content)  # noqa: ASYNC240
    server = Server(ServerConfig(listen="127.0.0.1:0", default_rig="fake", **paths), FakeStudio())
    with pytest.raises(ConfigError, match=which):
        await server.start()
    await server.stop()


async def test_a_call_that_grpc_cannot_read_does_not_end_the_server() -> None:
    """A path that is not UTF-8 ends grpcio's accepting loop; it is opened again on the same port."""
    async with running() as live:
        async with grpc.aio.insecure_channel(live.address) as channel:
            service = server_pb2_grpc.ServerServiceStub(channel)
            await service.GetServerInfo(server_pb2.GetServerInfoRequest(), timeout=10)
            for _ in range(2):
                with (
                    grpc.insecure_channel(live.address) as hostile,
                    pytest.raises(grpc.RpcError),
                ):
                    await asyncio.to_thread(hostile.unary_unary(b"/a.B/\xff\xfe"), b"", timeout=10)
                # A connection of before is served again, after one call that may be cancelled between the two;
                # a new one shows that the port is open.
                await until_told(
                    lambda: code_of(
                        service.GetServerInfo(
                            server_pb2.GetServerInfoRequest(), timeout=10, wait_for_ready=True
                        )
                    ),
                    lambda code: code == "OK",
                )
                await until_told(lambda: code_of(rigs_anew(live.address)), lambda code: code == "OK")
        async with grpc.aio.insecure_channel(live.address) as channel:
            assert await rigs(channel)
            health = health_pb2_grpc.HealthStub(channel)
            await live.server.wait_ready()
            await until_told(
                lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=10),
                lambda answer: answer.status == health_pb2.HealthCheckResponse.SERVING,
            )
