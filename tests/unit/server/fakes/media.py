"""Media as tests need them: small files, and a server that has the MediaService and nothing else.

As a process: ``python -m unit.server.fakes.media STATE_DIR PART_BYTES``.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from facewright.v1 import media_pb2_grpc
from facewright_server.config import ServerConfig
from facewright_server.interceptor import CallInterceptor
from facewright_server.listening import bind, make_server
from facewright_server.media.store import MediaStore, open_media_store
from facewright_server.persistence import Database, open_state
from facewright_server.security.gate import Gate
from facewright_server.service.media import MediaServicer


def picture(
    size_px: tuple[int, int] = (64, 48), *, kind: str = "PNG", mode: str = "RGB", **save: Any
) -> bytes:
    """A picture of noise, which no format makes small."""
    noise = Image.effect_noise(size_px, 90).convert(mode)
    if "A" in mode:
        noise.putalpha(Image.effect_noise(size_px, 90))
    stream = io.BytesIO()
    noise.save(stream, kind, **save)
    return stream.getvalue()


def clip(
    container: str = "mp4",
    codec: str = "libx264",
    *,
    pixels: str = "yuv420p",
    size_px: tuple[int, int] = (64, 48),
    frames: int = 12,
    times_ms: Sequence[int] | None = None,
    clockwise_degrees: int | None = None,
    language: str | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A clip of noise at 25 frames a second, or at the given times; with stereo sound where a language is named."""
    noise = np.random.default_rng(0)
    stream = io.BytesIO()
    with av.open(stream, "w", format=container, options=options or {}) as output:
        video = output.add_stream(codec, rate=25)
        video.width, video.height = size_px
        video.pix_fmt = pixels
        if times_ms is not None:
            video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        if clockwise_degrees is not None:
            video.set_display_rotation(-clockwise_degrees)
        sound = None
        if language is not None:
            sound = output.add_stream(
                "aac" if container != "webm" else "libopus", rate=48000, layout="stereo"
            )
            sound.metadata["language"] = language
        for index in range(frames if times_ms is None else len(times_ms)):
            values = noise.integers(0, 255, (size_px[1], size_px[0], 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(values, format="rgb24").reformat(format=pixels)
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((2, 9600), np.float32), format="fltp", layout="stereo"
            )
            silence.sample_rate = 48000
            output.mux(sound.encode(silence))
            output.mux(sound.encode(None))
    return stream.getvalue()


def padded_clip(size_bytes: int) -> bytes:
    """An MP4 of exactly this size: a clip, and a box of noise that players skip."""
    head = clip(codec="mpeg4")
    padding = size_bytes - len(head)
    return head + padding.to_bytes(4, "big") + b"free" + np.random.default_rng(1).bytes(padding - 8)


@dataclass
class ServingMedia:
    address: str
    store: MediaStore
    database: Database
    config: ServerConfig


@asynccontextmanager
async def serving_media(
    state_dir: Path | str = "", *, part_bytes: int = 64 * 1024, address: str = "127.0.0.1:0", **settings: Any
) -> AsyncIterator[ServingMedia]:
    """A server in this event loop."""
    state = open_state(ServerConfig(listen=address, default_rig="fake", state_dir=str(state_dir), **settings))
    database = Database(state.config.database_url)
    store = open_media_store(state.config, database, part_bytes=part_bytes)
    interceptor = CallInterceptor(Gate(state.config), max_message_bytes=state.config.max_message_bytes)
    server = make_server(state.config, interceptor)
    media_pb2_grpc.add_MediaServiceServicer_to_server(MediaServicer(store), server)
    port = bind(server, state.config.listen, None)
    await server.start()
    store.start()
    try:
        yield ServingMedia(f"127.0.0.1:{port}", store, database, state.config)
    finally:
        await server.stop(0.2)
        await store.close()
        database.close()
        state.close()


async def _main(state_dir: str, part_bytes: int) -> None:
    async with serving_media(state_dir, part_bytes=part_bytes) as serving:
        print(serving.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
