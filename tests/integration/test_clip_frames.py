"""Clips with the real rig and the real renderer, through the engine of the server."""

import io

import numpy as np
import pytest
from PIL import Image

from facewright_models.look import CharacterRenderer, make_clip
from facewright_models.rig import Character, load_rig
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.pictures import color_jpeg, color_raw
from facewright_server.studio import DomainStudio
from with_egl import require_egl

pytestmark = pytest.mark.integration

CURVES = ("jawOpen", "eyeBlinkLeft")
WEIGHTS = np.array([0, 0, 0.5, 0.2, 1, 1, 0, 0], np.float32)
SIZE_PX = 192


async def test_a_clip_shows_the_frames_that_single_calls_show_and_repeats_byte_for_byte() -> None:
    require_egl()
    schema = load_rig("anny").schema
    character = Character(rig="anny", rig_version=schema.version, styles={"hair": "bob"})
    clip = make_clip(schema, curves=CURVES, weights=WEIGHTS, yaw_degrees=(0, 10, 20, 0), max_frames=9)
    engine = Engine(DomainStudio(), ServerConfig())

    def raw(color: np.ndarray) -> bytes:
        return color_raw(color, bottom_up=False)

    async def streamed() -> list[bytes]:
        frames = engine.stream_frames(character, clip, size_px=SIZE_PX, preset="draft", encode=raw)
        return [content async for content in frames]

    try:
        first, again = await streamed(), await streamed()
        jpegs = engine.stream_frames(
            character,
            clip,
            size_px=SIZE_PX,
            preset="full",
            encode=lambda color: color_jpeg(color, quality=90),
        )
        pictures = [np.asarray(Image.open(io.BytesIO(content))) async for content in jpegs]
    finally:
        await engine.close()
    assert first == again
    assert first[0] == first[3]  # back at rest, from the front
    assert len(set(first)) == 3
    colors = [np.frombuffer(content, np.uint8).reshape(SIZE_PX, SIZE_PX, 3) for content in first]
    with CharacterRenderer(load_rig("anny"), backend="egl") as renderer:
        single = renderer.render(
            character,
            expression={"jawOpen": 0.5, "eyeBlinkLeft": float(np.float32(0.2))},
            view=clip.views[1],
            size_px=SIZE_PX,
            preset="draft",
        ).frame.color
    np.testing.assert_array_equal(single, colors[1])
    for picture, color in zip(pictures, colors, strict=True):
        assert np.abs(picture.astype(int) - color).mean() < 6
