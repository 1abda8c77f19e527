"""A large upload over loopback: speed, and how much memory the server takes for it.

``python benchmarks/upload.py [--megabytes 1000] [--repeats 3]`` measures against a server process of its own, which
has a stand-in for the models: only the way of the bytes is measured. `run.py upload` keeps the figures.
"""

import argparse
import contextlib
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from facewright._blocking import Wire
from facewright._channel import Connection
from facewright.media import delete_media, download_media, upload_media
from timing import Measurement, summary

_ROOT = Path(__file__).resolve().parents[1]
_LISTENING = "facewright-server listening on "
_BLOCK = os.urandom(1 << 20)


def measure(*, repeats: int, megabytes: int = 1000) -> list[Measurement]:
    """Uploads of one file, each deleted before the next; one small one first, to warm up."""
    rates, downloads, growths = [], [], []
    with tempfile.TemporaryDirectory(prefix="facewright-bench-") as folder:
        large, small = Path(folder) / "large.mp4", Path(folder) / "small.mp4"
        _write_clip(large, megabytes * 1_000_000)
        _write_clip(small, 20_000_000)
        with _server(Path(folder) / "state") as (address, process_id):
            wire = Wire(Connection(address=address))
            wire.run(delete_media(wire.run(upload_media(small)).name))
            for _ in range(max(1, min(repeats, 5))):
                before = _reset_peak_bytes(process_id)
                start = time.perf_counter()
                media = wire.run(upload_media(large))
                rates.append(megabytes / (time.perf_counter() - start))
                growths.append((_peak_bytes(process_id) - before) / 1e6)
                start = time.perf_counter()
                with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
                    wire.run(download_media(media.name, nowhere))
                downloads.append(megabytes / (time.perf_counter() - start))
                wire.run(delete_media(media.name))
            wire.close()
    return [
        summary(f"upload of {megabytes} MB", "MB/s", rates),
        summary("download of the same", "MB/s", downloads),
        summary("memory of the server during the upload", "MB", growths),
    ]


def _write_clip(path: Path, size_bytes: int) -> None:
    """A real clip of ten frames, and behind it a box of random bytes that players skip."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as clip:
        video = clip.add_stream("mpeg4", rate=Fraction(25))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for shade in range(0, 200, 20):
            picture = np.full((48, 64, 3), shade, np.uint8)
            clip.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        clip.mux(video.encode(None))
    head = stream.getvalue()
    padding = size_bytes - len(head)
    with path.open("wb") as file:
        file.write(head + padding.to_bytes(4, "big") + b"free")
        left = padding - 8
        while left:
            left -= file.write(_BLOCK[:left])


@contextlib.contextmanager
def _server(state_dir: Path) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), "--serve", str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT / "tests"), str(Path(__file__).parent)])},
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith(_LISTENING):
            raise RuntimeError(f"the server did not start: {line!r}")
        yield line[len(_LISTENING) :].strip(), process.pid
    finally:
        process.communicate()


def _serve(state_dir: str) -> None:
    from facewright_server.config import ServerConfig
    from facewright_server.serving import run
    from unit.server.fakes.studio import FakeStudio

    config = ServerConfig(
        listen="127.0.0.1:0", default_rig="fake", state_dir=state_dir, job_workers=0, shutdown_grace_secs=0.0
    )
    run(config, FakeStudio(), exit_with_stdin=True)


def _reset_peak_bytes(process_id: int) -> int:
    """Forget the peak so far; the memory at present."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5", encoding="ascii")
    return _status_bytes(process_id, "VmRSS")


def _peak_bytes(process_id: int) -> int:
    return _status_bytes(process_id, "VmHWM")


def _status_bytes(process_id: int, key: str) -> int:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    match = re.search(rf"{key}:\s+(\d+) kB", status)
    return int(match[1]) * 1024 if match else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the file (default 1000)")
    parser.add_argument("--repeats", type=int, default=3, help="uploads, at most 5 (default 3)")
    parser.add_argument("--serve", metavar="STATE_DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.serve)
        return
    before = os.getloadavg()[0]
    hasher, start = hashlib.sha256(), time.perf_counter()
    for _ in range(200):
        hasher.update(_BLOCK)
    print(f"load average {before:.1f} on {os.cpu_count()} cores; one core hashes "
          f"{200 * len(_BLOCK) / 1e6 / (time.perf_counter() - start):.0f} MB/s now")  # fmt: skip
    for measurement in measure(repeats=arguments.repeats, megabytes=arguments.megabytes):
        print("  " + measurement.line())


if __name__ == "__main__":
    main()
