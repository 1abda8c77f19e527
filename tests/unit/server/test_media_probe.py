"""What a file is told to be: kind, upright size, timing, alpha, sound; and what is refused."""

import io
import struct
import zlib
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facewright_models.errors import (
    ImageTooLargeError,
    InvalidImageError,
    InvalidInputError,
    InvalidMediaError,
)
from facewright_models.media_probe import (
    AudioStream,
    ImageInfo,
    MediaInfo,
    MediaLimits,
    VideoInfo,
    media_info_from_json,
    media_info_to_json,
    probe_media,
)
from facewright_models.media_probe.videos import has_uneven_steps
from unit.server.fakes.media import clip, picture


def probe(content: bytes, **limits: int) -> MediaInfo:
    return probe_media(io.BytesIO(content), limits=MediaLimits(**limits))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_every_accepted_picture_is_told_by_its_content(kind: str) -> None:
    info = probe(picture((40, 24), kind=kind))
    assert info == ImageInfo(
        content_type=f"image/{kind.lower()}",
        width=40,
        height=24,
        has_alpha=False,
        frame_count=1,
        rotation_degrees=0,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "degrees"), [(1, 0), (2, 0), (3, 180), (5, 90), (6, 90), (8, 270)])
def test_the_size_is_that_of_the_upright_picture(kind: str, orientation: int, degrees: int) -> None:
    info = probe(picture((40, 24), kind=kind, exif=turned(orientation)))
    assert isinstance(info, ImageInfo)
    assert info.rotation_degrees == degrees
    assert (info.width, info.height) == ((24, 40) if degrees in (90, 270) else (40, 24))


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("WEBP", "RGBA")])
def test_alpha_is_seen(kind: str, mode: str) -> None:
    info = probe(picture(kind=kind, mode=mode))
    assert isinstance(info, ImageInfo)
    assert info.has_alpha


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_pictures_of_an_animation_are_counted(kind: str) -> None:
    frames = [Image.effect_noise((32, 24), spread).convert("RGB") for spread in (20, 90, 60)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    info = probe(stream.getvalue())
    assert isinstance(info, ImageInfo)
    assert info.frame_count == 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    content = picture((200, 150), kind=kind)
    with pytest.raises(InvalidImageError, match="cut short"):
        probe(content[: int(len(content) * share)])


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (2**31 - 1, 2**31 - 1), (9_000, 9_000)])
def test_a_decompression_bomb_is_refused_before_decoding(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(ImageTooLargeError):
        probe(png_header(width, height))


def test_a_picture_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(ImageTooLargeError, match="at most 100 are accepted"):
        probe(picture(), max_image_bytes=100)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF\x02\x01\x01" + bytes(200),
        b"MZ\x90\x00" + bytes(200),
        b"#!/bin/sh\nrm -rf /\n",
        b"%PDF-1.7\n" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
    ],
    ids=["empty", "elf", "exe", "script", "pdf", "zip", "playlist", "concat", "svg", "wav"],
)
def test_what_is_neither_image_nor_video_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidMediaError, match="neither an image nor a video"):
        probe(content)


def test_a_heif_picture_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidMediaError, match="HEIF"):
        probe(b"\0\0\0\x18ftypheic" + bytes(100))


def test_a_clip_is_measured() -> None:
    info = probe(clip(frames=25, language="deu"))
    assert info == VideoInfo(
        content_type="video/mp4",
        width=64,
        height=48,
        duration_secs=1.0,
        frame_rate=25.0,
        has_variable_frame_rate=False,
        frame_count=25,
        rotation_degrees=0,
        has_alpha=False,
        codec="h264",
        audio_streams=(AudioStream(codec="aac", sample_rate_hz=48000, channels=2, language="deu"),),
    )


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_the_rotation_of_a_phone_is_counted_in(container: str, degrees: int) -> None:
    info = probe(clip(container, clockwise_degrees=degrees))
    assert isinstance(info, VideoInfo)
    assert info.rotation_degrees == degrees
    assert (info.width, info.height) == ((48, 64) if degrees != 180 else (64, 48))


def test_the_matrix_of_a_phone_held_upright_means_a_quarter_turn_clockwise() -> None:
    """What an iPhone writes: x' = -y, y' = x, which is clockwise where y points down."""
    content = bytearray(clip(clockwise_degrees=0))
    track = content.index(b"tkhd")
    one = 0x10000
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 48 * one, 0, 0x40000000)
    content[track + 4 + 40 : track + 4 + 40 + 36] = matrix
    info = probe(bytes(content))
    assert isinstance(info, VideoInfo)
    assert info.rotation_degrees == 90


@pytest.mark.parametrize(
    ("container", "codec", "content_type", "codec_name"),
    [
        ("mov", "prores_ks", "video/quicktime", "prores"),
        ("matroska", "libx264", "video/x-matroska", "h264"),
        ("webm", "libvpx-vp9", "video/webm", "vp9"),
        ("avi", "mpeg4", "video/x-msvideo", "mpeg4"),
    ],
)
def test_every_accepted_container_is_told(
    container: str, codec: str, content_type: str, codec_name: str
) -> None:
    info = probe(clip(container, codec, pixels="yuv422p10le" if codec == "prores_ks" else "yuv420p"))
    assert isinstance(info, VideoInfo)
    assert (info.content_type, info.codec) == (content_type, codec_name)
    assert info.frame_count == 12
    assert info.frame_rate == pytest.approx(25, rel=0.01)
    assert info.duration_secs == pytest.approx(12 / 25, abs=0.05)
    assert not info.has_variable_frame_rate


@pytest.mark.parametrize(
    ("container", "codec", "pixels"),
    [("webm", "libvpx-vp9", "yuva420p"), ("mov", "prores_ks", "yuva444p10le")],
)
def test_alpha_of_a_clip_is_seen(container: str, codec: str, pixels: str) -> None:
    info = probe(clip(container, codec, pixels=pixels))
    assert isinstance(info, VideoInfo)
    assert info.has_alpha


UNEVEN_MS = [0, 33, 67, 200, 233, 300, 400, 410, 480, 500]
EVEN_MS = [round(index * 1000 / 29.97) for index in range(40)]


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_variable_frame_rate_is_known_from_the_times_and_not_the_header(container: str) -> None:
    uneven, even = (probe(clip(container, times_ms=times)) for times in (UNEVEN_MS, EVEN_MS))
    assert isinstance(uneven, VideoInfo)
    assert isinstance(even, VideoInfo)
    assert uneven.has_variable_frame_rate
    assert not even.has_variable_frame_rate


def test_a_single_gap_makes_the_frame_rate_variable() -> None:
    times = [time if index < 20 else time + 500 for index, time in enumerate(EVEN_MS)]
    info = probe(clip(times_ms=times))
    assert isinstance(info, VideoInfo)
    assert info.has_variable_frame_rate


@given(
    step=st.integers(20, 100),
    count=st.integers(3, 200),
    jitter=st.lists(st.integers(-1, 1), min_size=200, max_size=200),
)
def test_rounding_to_ticks_is_no_variable_frame_rate(step: int, count: int, jitter: list[int]) -> None:
    times = [index * step + (0 if step < 30 else jitter[index] // 2) for index in range(count)]
    assert not has_uneven_steps(times, tick=1.0)


@given(step=st.integers(20, 100), count=st.integers(6, 100), where=st.data())
def test_a_dropped_frame_is_found_wherever_it_is(step: int, count: int, where: st.DataObject) -> None:
    missing = where.draw(st.integers(1, count - 2))
    times = [index * step for index in range(count) if index != missing]
    assert has_uneven_steps(times[::-1], tick=1.0)


def test_a_fragmented_clip_is_measured() -> None:
    info = probe(clip(options={"movflags": "frag_keyframe+empty_moov"}, frames=30))
    assert isinstance(info, VideoInfo)
    assert (info.width, info.frame_count) == (64, 30)


def faststart(folder: Path) -> bytes:
    """The index before the pictures, as clips for the web have it."""
    plain, fast = folder / "plain.mp4", folder / "fast.mp4"
    plain.write_bytes(clip(frames=30))
    with av.open(str(plain)) as source, av.open(str(fast), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return fast.read_bytes()


def test_a_clip_with_its_index_first_is_refused_when_it_is_cut_short(tmp_path: Path) -> None:
    content = faststart(tmp_path)
    assert isinstance(probe(content), VideoInfo)
    with pytest.raises(InvalidMediaError, match="cut short"):
        probe(content[:-100])


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_truncated_clip_is_refused(container: str, codec: str, share: float) -> None:
    content = clip(container, codec, frames=30)
    with pytest.raises(InvalidMediaError):
        probe(content[: int(len(content) * share)])


def test_frames_over_the_limit_are_refused() -> None:
    with pytest.raises(ImageTooLargeError, match="64 x 48"):
        probe(clip(), max_frame_pixels=64 * 48 - 1)


def test_sound_without_pictures_is_refused() -> None:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=48000, layout="stereo")
        output.mux(sound.encode(None))
    with pytest.raises(InvalidMediaError):
        probe(stream.getvalue())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_anywhere_gives_an_answer_or_a_refusal(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    content = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        info = probe(bytes(content), max_image_pixels=1_000_000, max_frame_pixels=1_000_000)
    except InvalidInputError as error:
        assert len(str(error)) > 20
    else:
        assert info.width > 0


@pytest.mark.parametrize("index", range(7))
def test_what_is_known_survives_json(index: int) -> None:
    info = probe(SAMPLES[index])
    assert media_info_from_json(media_info_to_json(info)) == info


SAMPLES = [
    picture(kind="JPEG", exif=turned(6)),
    picture(mode="RGBA"),
    picture(kind="WEBP"),
    picture(kind="GIF"),
    clip(language="deu"),
    clip("webm", "libvpx"),
    clip("avi", "mpeg4"),
]
