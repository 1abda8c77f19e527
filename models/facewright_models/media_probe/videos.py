"""What a video file is: its streams, its timing, and whether its first frame can be decoded."""

import io
import itertools
import statistics
from collections.abc import Sequence
from typing import Any

import av

from facewright_models.media_probe.containers import Container
from facewright_models.media_probe.info import AudioStream, MediaLimits, VideoInfo
from facewright_models.media_probe.opening import (
    check_frame_size,
    clockwise_degrees,
    damaged_video,
    opened_video,
)

__all__ = ["has_uneven_steps", "probe_video"]

_CONTENT_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "matroska": "video/x-matroska",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
}
# Frames whose times are looked at where the file has no index of all of them.
_MAX_PACKETS = 3_000
_MAX_PACKET_BYTES = 64 * 1024 * 1024
_MAX_PACKETS_TO_FIRST_FRAME = 500
_MAX_AUDIO_STREAMS = 32
# A step differs when it is this far from the usual one and that is no rounding to ticks of the file's clock.
_UNEVEN_SHARE = 0.15
_ROUNDING_TICKS = 1.5
_UNKNOWN_LANGUAGES = {"", "und", "unknown"}


def probe_video(file: io.BufferedIOBase, container: Container, *, limits: MediaLimits) -> VideoInfo:
    """Reads the index, at most 64 MiB of packets, and decodes one frame.

    Raises `InvalidMediaError` for a file without pictures, damaged or cut short, and `ImageTooLargeError` for
    frames over the limit, before any is decoded.
    """
    with opened_video(file, container, max_frame_pixels=limits.max_frame_pixels) as (clip, stream):
        return _probe(clip, stream, container, limits)


def has_uneven_steps(times: Sequence[float], *, tick: float) -> bool:
    """Whether the steps between times (any unit, any order) vary by more than rounding to `tick`."""
    ordered = sorted(times)
    steps = [later - earlier for earlier, later in itertools.pairwise(ordered)]
    if len(steps) < 2:
        return False
    usual = statistics.median(steps)
    tolerance = max(_UNEVEN_SHARE * usual, _ROUNDING_TICKS * tick)
    return any(abs(step - usual) > tolerance for step in steps)


def _probe(clip: Any, stream: Any, container: Container, limits: MediaLimits) -> VideoInfo:
    times, frame_count, is_whole = _frame_times(clip, stream)
    tick = 1.0
    variable = has_uneven_steps(times, tick=tick)
    clip.seek(0)
    frame = _first_frame(clip, stream)
    check_frame_size(frame.width, frame.height, max_frame_pixels=limits.max_frame_pixels)
    rotation = clockwise_degrees(frame)
    width, height = frame.width, frame.height
    if rotation in (90, 270):
        width, height = height, width
    rate = stream.average_rate or stream.guessed_rate
    duration = _duration_secs(clip, stream)
    return VideoInfo(
        content_type=_CONTENT_TYPES[container],
        width=width,
        height=height,
        duration_secs=duration,
        frame_rate=float(rate) if rate else 0.0,
        has_variable_frame_rate=variable,
        frame_count=stream.frames or (frame_count if is_whole else 0),
        rotation_degrees=rotation,
        has_alpha=_has_alpha(stream, frame),
        codec=stream.codec_context.name,
        audio_streams=tuple(_audio(sound) for sound in clip.streams.audio[:_MAX_AUDIO_STREAMS]),
    )


def _frame_times(clip: Any, stream: Any) -> tuple[list[int], int, bool]:
    """Times of frames in ticks, how many there are, and whether those are all.

    MP4, MOV and AVI have an index of every frame; for others packets are read, up to a limit.
    """
    indexed = [entry.timestamp for entry in stream.index_entries]
    if stream.frames and len(indexed) >= stream.frames:
        return indexed, len(indexed), True
    times: list[int] = []
    byte_count = 0
    for packet in clip.demux(stream):
        if packet.size == 0:  # the end
            return times, len(times), True
        byte_count += packet.size
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None:
            times.append(time)
        if len(times) >= _MAX_PACKETS or byte_count >= _MAX_PACKET_BYTES:
            break
    else:
        return times, len(times), True
    # Frames are stored in the order of decoding: the last ones may have neighbours that were not read.
    return sorted(times)[:-16], len(times), False


def _first_frame(clip: Any, stream: Any) -> Any:
    for packet in itertools.islice(clip.demux(stream), _MAX_PACKETS_TO_FIRST_FRAME):
        for frame in packet.decode():
            return frame
    raise damaged_video("no frame of it can be decoded")


def _duration_secs(clip: Any, stream: Any) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return clip.duration / av.time_base if clip.duration is not None else 0.0


def _has_alpha(stream: Any, frame: Any) -> bool:
    """In the pixels, or beside them as WebM does it."""
    tagged = stream.metadata.get("alpha_mode") or stream.metadata.get("ALPHA_MODE")
    return tagged == "1" or any(component.is_alpha for component in frame.format.components)


def _audio(stream: Any) -> AudioStream:
    context = stream.codec_context
    language = stream.language or ""
    return AudioStream(
        codec=context.name if context is not None else "",
        sample_rate_hz=int(stream.rate or 0) if context is not None else 0,
        channels=int(stream.channels or 0) if context is not None else 0,
        language="" if language in _UNKNOWN_LANGUAGES else language,
    )
