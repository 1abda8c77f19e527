"""A photo with other expressions, by the real models: what changes is measured on the frames, and what must not."""

import io

import av
import numpy as np
import pytest

from facewright import Client, Curve, ExpressionFrame, ExpressionStart, MoodKey, Motion, errors
from facewright_models.expression.animated_face import face_mask
from facewright_models.expression.degrees import lengths_of
from facewright_models.expression.reading import FaceReader
from integration import photos

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader()


def streamed(
    client: Client, portrait: np.ndarray, motion: Motion
) -> tuple[ExpressionStart, list[np.ndarray]]:
    start, *frames = list(client.stream_expression_frames(photos.png(portrait), motion, encoding="raw_rgb24"))
    assert isinstance(start, ExpressionStart)
    return start, [
        np.frombuffer(frame.content, np.uint8).reshape(portrait.shape)
        for frame in frames
        if isinstance(frame, ExpressionFrame)
    ]


def test_eyes_close_and_open_and_the_rest_of_the_photo_stays(
    client: Client, portrait: np.ndarray, reader: FaceReader
) -> None:
    motion = Motion([Curve.through("eyes", 1, 0, 1, easing="linear")], frame_count=3, fps=12)
    start, frames = streamed(client, portrait, motion)
    assert start.own_degrees["smile"] > 0.1  # she smiles in the photo
    points = reader.largest(portrait)
    assert points is not None
    openings = [lengths_of(reader.points_near(frame, points)) for frame in frames]
    assert openings[1].left_eye < openings[0].left_eye
    assert openings[1].right_eye < openings[0].right_eye
    assert openings[2].left_eye == pytest.approx(openings[0].left_eye, abs=0.01)
    beyond = face_mask(points, portrait.shape[:2]) == 0
    assert beyond.mean() > 0.5
    for frame in frames:
        assert np.array_equal(frame[beyond], portrait[beyond])
    mouth = np.s_[int(points[48:68, 1].min()) : int(points[48:68, 1].max()), : portrait.shape[1]]
    assert np.abs(frames[1][mouth].astype(int) - portrait[mouth]).mean() < 1


@pytest.mark.parametrize(
    ("most", "is_share"),
    [(0.7, True), (0.08, False)],
    ids=["by a third of the opening", "wholly, over the eye's width"],
)
def test_eyes_close_on_request(
    client: Client, portrait: np.ndarray, reader: FaceReader, most: float, is_share: bool
) -> None:
    motion = Motion([Curve.through("eyes", 1, 0, easing="linear")], frame_count=2, fps=12)
    _, frames = streamed(client, portrait, motion)
    points = reader.largest(portrait)
    assert points is not None
    opened, shut = (lengths_of(reader.points_near(frame, points)) for frame in frames)
    for before, after in ((opened.left_eye, shut.left_eye), (opened.right_eye, shut.right_eye)):
        assert after < most * (before if is_share else 1)


@pytest.mark.parametrize(("first", "last"), [(0.0, 0.5), (0.2, 0.9)])
def test_a_jaw_opens_further_the_further_it_is_asked_for(
    client: Client, portrait: np.ndarray, reader: FaceReader, first: float, last: float
) -> None:
    motion = Motion([Curve.through("jaw", first, last, easing="linear")], frame_count=4, fps=12)
    _, frames = streamed(client, portrait, motion)
    points = reader.largest(portrait)
    assert points is not None
    chins = [lengths_of(reader.points_near(frame, points)).chin for frame in frames]
    assert (np.diff(chins) > 0).all()


@pytest.mark.parametrize("mood", ["serious", "sad"])
def test_lips_that_a_smile_has_parted_shut_when_it_fades(
    client: Client, portrait: np.ndarray, reader: FaceReader, mood: str
) -> None:
    motion = Motion(moods=MoodKey.sequence(mood, easing="linear"), frame_count=2, fps=12)
    _, frames = streamed(client, portrait, motion)
    points = reader.largest(portrait)
    assert points is not None
    eyes = np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0)))
    apart = [
        (lips[[67, 66, 65], 1] - lips[[61, 62, 63], 1]).max() / eyes
        for lips in (points, reader.points_near(frames[1], points))
    ]
    assert apart[0] > 0.1
    assert apart[1] < 0.03


def test_what_comes_to_light_is_as_dark_and_as_red_as_the_photo(
    client: Client, portrait: np.ndarray, reader: FaceReader
) -> None:
    motion = Motion([Curve.through("jaw", 0.2, 0.6, easing="linear")], frame_count=2, fps=12)
    light = np.array([0.7, 0.5, 0.45])
    _, bright = streamed(client, portrait, motion)
    _, dim = streamed(client, np.rint(portrait * light).astype(np.uint8), motion)
    points = reader.points_near(bright[1], reader.largest(portrait))
    low, high = points[60:68].min(0).astype(int), points[60:68].max(0).astype(int)
    mouth = np.s_[low[1] : high[1] + 1, low[0] : high[0] + 1]
    assert high[1] - low[1] > 10
    assert np.abs(dim[1][mouth] - bright[1][mouth] * light).mean() < 6


def test_a_dim_and_reddish_photo_is_marked_where_the_bright_one_is(
    portrait: np.ndarray, reader: FaceReader
) -> None:
    points = reader.largest(portrait)
    dim = reader.points_near(np.rint(portrait * [0.7, 0.5, 0.45]).astype(np.uint8), points)
    assert np.hypot(*(dim - points)[48:68].T).max() < 0.3


def test_the_video_shows_the_frames_of_the_stream(client: Client, portrait: np.ndarray) -> None:
    motion = Motion([Curve.through("smile", 0, 1)], frame_count=4, fps=8)
    made = client.generate_expression_video(photos.png(portrait), motion).result(240)
    content = io.BytesIO()
    client.download_media(made.video.name, content)
    content.seek(0)
    with av.open(content) as video:
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p"
        shown = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    _, frames = streamed(client, portrait, motion)
    for frame, encoded in zip(frames, shown, strict=True):
        assert np.abs(frame.astype(int) - encoded).mean() < 4


def test_a_picture_without_a_face_is_refused(client: Client) -> None:
    motion = Motion([Curve.through("smile", 0, 1)], frame_count=2, fps=8)
    nobody = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    with pytest.raises(errors.InvalidInputError, match="no face"):
        list(client.stream_expression_frames(photos.png(nobody), motion))
