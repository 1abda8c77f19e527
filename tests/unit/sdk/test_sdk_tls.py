"""The clients against a server with TLS and tokens: what travels is encrypted, and both ends know whom they meet."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facewright import AsyncClient, Client, Retry, errors
from unit.server.fakes.access import make_certificate, write_tokens
from unit.server.fakes.jobs import working
from unit.server.fakes.media import picture
from unit.server.fakes.running import running
from unit.server.fakes.studio import PHOTO

CLIENT, TOKEN = "ann", "fw_token_of_ann"
PICTURE = picture()


@dataclass
class Secured:
    address: str
    certificate: bytes
    config: Any

    @property
    def terms(self) -> dict[str, Any]:
        """What a client has to know of this server."""
        return {"root_certificates": self.certificate, "token": TOKEN}


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Secured]:
    certificate, key = make_certificate(tmp_path)
    tokens_file = write_tokens(tmp_path, **{CLIENT: TOKEN})
    async with running(
        tls_certificate=certificate, tls_key=key, tokens_file=tokens_file, job_workers=0
    ) as live:
        yield Secured(live.address, Path(certificate).read_bytes(), live.server._config)  # noqa: ASYNC240


async def test_the_blocking_client_does_everything_over_tls(secured: Secured) -> None:
    def use() -> None:
        with Client(secured.address, **secured.terms) as client:
            assert [rig.name for rig in client.list_rigs()] == ["fake", "other"]
            assert client.fit(PHOTO).character.rig == "fake"
            media = client.upload_media(PICTURE, display_name="me")
            assert media.sha256 == hashlib.sha256(PICTURE).hexdigest()
            target = io.BytesIO()
            client.download_media(media.name, target)
            assert target.getvalue() == PICTURE
            operation = client.batch_fit([b"photo 1", b"photo 2"])
            assert [item.error for item in operation.result(20)] == [None, None]

    async with working(secured.config):
        await asyncio.to_thread(use)


async def test_the_asynchronous_client_does_everything_over_tls(secured: Secured) -> None:
    async with working(secured.config), AsyncClient(secured.address, **secured.terms) as client:
        assert [rig.name for rig in await client.list_rigs()] == ["fake", "other"]
        assert (await client.fit(PHOTO)).character.rig == "fake"
        media = await client.upload_media(PICTURE)
        target = io.BytesIO()
        await client.download_media(media.name, target)
        assert target.getvalue() == PICTURE
        operation = await client.batch_fit([b"photo 1"])
        assert [item.error for item in await operation.result(20)] == [None]


async def test_a_name_of_the_certificate_is_as_good_as_its_address(secured: Secured) -> None:
    port = secured.address.rpartition(":")[2]
    async with AsyncClient(f"localhost:{port}", **secured.terms) as client:
        assert await client.list_rigs()


async def test_a_server_whose_certificate_is_not_trusted_gets_no_token(
    secured: Secured, tmp_path: Path
) -> None:
    other = Path(make_certificate(tmp_path, "other")[0]).read_bytes()  # noqa: ASYNC240
    for trust in ({"root_certificates": other}, {"tls": True}):
        async with AsyncClient(secured.address, token=TOKEN, retry=Retry.never(), **trust) as client:
            with pytest.raises(errors.ServerUnavailableError) as caught:
                await client.list_rigs()
            assert TOKEN not in str(caught.value)


async def test_a_server_with_tls_does_not_answer_in_the_clear(secured: Secured) -> None:
    async with AsyncClient(secured.address, token=TOKEN, retry=Retry.never()) as client:
        with pytest.raises(errors.ServerUnavailableError):
            await client.list_rigs()


@pytest.mark.parametrize("token", ["", "fw_token_of_nobody"])
async def test_a_certificate_does_not_stand_for_a_token(secured: Secured, token: str) -> None:
    async with AsyncClient(secured.address, **{**secured.terms, "token": token}) as client:
        with pytest.raises(errors.UnauthenticatedError):
            await client.list_rigs()
