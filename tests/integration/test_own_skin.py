"""A fit with texture through the real server: the skin comes, is worn, and is to make the face more like the photo."""

import hashlib
from pathlib import Path

import pytest

from facewright import Client, EmbeddedServer, errors
from facewright.fitting import FitOptions
from integration import photos

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_photo_becomes_a_skin_that_frames_and_files_wear(
    server: EmbeddedServer, portrait: object, tmp_path: Path
) -> None:
    with Client(server.address) as client:
        options = FitOptions(iterations=10, texture=True)
        plain = client.fit(photos.png(portrait), options=FitOptions(iterations=10))  # type: ignore[arg-type]
        own = client.fit(photos.png(portrait), options=options)  # type: ignore[arg-type]
        assert hashlib.sha256(own.skin_texture_png).hexdigest() == own.character.skin_texture
        assert own.character.sliders == plain.character.sliders
        worn = client.render(own.character).pngs["color"]
        assert worn != plain.rendered_png
        assert len(client.export_glb(own.character)) > 100_000
        client.delete_media(own.skin_texture_media)
        with pytest.raises(errors.SkinTextureError, match=own.character.skin_texture):
            client.render(own.character)
        (tmp_path / "skin.png").write_bytes(own.skin_texture_png)
        client.upload_media(tmp_path / "skin.png")
        assert client.render(own.character).pngs["color"] == worn


def test_a_skin_from_the_photo_brings_the_recogniser_nearer(fitting: Client, portrait: object) -> None:
    options = FitOptions(iterations=10, texture=True)
    plain = fitting.fit(photos.png(portrait), options=FitOptions(iterations=10))  # type: ignore[arg-type]
    own = fitting.fit(photos.png(portrait), options=options)  # type: ignore[arg-type]
    assert own.report.identity_cosine > plain.report.identity_cosine
