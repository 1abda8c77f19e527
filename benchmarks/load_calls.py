"""The calls of a load run: a fit, a frame, an upload, each timed from its first byte to its status."""

import hashlib
import io
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import grpc
import numpy as np
from google.protobuf import duration_pb2
from PIL import Image

from facewright.v1 import character_pb2, fitting_pb2, media_pb2, render_pb2
from unit.server.fakes.raw_calls import Answer, send
from unit.server.fakes.valid_calls import PACKAGE, photo_bytes, write_messages

# How the server refuses work that it could do at another time.
REJECTIONS = ("QUEUE_FULL", "QUOTA", "RATE_LIMIT")
_TIMEOUT_SECS = 120.0
_CHUNK_BYTES = 128 * 1024


@dataclass(frozen=True, kw_only=True)
class Work:
    """What clients ask for."""

    photo: bytes
    file: bytes
    iterations: int

    async def fit(self, channel: grpc.aio.Channel, rng: random.Random) -> Answer:  # noqa: ARG002 - see KINDS
        """One photo; every fit makes all its steps, and fits with equal options can be batched."""
        request = fitting_pb2.FitRequest(
            subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=self.photo)])],
            options=fitting_pb2.FitOptions(iterations=self.iterations, similarity_threshold=1.0),
        )
        return await _sent(channel, "FittingService/Fit", request.SerializeToString())

    async def render(self, channel: grpc.aio.Channel, rng: random.Random) -> Answer:
        """One frame of the neutral character."""
        request = render_pb2.RenderRequest(
            character=character_pb2.Character(),
            view=render_pb2.View(yaw_degrees=rng.uniform(-40, 40)),
            size_px=256,
        )
        return await _sent(channel, "RenderService/Render", request.SerializeToString())

    async def upload(self, channel: grpc.aio.Channel, rng: random.Random) -> Answer:
        """Announce, send and delete a file: three calls, timed together."""
        started = time.perf_counter()
        content = self.file + rng.randbytes(16)  # behind the picture: every upload has another checksum
        announced = media_pb2.CreateUploadRequest(
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            time_to_live=duration_pb2.Duration(seconds=3600),
        )
        answer = await _sent(channel, "MediaService/CreateUpload", announced.SerializeToString())
        if answer.is_ok:
            name = media_pb2.CreateUploadResponse.FromString(answer.messages[0]).upload.name
            parts = write_messages(name, content, chunk_bytes=_CHUNK_BYTES)
            answer = await _sent(channel, "MediaService/WriteUpload", *parts)
        if answer.is_ok:
            name = media_pb2.WriteUploadResponse.FromString(answer.messages[0]).media.name
            deleted = media_pb2.DeleteMediaRequest(name=name).SerializeToString()
            answer = await _sent(channel, "MediaService/DeleteMedia", deleted)
        return replace(answer, secs=time.perf_counter() - started, messages=())


KINDS: dict[str, Callable[[Work, grpc.aio.Channel, random.Random], Awaitable[Answer]]] = {
    "fit": Work.fit,
    "render": Work.render,
    "upload": Work.upload,
}


def make_work(studio: str, iterations: int) -> Work:
    """A portrait for the real studio, noise for the fake one, and a file of about 0.4 MB."""
    if studio == "real":
        from skimage import data

        stream = io.BytesIO()
        Image.fromarray(np.array(data.astronaut())).save(stream, "PNG")
        photo = stream.getvalue()
    else:
        photo = photo_bytes()
    return Work(photo=photo, file=photo_bytes((400, 300)), iterations=iterations)


def open_channel(address: str) -> grpc.aio.Channel:
    """A connection of its own."""
    return grpc.aio.insecure_channel(
        address,
        options=(("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)),
    )


async def _sent(channel: grpc.aio.Channel, method: str, *messages: bytes) -> Answer:
    return await send(channel, PACKAGE + method, messages, timeout_secs=_TIMEOUT_SECS)
