"""Starting, health, reflection, stopping."""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from facewright import AsyncClient, Character
from facewright import FitOptions as ClientFitOptions
from facewright.embedded import EmbeddedServer
from facewright.errors import RenderUnavailableError, ServerError
from facewright_models import errors as domain
from facewright_models.fitting import FitOptions
from facewright_server.app import SERVICE_NAMES, Server
from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError, StorageError
from facewright_server.serving import _stop_when_idle
from unit.server.fakes.running import FAKE_SERVER, Running, environment, run_cli, running, until, until_told
from unit.server.fakes.studio import PHOTO, FakeStudio

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(address: str, service: str = "") -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)).status


async def test_health_turns_to_serving_only_when_the_models_are_loaded() -> None:
    gate = threading.Event()
    async with running(FakeStudio(load_gate=gate)) as live:
        assert await health_of(live.address) == NOT_SERVING
        assert await health_of(live.address, "facewright.v1.FittingService") == NOT_SERVING
        assert await health_of(live.address, "facewright.v1.RigService") == SERVING
        gate.set()
        await live.server.wait_ready()
        for service in ("", *SERVICE_NAMES):
            await until_told(partial(health_of, live.address, service), lambda status: status == SERVING)


async def test_a_fit_that_comes_while_models_load_waits_for_them() -> None:
    gate = threading.Event()
    async with running(FakeStudio(load_gate=gate)) as live, AsyncClient(live.address) as client:
        fit = asyncio.create_task(client.fit(PHOTO))
        await asyncio.sleep(0.2)
        assert not fit.done()
        gate.set()
        assert (await fit).report.iterations == FitOptions().iterations


async def test_health_of_an_unknown_service_is_not_found() -> None:
    async with running() as live:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health_of(live.address, "facewright.v1.NoSuchService")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_answers_quickly_while_fits_run() -> None:
    async with running(FakeStudio(step_secs=0.02)) as live, AsyncClient(live.address) as client:
        fit = asyncio.create_task(client.fit(PHOTO))
        await until(lambda: live.studio.steps > 2)
        started = time.monotonic()
        assert await health_of(live.address) == SERVING
        assert time.monotonic() - started < 0.5  # 0.1 s is the goal; a busy test machine gets more
        await fit


async def test_reflection_lists_every_service() -> None:
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        async for answer in stub.ServerReflectionInfo(iter([question]), timeout=5):
            names = {service.name for service in answer.list_services_response.service}
        assert {*SERVICE_NAMES, "grpc.health.v1.Health"} <= names


async def test_a_missing_graphics_driver_is_a_typed_error_and_health_says_so() -> None:
    missing = domain.RenderUnavailableError("no EGL; apt install libegl1 libgl1-mesa-dri")
    async with running(FakeStudio(renderer_error=missing)) as live, AsyncClient(live.address) as client:
        with pytest.raises(RenderUnavailableError, match="libegl1"):
            await client.fit(PHOTO)
        assert await health_of(live.address) == NOT_SERVING
        assert len(await client.list_rigs()) == 2


async def test_unusable_weights_are_an_internal_error_with_a_reason() -> None:
    async with (
        running(FakeStudio(load_error=domain.WeightsError("a.safetensors: wrong sha256"))) as live,
        AsyncClient(live.address) as client,
    ):
        with pytest.raises(ServerError) as caught:
            await client.fit(PHOTO)
        assert caught.value.reason == "WEIGHTS_UNUSABLE"
        assert (await client.render(Character())).size_px == 512
        assert await health_of(live.address, "facewright.v1.RenderService") == SERVING
        assert await health_of(live.address, "facewright.v1.FittingService") == NOT_SERVING
        assert await health_of(live.address) == NOT_SERVING


async def test_a_port_in_use_is_refused() -> None:
    async with running() as live:
        second = Server(ServerConfig(listen=live.address, default_rig="fake"), FakeStudio())
        with pytest.raises(ConfigError, match="cannot listen"):
            await second.start()
        await second.stop()


async def test_stopping_ends_a_running_fit_within_a_step_and_closes_the_renderers() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio, shutdown_grace_secs=0.1) as live, AsyncClient(live.address) as client:
        fit = asyncio.create_task(client.fit(PHOTO, options=ClientFitOptions(iterations=1000)))
        await until(lambda: studio.steps > 2)
        started = time.monotonic()
        await live.server.stop()
        assert time.monotonic() - started < 2
        assert isinstance((await asyncio.gather(fit, return_exceptions=True))[0], Exception)
    assert studio.closed_renderers == 1
    assert studio.running == 0


async def test_a_fit_that_ends_within_the_grace_is_delivered() -> None:
    studio = FakeStudio(step_secs=0.005)
    async with running(studio, shutdown_grace_secs=10) as live, AsyncClient(live.address) as client:
        fit = asyncio.create_task(client.fit(PHOTO))
        await until(lambda: studio.steps > 2)
        stop = asyncio.create_task(live.server.stop())
        assert (await fit).report.iterations == FitOptions().iterations
        await stop


# ------------------------------------------------------------------------------------------------- leaving when idle

IDLE_SECS = 0.4


@asynccontextmanager
async def watched(live: Running) -> AsyncIterator[asyncio.Event]:
    """The event that ends a server whose `idle_exit_secs` is `IDLE_SECS`."""
    stopping = asyncio.Event()
    watch = asyncio.create_task(_stop_when_idle(live.server, IDLE_SECS, stopping))
    try:
        yield stopping
    finally:
        watch.cancel()


async def test_a_server_that_nobody_calls_leaves() -> None:
    async with running() as live, watched(live) as stopping:
        started = time.monotonic()
        await asyncio.wait_for(stopping.wait(), 10)
        assert time.monotonic() - started > 0.5 * IDLE_SECS


async def test_every_call_begins_the_idle_time_anew_and_one_that_runs_is_no_idleness() -> None:
    async with (
        running(FakeStudio(step_secs=0.05)) as live,
        AsyncClient(live.address) as client,
        watched(live) as stopping,
    ):
        for _ in range(4):
            await asyncio.sleep(0.5 * IDLE_SECS)
            await client.list_rigs()
        assert not stopping.is_set()
        await client.fit(PHOTO, options=ClientFitOptions(iterations=20))  # longer than the idle time
        assert not stopping.is_set()
        await asyncio.wait_for(stopping.wait(), 10)


async def test_questions_about_health_are_no_use() -> None:
    async with running() as live, watched(live) as stopping:
        async with asyncio.timeout(10):
            while not stopping.is_set():
                await health_of(live.address)
                await asyncio.sleep(0.05)


async def test_an_operation_that_is_not_done_keeps_the_server() -> None:
    async with (
        running(job_workers=0) as live,
        AsyncClient(live.address) as client,
        watched(live) as stopping,
    ):
        operation = await client.batch_fit([PHOTO])
        await asyncio.sleep(3 * IDLE_SECS)
        assert not stopping.is_set()
        await operation.cancel()
        await asyncio.wait_for(stopping.wait(), 10)


async def test_a_database_that_cannot_be_read_does_not_keep_the_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as live:

        async def broken() -> bool:
            raise StorageError("disk I/O error")

        monkeypatch.setattr(live.server, "has_unfinished_operations", broken)
        async with watched(live) as stopping:
            await asyncio.wait_for(stopping.wait(), 10)
    assert "cannot be read" in caplog.text


async def test_without_an_idle_time_the_server_stays() -> None:
    process = await start_process()
    await process.stdout.readline()
    await asyncio.sleep(2 * IDLE_SECS)
    assert process.returncode is None
    process.stdin.close()
    await process.wait()


# ------------------------------------------------------------------------------------------------------- the process


async def start_process(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *FAKE_SERVER,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_with_code_0(number: signal.Signals) -> None:
    process = await start_process()
    line = (await process.stdout.readline()).decode()
    assert line.startswith("facewright-server listening on 127.0.0.1:")
    process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_the_process_leaves_when_its_standard_input_is_closed() -> None:
    process = await start_process()
    await process.stdout.readline()
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_ready_is_announced_after_listening() -> None:
    process = await start_process()
    lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    assert "listening on" in lines[0]
    assert "ready after" in lines[1]
    process.stdin.close()
    await process.wait()


async def test_serve_refuses_an_address_others_can_reach_in_one_line() -> None:
    done = await run_cli("serve", "--listen", "0.0.0.0:0", module="facewright_server")
    assert done.code == 2
    assert "--insecure-allow-remote" in done.error_line


def test_an_embedded_server_that_cannot_start_says_why() -> None:
    from facewright.errors import ServerUnavailableError

    with pytest.raises(ServerUnavailableError, match="no such option"):
        EmbeddedServer(command=["sh", "-c", "echo 'no such option' >&2; exit 2"])
