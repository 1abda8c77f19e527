"""`GetServerInfo`: what it says is what the configuration, the rigs and the register of weights say."""

from __future__ import annotations

import threading
from importlib import metadata

import grpc

from facewright.v1 import server_pb2, server_pb2_grpc
from facewright_models.weights import read_register
from unit.server.fakes.running import running
from unit.server.fakes.studio import FakeStudio


async def info(address: str) -> server_pb2.GetServerInfoResponse:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = server_pb2_grpc.ServerServiceStub(channel)
        return await stub.GetServerInfo(server_pb2.GetServerInfoRequest(), timeout=20)


async def test_version_rigs_and_capabilities() -> None:
    async with running() as live:
        answer = await info(live.address)
    assert answer.version == metadata.version("facewright")
    assert sorted(answer.rigs) == ["fake", "other"]
    assert {"fit", "render", "rigs"} <= set(answer.capabilities)
    assert list(answer.capabilities) == sorted(set(answer.capabilities))


async def test_every_registered_model_with_its_checksum_and_licence() -> None:
    async with running() as live:
        answer = await info(live.address)
    register = read_register()
    assert register
    assert [model.name for model in answer.models] == sorted(register)
    for model in answer.models:
        row = register[model.name]
        assert (model.sha256, model.size_bytes, model.license) == (row.sha256, row.byte_count, row.licence)
        assert len(model.sha256) == 64
        assert model.license


async def test_limits_are_those_of_the_configuration() -> None:
    settings = {
        "max_message_bytes": 1_000_000,
        "max_photo_pixels": 12_345,
        "max_upload_bytes": 6_000_000_000,
        "max_subjects": 3,
        "max_photos_per_subject": 5,
        "max_batch_photos": 77,
    }
    async with running(**settings, media_ttl_secs=90.5, operation_ttl_secs=3600.0) as live:
        limits = (await info(live.address)).limits
    assert {name: getattr(limits, name) for name in settings} == settings
    assert limits.media_time_to_live.ToMilliseconds() == 90_500
    assert limits.operation_time_to_live.ToSeconds() == 3600


async def test_it_answers_while_models_load_and_the_uptime_grows() -> None:
    gate = threading.Event()
    async with running(FakeStudio(load_gate=gate)) as live:
        first = await info(live.address)
        second = await info(live.address)
        gate.set()
    assert 0 <= first.uptime.ToMilliseconds() < second.uptime.ToMilliseconds()
