"""The motion of a photo on the real rig: a character's frames, and its video by a real worker."""

import io

import av
import numpy as np
import pytest

from facewright import Character, CharacterShot, Client, Clip, Curve, ExpressionFrame, ExpressionStart, Motion
from with_egl import require_egl

pytestmark = pytest.mark.integration

SIZE_PX = 128
EYES = Motion([Curve.through("eyes", 1, 0, easing="linear")], frame_count=3, fps=12)


def frames_of(client: Client) -> list[np.ndarray]:
    shot = CharacterShot(Character("anny"), size_px=SIZE_PX, preset="draft")
    start, *frames = list(client.stream_expression_frames(shot, EYES, encoding="raw_rgb24"))
    assert isinstance(start, ExpressionStart)
    return [picture(frame.content) for frame in frames if isinstance(frame, ExpressionFrame)]


def picture(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8).reshape(SIZE_PX, SIZE_PX, 3)


def test_eyes_of_a_character_close_and_nothing_else_moves(client: Client) -> None:
    require_egl()
    opened, _, closed = frames_of(client)
    (still,) = client.stream_frames(
        Character("anny"), Clip(times_secs=(0.0,)), size_px=SIZE_PX, encoding="raw_rgb24"
    )
    np.testing.assert_array_equal(opened, picture(still.content))
    rows, columns = np.nonzero(np.abs(opened.astype(int) - closed).max(-1) > 8)
    assert len(rows) > 40
    assert rows.min() > 0.3 * SIZE_PX
    assert rows.max() < 0.65 * SIZE_PX
    assert columns.max() - columns.min() > 0.2 * SIZE_PX  # both of them


def test_the_video_of_a_character_shows_the_frames_of_its_stream(client: Client) -> None:
    require_egl()
    shot = CharacterShot(Character("anny"), size_px=SIZE_PX, preset="draft")
    made = client.generate_expression_video(shot, EYES).result(180)
    content = io.BytesIO()
    client.download_media(made.video.name, content)
    content.seek(0)
    with av.open(content) as video:
        shown = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    for streamed, encoded in zip(frames_of(client), shown, strict=True):
        assert np.abs(streamed.astype(int) - encoded).mean() < 4
