"""A character's own skin through the services: named by its hash, found among the caller's media, refused clearly."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from facewright import AsyncClient, Character, Clip, FitOptions, errors
from facewright_models.rig import skin_texture_file
from unit.server.fakes.running import running
from unit.server.fakes.studio import PHOTO, skin_pixels

SKIN = skin_texture_file(skin_pixels())[1]
SHA256 = hashlib.sha256(SKIN).hexdigest()
CHARACTER = Character("fake", "2.1.0", {"nose_width": 0.2}, skin_texture=SHA256)


async def test_a_fit_with_texture_names_its_skin_brings_it_and_leaves_it_among_the_media() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.fit(PHOTO, options=FitOptions(iterations=1, texture=True))
        kept = await client.get_media(result.skin_texture_media)
        assert live.studio.options is not None
        assert live.studio.options.bake_skin
        live.studio.worn.clear()
        await client.render(result.character)
        worn = live.studio.worn
    assert result.character.skin_texture == hashlib.sha256(result.skin_texture_png).hexdigest() == SHA256
    assert (kept.sha256, kept.content_type) == (SHA256, "image/png")
    assert [texture and texture.sha256 for texture in worn] == [SHA256]


async def test_a_fit_without_it_has_no_skin() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.fit(PHOTO, options=FitOptions(iterations=1))
        assert await client.list_media() == ()
    assert (result.character.skin_texture, result.skin_texture_png, result.skin_texture_media) == (
        "",
        b"",
        "",
    )


async def test_an_uploaded_skin_is_worn_by_frames_clips_and_exports() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await client.upload_media(SKIN)
        await client.render(CHARACTER)
        _ = [frame async for frame in client.stream_frames(CHARACTER, Clip.turntable(2), size_px=16)]
        glb = await client.export_glb(CHARACTER)
        await client.export_obj(CHARACTER)
        worn = live.studio.worn
    assert [texture and texture.sha256 for texture in worn] == [SHA256] * 5
    assert worn[0] is not None
    assert (worn[0].pixels == skin_pixels()).all()
    assert Character.from_glb(glb) == CHARACTER


async def test_a_skin_that_the_server_has_not_is_refused_by_its_hash_and_with_what_to_do() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        for call in (client.render(CHARACTER), client.export_glb(CHARACTER)):
            with pytest.raises(errors.SkinTextureError) as caught:
                await call
            assert SHA256 in str(caught.value)
            assert "upload" in str(caught.value)
            assert caught.value.metadata["sha256"] == SHA256
            assert caught.value.field_violations[0].field == "character.skin_texture"
        assert live.studio.worn == []


async def test_a_skin_that_was_deleted_is_refused_although_it_was_drawn_before() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        media = await client.upload_media(SKIN)
        await client.render(CHARACTER)
        await client.delete_media(media.name)
        with pytest.raises(errors.SkinTextureError):
            await client.render(CHARACTER)


@pytest.mark.parametrize("name", ["skin.png", "0" * 63, "A" * 64, "../" + "0" * 61])
async def test_what_is_no_hash_is_refused(name: str) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.SkinTextureError, match="64 lower-case"):
            await client.render(Character("fake", skin_texture=name))


async def test_media_that_are_no_skin_are_refused() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30)).save(stream, format="PNG")
    named = Character("fake", skin_texture=hashlib.sha256(stream.getvalue()).hexdigest())
    async with running() as live, AsyncClient(live.address) as client:
        await client.upload_media(stream.getvalue())
        with pytest.raises(errors.SkinTextureError, match="40 x 30"):
            await client.render(named)
