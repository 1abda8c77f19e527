"""What a player waits for: a server that starts, a photo that is fitted, over a real connection."""

import io
import re
import time
from pathlib import Path

from PIL import Image
from skimage import data

from facewright import Client, EmbeddedServer
from timing import Measurement, summary


def measure(*, repeats: int) -> list[Measurement]:
    """Start to first frame, warm seconds per photo, and the peak memory of the server after them."""
    stream = io.BytesIO()
    Image.fromarray(data.astronaut()).save(stream, "PNG")
    photo = stream.getvalue()
    started = time.perf_counter()
    with EmbeddedServer() as server, Client(server.address) as client:
        listening = time.perf_counter() - started
        character = client.fit(photo).character  # warm-up: the models load before it
        seconds, frames = [], []
        for _ in range(max(3, repeats // 4)):
            start = time.perf_counter()
            report = client.fit(photo).report
            seconds.append(time.perf_counter() - start)
        for _ in range(repeats):
            start = time.perf_counter()
            client.render(character)
            frames.append(time.perf_counter() - start)
        peak = _peak_memory_bytes(server.pid) / 1e9
    with EmbeddedServer() as server, Client(server.address) as client:
        start = time.perf_counter()
        client.render(character)
        ready = time.perf_counter() - start
    return [
        summary("server listening after", "s", [listening]),
        summary("first frame of a fresh server after", "s", [ready]),
        summary("fit one photo, warm", "s", seconds),
        summary("of which in the optimiser", "s", [report.seconds.optimise]),
        summary("render one frame, warm", "s", frames),
        summary("peak memory of the server", "GB", [peak]),
    ]


def _peak_memory_bytes(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(match[1]) * 1024 if match else 0
