"""Two clients of one server: neither sees, uses, changes or removes what belongs to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from facewright.v1 import fitting_pb2, fitting_pb2_grpc, media_pb2, media_pb2_grpc
from unit.server.fakes.access import bearer, write_tokens
from unit.server.fakes.echo import reason_of
from unit.server.fakes.jobs import Calls, batch_request, new_request_id, results_of, working
from unit.server.fakes.media import picture
from unit.server.fakes.running import running

PICTURE = picture()
TOKENS = {"ann": "fw_token_of_ann", "bob": "fw_token_of_bob"}


@dataclass
class Client:
    """All calls of one client; both share a channel, so that only the token tells them apart."""

    channel: grpc.aio.Channel
    token: str

    @property
    def jobs(self) -> Calls:
        return Calls(self.channel, bearer(self.token))

    def media(self, method: str, request: Any) -> Any:
        call = getattr(media_pb2_grpc.MediaServiceStub(self.channel), method)
        return call(request, metadata=bearer(self.token), timeout=10)

    def fit(self, request: fitting_pb2.FitRequest) -> Any:
        stub = fitting_pb2_grpc.FittingServiceStub(self.channel)
        return stub.Fit(request, metadata=bearer(self.token), timeout=10)

    async def announce(self, request_id: str = "") -> str:
        request = media_pb2.CreateUploadRequest(size_bytes=len(PICTURE), request_id=request_id)
        return str((await self.media("CreateUpload", request)).upload.name)

    async def upload(self) -> str:
        name = await self.announce()
        assert (await self.media("WriteUpload", messages(name))).HasField("media")
        return name

    async def media_names(self, page_token: str = "", page_size: int = 0) -> tuple[list[str], str]:
        request = media_pb2.ListMediaRequest(page_token=page_token, page_size=page_size)
        page = await self.media("ListMedia", request)
        return [item.name for item in page.media], page.next_page_token

    async def operation_names(self, **fields: Any) -> tuple[list[str], str]:
        page = await self.jobs.list(**fields)
        return [item.name for item in page.operations], page.next_page_token


def messages(name: str) -> Iterator[media_pb2.WriteUploadRequest]:
    yield media_pb2.WriteUploadRequest(start=media_pb2.UploadStart(name=name))
    yield media_pb2.WriteUploadRequest(data=PICTURE)


@asynccontextmanager
async def two_clients(tmp_path: Path) -> AsyncIterator[tuple[Client, Client, Any]]:
    """Ann, Bob and the configuration of their server, which has no workers of its own."""
    tokens_file = write_tokens(tmp_path, **TOKENS)
    async with (
        running(tokens_file=tokens_file, job_workers=0) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        ann, bob = (Client(channel, token) for token in TOKENS.values())
        yield ann, bob, live.server._config


async def refusal(call: Any) -> tuple[str, str]:
    """Reason and message of a call that has to fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value), caught.value.details()


async def test_files_of_another_client_are_as_unknown_as_files_that_never_were(tmp_path: Path) -> None:
    calls: dict[str, Callable[[Client, str], Any]] = {
        "GetUpload": lambda who, name: who.media("GetUpload", media_pb2.GetUploadRequest(name=name)),
        "WriteUpload": lambda who, name: who.media("WriteUpload", messages(name)),
        "GetMedia": lambda who, name: who.media("GetMedia", media_pb2.GetMediaRequest(name=name)),
        "DeleteMedia": lambda who, name: who.media("DeleteMedia", media_pb2.DeleteMediaRequest(name=name)),
        "DownloadMedia": lambda who, name: who.media(
            "DownloadMedia", media_pb2.DownloadMediaRequest(name=name)
        ).read(),
    }
    absent = "media/" + "0" * 32
    async with two_clients(tmp_path) as (ann, bob, _):
        finished, begun = await ann.upload(), await ann.announce()
        for method, call in calls.items():
            reason, told = await refusal(call(bob, absent))
            assert reason == "UNKNOWN_MEDIA", method
            for name in (finished, begun):
                assert await refusal(call(bob, name)) == (reason, told.replace(absent, name)), method
        assert await bob.media_names() == ([], "")
        assert (await ann.media_names())[0] == [finished]
        assert (await ann.media("WriteUpload", messages(begun))).HasField("media")


async def test_a_page_of_files_continues_with_files_of_whoever_asks(tmp_path: Path) -> None:
    async with two_clients(tmp_path) as (ann, bob, _):
        names_of_ann = {await ann.upload() for _ in range(2)}
        name_of_bob = await bob.upload()
        first, page_token = await ann.media_names(page_size=1)
        assert page_token
        second, _ = await ann.media_names(page_size=1, page_token=page_token)
        assert {*first, *second} == names_of_ann
        taken, _ = await bob.media_names(page_token=page_token)
        assert set(taken) <= {name_of_bob}


async def test_a_request_id_is_the_clients_own(tmp_path: Path) -> None:
    async with two_clients(tmp_path) as (ann, bob, _):
        request_id = new_request_id()
        uploads = [await who.announce(request_id) for who in (ann, bob, ann, bob)]
        assert uploads[:2] == uploads[2:]
        assert uploads[0] != uploads[1]
        jobs = [await who.jobs.batch_fit([b"photo 1"], request_id=request_id) for who in (ann, bob, ann, bob)]
        names = [job.name for job in jobs]
        assert names[:2] == names[2:]
        assert names[0] != names[1]


@pytest.fixture
def file_with_quotas(tmp_path: Path) -> str:
    """Bob's, who has the last table."""
    path = write_tokens(tmp_path, **TOKENS)
    with Path(path).open("a") as file:
        file.write(f"max_media_bytes = {2 * len(PICTURE) - 1}\nmax_operations = 1\n")
    return path


async def test_a_client_may_have_quotas_of_its_own(file_with_quotas: str) -> None:
    async with (
        running(tokens_file=file_with_quotas, job_workers=0) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        ann, bob = (Client(channel, token) for token in TOKENS.values())
        for who in (ann, bob):
            await who.upload()
            await who.jobs.batch_fit([b"photo 1"])
        await ann.upload()
        await ann.jobs.batch_fit([b"photo 2"])
        assert (await refusal(bob.announce()))[0] == "QUOTA"
        assert (await refusal(bob.jobs.batch_fit([b"photo 2"])))[0] == "QUOTA"


async def test_photos_of_another_client_cannot_be_fitted(tmp_path: Path) -> None:
    async with two_clients(tmp_path) as (ann, bob, _):
        name = await ann.upload()
        batch = batch_request([])
        batch.subjects.add().photos.add(media=name)
        assert (await refusal(bob.jobs.send(batch)))[0] == "UNKNOWN_MEDIA"
        alone = fitting_pb2.FitRequest(subjects=batch.subjects)
        assert (await refusal(bob.fit(alone).read()))[0] == "UNKNOWN_MEDIA"
        assert (await ann.jobs.send(batch)).name.startswith("operations/")


async def test_operations_of_another_client_are_as_unknown_as_operations_that_never_were(
    tmp_path: Path,
) -> None:
    absent = "operations/" + "0" * 32
    async with two_clients(tmp_path) as (ann, bob, config):
        name = (await ann.jobs.batch_fit([b"photo 1"])).name
        for method in ("get", "wait", "cancel", "delete"):
            reason, told = await refusal(getattr(bob.jobs, method)(absent))
            assert reason == "UNKNOWN_OPERATION", method
            assert await refusal(getattr(bob.jobs, method)(name)) == (reason, told.replace(absent, name))
        assert await bob.operation_names() == ([], "")
        assert await bob.operation_names(filter="done = false") == ([], "")
        assert (await ann.operation_names())[0] == [name]
        async with working(config):
            assert results_of(await ann.jobs.wait(name))[0].HasField("fitted")  # Bob has not cancelled it
        for method in ("get", "delete"):
            assert (await refusal(getattr(bob.jobs, method)(name)))[0] == "UNKNOWN_OPERATION"
        await ann.jobs.delete(name)


async def test_a_page_of_operations_continues_with_operations_of_whoever_asks(tmp_path: Path) -> None:
    async with two_clients(tmp_path) as (ann, bob, _):
        own = (await bob.jobs.batch_fit([b"photo 1"])).name
        for _ in range(2):
            await ann.jobs.batch_fit([b"photo 2"])
        _, page_token = await ann.operation_names(page_size=1)
        assert page_token
        assert await bob.operation_names(page_token=page_token) == ([own], "")


async def test_pictures_of_a_batch_belong_to_whoever_asked_for_it(tmp_path: Path) -> None:
    pictures = [fitting_pb2.RESULT_PICTURE_RENDERED]
    async with two_clients(tmp_path) as (ann, bob, config), working(config):
        begun = await ann.jobs.batch_fit([b"photo 1"], pictures=pictures)
        (result,) = results_of(await ann.jobs.wait(begun.name))
        name = result.fitted.pictures["rendered"]
        request = media_pb2.GetMediaRequest(name=name)
        assert (await ann.media("GetMedia", request)).media.content_type == "image/png"
        assert (await refusal(bob.media("GetMedia", request)))[0] == "UNKNOWN_MEDIA"
        assert await bob.media_names() == ([], "")
