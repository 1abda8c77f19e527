"""Frames of videos come upright at their true times; what cannot be read is refused."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facewright_models.errors import (
    ImageTooLargeError,
    InvalidInputError,
    InvalidMediaError,
    ParameterRangeError,
)
from facewright_models.expression.videos import VideoLimits, read_frames
from unit.models.colour_patches import COLORS, levels, patches


def encoded(
    frames: Sequence[np.ndarray],
    container: str = "mp4",
    codec: str = "libx264",
    *,
    times_ms: Sequence[int] | None = None,
    clockwise_degrees: int = 0,
    colorspace: str = "ITU601",
    color_range: str = "MPEG",
    tags: dict[str, int] | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video at 25 frames a second, or of these times."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=container, options=options or {}) as output:
        video = output.add_stream(codec, rate=25, options={"crf": "8"} if codec == "libx264" else {})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        if times_ms is not None:
            video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        if clockwise_degrees:
            video.set_display_rotation(-clockwise_degrees)
        for name, value in (tags or {}).items():
            setattr(video.codec_context, name, value)
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=colorspace, dst_color_range=color_range
            )
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return stream.getvalue()


def read(content: bytes, **arguments: Any) -> list[Any]:
    return list(read_frames(io.BytesIO(content), **arguments))


# ---------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("matroska", "libx264"),
        ("webm", "libvpx"),
        ("avi", "mpeg4"),
        ("mp4", "mpeg4"),
    ],
)
def test_every_frame_comes_in_order_with_its_number_and_time(container: str, codec: str) -> None:
    frames = read(encoded(levels(12), container, codec))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time_secs for frame in frames] == pytest.approx(
        [index / 25 for index in range(12)], abs=2e-3
    )
    means = [frame.pixels.mean() for frame in frames]
    assert means == sorted(means)
    assert means == pytest.approx([pixels.mean() for pixels in levels(12)], abs=4)


def test_every_nth_frame_keeps_its_number() -> None:
    frames = read(encoded(levels(12)), every=5)
    assert [frame.index for frame in frames] == [0, 5, 10]
    assert [frame.time_secs for frame in frames] == pytest.approx([0.0, 0.2, 0.4])


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_variable_frame_rate_keeps_its_true_times(container: str) -> None:
    times = [0, 40, 80, 500, 510, 1400]
    frames = read(encoded(levels(6), container, times_ms=times))
    assert [frame.time_secs for frame in frames] == pytest.approx([time / 1000 for time in times], abs=2e-3)


def test_times_begin_at_the_first_frame() -> None:
    frames = read(encoded(levels(3), "matroska", times_ms=[700, 800, 1000]))
    assert [frame.time_secs for frame in frames] == pytest.approx([0.0, 0.1, 0.3], abs=2e-3)


@pytest.mark.parametrize("clockwise_degrees", [0, 90, 180, 270])
def test_frames_stand_upright(clockwise_degrees: int) -> None:
    upright = patches()
    stored = np.ascontiguousarray(np.rot90(upright, clockwise_degrees // 90))
    (frame, *_) = read(encoded([stored] * 3, clockwise_degrees=clockwise_degrees))
    assert frame.pixels.shape == upright.shape
    assert frame.pixels.flags["C_CONTIGUOUS"]
    assert np.abs(frame.pixels[8::16, 8::16].astype(int) - upright[8::16, 8::16]).max() <= 6


@pytest.mark.parametrize(
    ("colorspace", "color_range", "tags", "size_px"),
    [
        ("ITU601", "MPEG", {}, 16),
        ("ITU709", "MPEG", {}, 320),  # untagged HD is BT.709
        ("ITU709", "MPEG", {"colorspace": 1}, 16),
        ("ITU601", "JPEG", {"color_range": 2}, 16),
        ("ITU709", "JPEG", {"colorspace": 1, "color_range": 2}, 16),
    ],
)
def test_colours_are_read_by_the_files_matrix_and_range(
    colorspace: str, color_range: str, tags: dict[str, int], size_px: int
) -> None:
    (frame,) = read(encoded([patches(size_px)], colorspace=colorspace, color_range=color_range, tags=tags))
    middle = slice(size_px // 2, None, size_px)
    assert np.abs(frame.pixels[middle, middle].astype(int) - COLORS.reshape(2, 4, 3)).max() <= 6


def test_frames_are_decoded_one_by_one_when_they_are_asked_for() -> None:
    frames = read_frames(io.BytesIO(encoded(levels(12))))
    assert next(frames).index == 0
    assert next(frames).index == 1
    frames.close()


# ---------------------------------------------------------------------------------------------- not readable


def test_an_empty_file_is_refused_as_such() -> None:
    with pytest.raises(InvalidMediaError, match="empty"):
        read_frames(io.BytesIO(b""))


def test_what_is_no_video_is_refused_at_once() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    with pytest.raises(InvalidMediaError, match="a picture"):
        read_frames(stream)
    with pytest.raises(InvalidMediaError, match="neither"):
        read_frames(io.BytesIO(b"once upon a time there was a file" * 9))


def test_a_video_without_frames_is_refused() -> None:
    content = encoded(levels(1))
    with pytest.raises(InvalidMediaError):
        read(encoded(levels(1))[: content.index(b"mdat")])
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as output:
        video = output.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        output.start_encoding()
    with pytest.raises(InvalidMediaError):
        read(stream.getvalue())


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_video_is_refused_before_its_first_frame(
    container: str, codec: str, share: float
) -> None:
    content = encoded(NOISE, container, codec)
    with pytest.raises(InvalidMediaError):
        read_frames(io.BytesIO(content[: int(len(content) * share)]))


def with_damaged_pictures(content: bytes, *, share: float) -> bytes:
    """The last share of an MP4's pictures replaced, its index left whole."""
    position = 0
    while content[position + 4 : position + 8] != b"mdat":
        position += int.from_bytes(content[position : position + 4], "big")
    end = position + int.from_bytes(content[position : position + 4], "big")
    start = end - int((end - position - 8) * share)
    return content[:start] + b"\xff" * (end - start) + content[end:]


NOISE = list(np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), np.uint8))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_pictures_that_cannot_be_decoded_are_refused(codec: str) -> None:
    with pytest.raises(InvalidMediaError, match="damaged"):
        read(with_damaged_pictures(encoded(NOISE, codec=codec), share=1.0))


def test_damage_on_the_way_says_how_far_the_video_is_good() -> None:
    frames = read_frames(io.BytesIO(with_damaged_pictures(encoded(NOISE), share=0.5)))
    with pytest.raises(InvalidMediaError, match=r"after \d+ frames") as refused:
        list(frames)
    assert "send the complete file" in str(refused.value)


SAMPLES = [
    encoded(levels(6)),
    encoded(levels(6), "webm", "libvpx"),
    encoded(levels(6), "avi", "mpeg4"),
]


@settings(max_examples=60, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1),
)
def test_damage_anywhere_gives_frames_or_a_refusal(sample: bytes, places: list[tuple[float, int]]) -> None:
    content = bytearray(sample)
    for place, value in places:
        content[min(int(place * len(content)), len(content) - 1)] = value
    limits = VideoLimits(max_frame_pixels=1_000_000)
    try:
        frames = read(bytes(content), limits=limits)
    except InvalidInputError as error:
        assert len(str(error)) > 20
    else:
        assert all(frame.pixels.size > 0 for frame in frames)


def test_long_videos_are_refused_at_once() -> None:
    content = encoded(levels(50))
    for limits in (VideoLimits(max_secs=1.9), VideoLimits(max_frames=49)):
        with pytest.raises(InvalidMediaError, match="cut it"):
            read_frames(io.BytesIO(content), limits=limits)
    assert len(read(content, limits=VideoLimits(max_secs=2.0, max_frames=50))) == 50


def test_a_file_that_does_not_tell_its_length_is_refused_when_decoding_comes_to_the_limit() -> None:
    content = encoded(levels(50), "matroska", options={"live": "1"})
    frames = read_frames(io.BytesIO(content), limits=VideoLimits(max_secs=1.0))
    with pytest.raises(InvalidMediaError, match="longer than 1 s"):
        list(frames)


def test_frames_over_the_limit_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(ImageTooLargeError, match="64 x 48"):
        read_frames(io.BytesIO(encoded(levels(2))), limits=VideoLimits(max_frame_pixels=64 * 48 - 1))


def test_every_zeroth_frame_is_refused() -> None:
    with pytest.raises(ParameterRangeError, match="every"):
        read_frames(io.BytesIO(encoded(levels(2))), every=0)
