"""A client of 0.1.0 at today's server: messages are built from the descriptors it was released with.

`tests/data/wire_contract_0.1.0.binpb` is the FileDescriptorSet of its generated code. Its own pool keeps it apart
from the present one, so nothing here can pick up a field that 0.1.0 did not know.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2

from facewright.v1 import fitting_pb2
from facewright_models.errors import NoFaceError
from unit.server.fakes.running import ROOT, Running, running
from unit.server.fakes.studio import PHOTO, raising_in_fit

CONTRACT = ROOT / "tests" / "data" / "wire_contract_0.1.0.binpb"
TIMEOUT_SECS = 20


class OldContract:
    """Message classes and methods as 0.1.0 had them."""

    def __init__(self, file: Path) -> None:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes())
        self.pool = descriptor_pool.DescriptorPool()
        for entry in files.file:
            self.pool.Add(entry)
        self.services = {
            f"{entry.package}.{service.name}": [method.name for method in service.method]
            for entry in files.file
            for service in entry.service
        }

    def message(self, name: str) -> Any:
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"facewright.v1.{name}"))

    def method(self, channel: grpc.aio.Channel, service: str, name: str) -> Any:
        found = self.pool.FindServiceByName(f"facewright.v1.{service}").FindMethodByName(name)
        arity = channel.unary_stream if found.server_streaming else channel.unary_unary
        return arity(
            f"/{found.containing_service.full_name}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(found.output_type).FromString,
        )


OLD = OldContract(CONTRACT)


@pytest.fixture
async def live() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest.fixture
async def channel(live: Running) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(live.address) as connected:
        yield connected


def fit_request(content: bytes) -> Any:
    return OLD.message("FitRequest")(
        subjects=[OLD.message("Subject")(photos=[OLD.message("Photo")(content=content)])],
        options=OLD.message("FitOptions")(
            iterations=3, locks=OLD.message("Locks")(sliders={"jaw_width": 0.75})
        ),
    )


async def test_fit_streams_progress_and_a_result_with_all_pictures(channel: grpc.aio.Channel) -> None:
    fit = OLD.method(channel, "FittingService", "Fit")
    events = [event async for event in fit(fit_request(PHOTO), timeout=TIMEOUT_SECS)]
    assert {event.WhichOneof("event") for event in events[:-1]} == {"progress"}
    assert events[-2].progress.iterations == 3
    result = events[-1].result
    assert result.character.rig == "fake"
    assert result.character.sliders["jaw_width"] == 0.75
    assert result.report.identity_cosine == pytest.approx(0.9)
    assert [warning.code for warning in result.report.warnings] == ["GLASSES"]
    for png in (result.aligned_photo_png, result.imitated_png, result.rendered_png, result.comparison_png):
        assert png.startswith(b"\x89PNG")


async def test_render_draws_every_pass(channel: grpc.aio.Channel) -> None:
    render = OLD.method(channel, "RenderService", "Render")
    request = OLD.message("RenderRequest")(
        character=OLD.message("Character")(rig="fake", sliders={"nose_width": 0.25}),
        expression={"jawOpen": 0.5},
        view=OLD.message("View")(yaw_degrees=20),
        size_px=32,
        passes=[1, 2, 3, 4],
    )
    answer = await render(request, timeout=TIMEOUT_SECS)
    assert [image.kind for image in answer.images] == [1, 2, 3, 4]
    assert (answer.size_px, len(answer.landmarks), len(answer.depth_metres)) == (32, 68, 4 * 32 * 32)


async def test_rigs_are_listed_and_described(channel: grpc.aio.Channel) -> None:
    listed = await OLD.method(channel, "RigService", "ListRigs")(
        OLD.message("ListRigsRequest")(), timeout=TIMEOUT_SECS
    )
    assert [rig.name for rig in listed.rigs] == ["fake", "other"]
    shown = await OLD.method(channel, "RigService", "GetRig")(
        OLD.message("GetRigRequest")(name="fake"), timeout=TIMEOUT_SECS
    )
    assert [parameter.name for parameter in shown.rig.parameters] == [
        "nose_width",
        "jaw_width",
        "hair",
        "skin",
    ]
    assert [parameter.WhichOneof("neutral") for parameter in shown.rig.parameters][2:] == [
        "neutral_style",
        "neutral_color",
    ]


async def test_an_error_still_has_the_code_and_the_reason_that_it_had(channel: grpc.aio.Channel) -> None:
    fit = OLD.method(channel, "FittingService", "Fit")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [event async for event in fit(fit_request(raising_in_fit(NoFaceError)), timeout=TIMEOUT_SECS)]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert (info.reason, info.domain) == ("NO_FACE", "facewright.dev")


def test_no_service_method_or_field_of_0_1_0_is_gone_or_has_changed() -> None:
    now = fitting_pb2.DESCRIPTOR.pool
    for service, methods in OLD.services.items():
        present = now.FindServiceByName(service)
        for method in methods:
            old = OLD.pool.FindServiceByName(service).FindMethodByName(method)
            new = present.FindMethodByName(method)
            assert (old.server_streaming, old.client_streaming) == (
                new.server_streaming,
                new.client_streaming,
            )
            assert (old.input_type.full_name, old.output_type.full_name) == (
                new.input_type.full_name,
                new.output_type.full_name,
            )
    files = descriptor_pb2.FileDescriptorSet.FromString(CONTRACT.read_bytes())
    compared = 0
    for entry in files.file:
        for message in entry.message_type:
            present = now.FindMessageTypeByName(f"{entry.package}.{message.name}")
            for field in message.field:
                same = present.fields_by_number[field.number]
                assert (same.name, same.type) == (field.name, field.type), f"{message.name}.{field.name}"
                compared += 1
    assert compared > 80
