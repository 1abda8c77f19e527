"""Videos that are written play in a browser, or are not there at all."""

import errno
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

from facewright_models.errors import InvalidInputError, ParameterRangeError, StorageError
from facewright_models.expression import VideoFrame
from facewright_models.expression.videos import VideoWriter, read_frames
from unit.models.colour_patches import COLORS, grey, levels, patches


def frames_of(path: Path) -> list[VideoFrame]:
    with path.open("rb") as file:
        return list(read_frames(file))


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
    for frame in frames_of(path):
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
    (frame, *_) = frames_of(path)
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
        assert len(frames_of(tmp_path / "clip.mp4")) == 2


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
    assert len(frames_of(path)) in range(20, 24)
    assert [other.name for other in tmp_path.iterdir()] == ["clip.mp4"]
