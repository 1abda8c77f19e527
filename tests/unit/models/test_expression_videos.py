"""Frames of videos come upright at their true times, and videos that are written play in a browser or are not there."""

import errno
import io
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
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
    StorageError,
)
from facewright_models.expression.videos import VideoLimits, VideoWriter, read_frames

COLORS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 150, 120], [60, 40, 30], [128] * 3],
    np.uint8,
)  # fmt: skip


def patches(size_px: int = 16) -> np.ndarray:
    """(2 S, 4 S, 3): eight colours."""
    return np.kron(COLORS.reshape(2, 4, 3), np.ones((size_px, size_px, 1), np.uint8))


def grey(level: int, size_px: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_px[1], size_px[0], 3), level, np.uint8)


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


def levels(count: int) -> list[np.ndarray]:
    """Frames of grey, each lighter than the one before."""
    return [grey(20 + 200 * index // max(count - 1, 1)) for index in range(count)]


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


# ---------------------------------------------------------------------------------------------- writing


def write(path: Path, frames: Sequence[np.ndarray], fps: float = 25.0) -> None:
    height, width = frames[0].shape[:2]
    with VideoWriter(path, fps=fps, width=width, height=height) as writer:
        for frame in frames:
            writer.write(frame)


def boxes(content: bytes) -> list[bytes]:
    names, position = [], 0
    while position < len(content):
        length, name = struct.unpack(">I4s", content[position : position + 8])
        names.append(name)
        position += length
    return names


def test_what_is_written_is_what_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, levels(60), fps=30)
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        context = stream.codec_context
        assert (context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.color_range == 1
        assert (stream.average_rate, stream.frames) == (30, 60)
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0)
        assert sum(1 for _ in clip.decode(stream)) == 60
    names = boxes(path.read_bytes())
    assert names.index(b"moov") < names.index(b"mdat")
    assert [other.name for other in tmp_path.iterdir()] == ["clip.mp4"]


def test_colours_come_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, [patches()] * 3)
    for frame in read(path.read_bytes()):
        assert np.abs(frame.pixels[8::16, 8::16].astype(int) - COLORS.reshape(2, 4, 3)).max() <= 4


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (30_000 / 1001, Fraction(30_000, 1001)),
        (24_000 / 1001, Fraction(24_000, 1001)),
        (29.97, Fraction(2997, 100)),
        (12.5, Fraction(25, 2)),
        (1 / 3, Fraction(1, 3)),
        (120.0, Fraction(120)),
    ],
)
def test_a_fractional_rate_is_constant_and_exact(tmp_path: Path, fps: float, rate: Fraction) -> None:
    path = tmp_path / "clip.mp4"
    write(path, levels(30), fps=fps)
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        assert stream.average_rate == rate
        times = [frame.pts * stream.time_base for frame in clip.decode(stream)]
    assert {later - earlier for earlier, later in pairwise(times)} == {1 / rate}


@pytest.mark.parametrize("size_px", [(63, 48), (64, 47), (63, 47), (64, 48)])
def test_odd_sizes_get_a_copy_of_their_last_column_or_row(tmp_path: Path, size_px: tuple[int, int]) -> None:
    width, height = size_px
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[:, -9:] = 200
    picture[-9:] = 200
    path = tmp_path / "clip.mp4"
    write(path, [picture] * 4)
    (frame, *_) = read(path.read_bytes())
    assert frame.pixels.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(frame.pixels[:height, :width].astype(int) - picture).mean() < 2
    assert np.abs(frame.pixels[-1].astype(int) - 200).max() < 12
    assert np.abs(frame.pixels[:, -1].astype(int) - 200).max() < 12


def test_a_long_clip_has_key_frames_to_jump_to(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write(path, levels(100), fps=10)
    with av.open(str(path)) as clip:
        keys = [frame.time for frame in clip.decode(video=0) if frame.key_frame]
    assert all(later - earlier <= 2.0 + 1e-6 for earlier, later in pairwise([*keys, 10.0]))


def test_the_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"what was there")
    with VideoWriter(path, fps=25, width=64, height=48) as writer:
        writer.write(grey(9))
        assert path.read_bytes() == b"what was there"
    assert boxes(path.read_bytes())[0] == b"ftyp"


class CancelledError(BaseException):
    """As a cancelled task or an interrupted command raises."""


def write_and_raise(path: Path, error: type[BaseException]) -> None:
    with VideoWriter(path, fps=25, width=64, height=48) as writer:
        for frame in levels(60):
            writer.write(frame)
        assert len(list(path.parent.iterdir())) == 1
        raise error


@pytest.mark.parametrize("error", [RuntimeError, CancelledError, KeyboardInterrupt])
def test_nothing_is_left_when_the_block_ends_badly(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_and_raise(tmp_path / "clip.mp4", error)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_without_frames_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInputError, match="no frames"),
        VideoWriter(tmp_path / "clip.mp4", fps=25, width=64, height=48),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="frame 1 is 64 x 50 pixels; expected 64 x 48"):
        write(tmp_path / "clip.mp4", [grey(9), grey(9, (64, 50))])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0.0, -1.0, 120.1, float("nan"), float("inf"), 1e-9])
def test_rates_that_nothing_plays_are_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ParameterRangeError, match="fps is"):
        VideoWriter(tmp_path / "clip.mp4", fps=fps, width=64, height=48)


@pytest.mark.parametrize(
    ("width", "height", "field"), [(15, 48, "width"), (64, 0, "height"), (64, 8193, "height")]
)
def test_sizes_that_nothing_plays_are_refused(tmp_path: Path, width: int, height: int, field: str) -> None:
    with pytest.raises(ParameterRangeError, match=f"the {field} of the video") as refused:
        VideoWriter(tmp_path / "clip.mp4", fps=25, width=width, height=height)
    assert refused.value.field == field


def test_the_smallest_and_an_extreme_shape_are_written(tmp_path: Path) -> None:
    for width, height in ((16, 16), (8191, 17)):
        write(tmp_path / "clip.mp4", [grey(90, (width, height))] * 2)
        assert len(read((tmp_path / "clip.mp4").read_bytes())) == 2


# ---------------------------------------------------------------------------------------------- storage


LIMITED = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from facewright_models.errors import StorageError
from facewright_models.expression.videos import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0)
try:
    with VideoWriter(Path(sys.argv[1]), fps=25, width=320, height=240) as writer:
        for _ in range(int(sys.argv[2])):
            writer.write(noise.integers(0, 255, (240, 320, 3), np.uint8))
except StorageError as error:
    print("REFUSED", error)
"""


@pytest.mark.parametrize("frame_count", [12, 60])
def test_no_room_while_encoding_is_a_storage_error_and_leaves_nothing(
    tmp_path: Path, repository: Path, frame_count: int
) -> None:
    """A file that may not grow is refused by the system as on a full disk: at the end, or on the way."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "clip.mp4"), str(frame_count)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(repository / "models")},
    )
    assert done.stdout.startswith("REFUSED the video 'clip.mp4' cannot be written: the disk is full"), done
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    """A clip whose disk is full from some step on."""

    def __init__(self, clip: Any, step: str) -> None:
        self._clip, self._step = clip, step

    def mux(self, packets: Any) -> None:
        self._may("mux")
        self._clip.mux(packets)

    def close(self) -> None:
        self._may("close")
        self._clip.close()

    def _may(self, step: str) -> None:
        if step == self._step:
            raise av.error.OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["mux", "close"])
def test_a_full_disk_is_said_to_be_full(tmp_path: Path, step: str) -> None:
    writer = VideoWriter(tmp_path / "clip.mp4", fps=25, width=64, height=48)
    writer.__enter__()
    writer.write(grey(9))
    writer._clip = FullDisk(writer._clip, step)
    with pytest.raises(StorageError, match="disk is full; make room"):
        writer.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_as_the_reason(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="folder is not there"),
        VideoWriter(tmp_path / "missing" / "clip.mp4", fps=25, width=64, height=48),
    ):
        pass


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    threads = [threading.Thread(target=write, args=(path, levels(20 + number))) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(path.read_bytes())) in range(20, 24)
    assert [other.name for other in tmp_path.iterdir()] == ["clip.mp4"]
