"""``python benchmarks/crash.py``: kill -9 the server and its workers while they work; nothing may be lost.

A server with a fake, fast studio fits batches and takes uploads. At seeded random moments the server, its worker
or both are killed; the server is started again on the same folder. At the end every operation, every result and
every file is looked at. Prints what was lost, doubled or corrupt, and exits with 1 unless all three are 0.
"""

import argparse
import hashlib
import io
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from facewright import BatchFitItem, Client
from facewright.errors import FacewrightError

ROOT = Path(__file__).resolve().parent.parent
_SERVE = "--serve"
_STUDIO = "unit.server.fakes.job_studio:JobStudio"
_DONE_SECS = 240.0
_MOST_PHOTOS = 25
_MAX_NUMBER = 1000  # the fake studio writes the number of a photo into a slider in [0, 1]


@dataclass
class Ledger:
    """What the clients were promised: to be compared with what is there at the end."""

    batches: dict[str, list[int]] = field(default_factory=dict)  # operation -> numbers of its photos
    uploads: dict[str, str] = field(default_factory=dict)  # media -> sha256
    retried: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Verdict:
    """What is wrong, one line each."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)


class ServerProcess:
    """The server under test, always on the same port and folder."""

    def __init__(self, state: Path, log: Path) -> None:
        self._state = state
        self._log = log.open("ab")
        self._fits = log.with_name("fits.log")
        self._port = _free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._process = self._started()

    def worker_pids(self) -> list[int]:
        """Its child processes at this moment."""
        try:
            return [child.pid for child in psutil.Process(self._process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def fit_count(self) -> int:
        """Fits that workers have made since the beginning, committed or not."""
        return self._fits.read_bytes().count(b"\n") if self._fits.exists() else 0

    def kill_worker(self) -> bool:
        """Whether there was one."""
        pids = self.worker_pids()
        for pid in pids:
            _kill(pid)
        return bool(pids)

    def kill_server(self) -> None:
        """And start it again at once."""
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> None:
        """For good."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *filter(None, sys.path)]),
            "FACEWRIGHT_TEST_JOB_STUDIO": _STUDIO,
            "FAKE_JOB_STEP_SECS": "0.02",
            "FAKE_JOB_STEPS": "3",
            "FAKE_JOB_LOG": str(self._fits),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, __file__, _SERVE, str(self._state), str(self._port)]
        return subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="how often something is killed (default 50)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the moments and of what is killed (default 0)"
    )
    parser.add_argument("--keep", type=Path, help="folder for state and log, kept afterwards")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="facewright-crash-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return _measure(folder, arguments.kills, random.Random(arguments.seed))


def _measure(folder: Path, kill_count: int, chance: random.Random) -> int:
    ledger, stopping = Ledger(), threading.Event()
    started = time.monotonic()
    server = ServerProcess(folder / "state", folder / "server.log")
    clients = [
        threading.Thread(target=_batch, args=(server.address, ledger, stopping, random.Random(1))),
        threading.Thread(target=_batch, args=(server.address, ledger, stopping, random.Random(2))),
        threading.Thread(target=_upload, args=(server.address, ledger, stopping, random.Random(3))),
    ]
    for thread in clients:
        thread.start()
    try:
        killed = _kill_at_random(server, kill_count, chance)
        stopping.set()
        for thread in clients:
            thread.join(_DONE_SECS)
        verdict = _verdict(server.address, ledger)
        fit_count = server.fit_count()
    finally:
        stopping.set()
        server.stop()
    _check_database(folder / "state" / "facewright.db", verdict)
    photo_count = sum(len(numbers) for numbers in ledger.batches.values())
    print(f"killed: {dict(killed)} in {time.monotonic() - started:.0f} s")
    print(
        f"work: {len(ledger.batches)} operations, {photo_count} photos in {fit_count} fits, "
        f"{len(ledger.uploads)} uploads, {ledger.retried} calls made again"
    )
    print(f"operations lost {len(verdict.lost)}")
    print(f"results doubled {len(verdict.doubled)}")
    print(f"corrupt files {len(verdict.corrupt)}")
    for problem in (*verdict.lost, *verdict.doubled, *verdict.corrupt):
        print(f"  {problem}")
    is_done = sum(killed.values()) == kill_count and ledger.batches and ledger.uploads
    return 0 if is_done and not (verdict.lost or verdict.doubled or verdict.corrupt) else 1


def _kill_at_random(server: ServerProcess, count: int, chance: random.Random) -> Counter[str]:
    """Half of the moments lie anywhere, start of the server included; half while a worker is at work."""
    killed: Counter[str] = Counter()
    while sum(killed.values()) < count:
        if chance.random() < 0.5:
            _wait_for_fits(server)
        time.sleep(chance.uniform(0.0, 3.0))
        if not server.is_alive():
            raise SystemExit("the server ended by itself; see its log")
        victim = chance.choice(("server", "worker", "both"))
        if victim in ("worker", "both") and not server.kill_worker():
            if victim == "worker":
                continue  # there is none at this moment: nothing was killed
            victim = "server"
        if victim in ("server", "both"):
            server.kill_server()
        killed[victim] += 1
        print(f"\rkill {sum(killed.values())} of {count}", end="", flush=True)
    print()
    return killed


def _wait_for_fits(server: ServerProcess) -> None:
    """Until a worker has fitted something since now: it is past its start, and at work."""
    before, deadline = server.fit_count(), time.monotonic() + 120
    while server.fit_count() == before and time.monotonic() < deadline and server.is_alive():
        time.sleep(0.05)


def _batch(address: str, ledger: Ledger, stopping: threading.Event, chance: random.Random) -> None:
    """Start batches, wait for each; a call that fails is made again with its request_id."""
    with Client(address) as client:
        while not stopping.is_set():
            numbers = chance.sample(range(_MAX_NUMBER), chance.randint(1, _MOST_PHOTOS))
            request_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            photos = [f"photo {number}".encode() for number in numbers]
            operation = None
            while operation is None:
                try:
                    operation = client.batch_fit(photos, pictures=["rendered"], request_id=request_id)
                except FacewrightError:
                    with ledger.lock:
                        ledger.retried += 1
                    time.sleep(0.1)
            with ledger.lock:
                ledger.batches[operation.name] = numbers
            while not stopping.is_set():
                try:
                    if operation.wait(2.0):
                        break
                except FacewrightError:
                    time.sleep(0.1)


def _upload(address: str, ledger: Ledger, stopping: threading.Event, chance: random.Random) -> None:
    noise = np.random.default_rng(chance.getrandbits(32))
    with Client(address) as client:
        count = 0
        while not stopping.is_set():
            stream = io.BytesIO()
            pixels = noise.integers(0, 256, (chance.randint(64, 1600), 1024, 3), np.uint8)
            Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
            content = stream.getvalue()
            request_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            media = None
            while media is None:
                try:
                    media = client.upload_media(
                        content, display_name=f"upload-{count}", request_id=request_id
                    )
                except FacewrightError:
                    with ledger.lock:
                        ledger.retried += 1
                    time.sleep(0.1)
            count += 1
            with ledger.lock:
                ledger.uploads[media.name] = hashlib.sha256(content).hexdigest()
            stopping.wait(0.2)


def _verdict(address: str, ledger: Ledger) -> Verdict:
    verdict = Verdict()
    picture_names: Counter[str] = Counter()
    with Client(address) as client:
        for name, numbers in ledger.batches.items():
            try:
                items = client.get_operation(name).result(_DONE_SECS)
            except FacewrightError as error:
                verdict.lost.append(f"{name}: {error}")
                continue
            _check_items(name, numbers, items, verdict)
            picture_names.update(item.pictures.get("rendered", "") for item in items)
        listed = {summary.name for summary in client.list_operations()}
        verdict.lost += [f"{name} is not listed" for name in set(ledger.batches) - listed]
        verdict.doubled += [f"{name} is one too many" for name in listed - set(ledger.batches)]
        verdict.doubled += [
            f"{name} is the picture of {count}" for name, count in picture_names.items() if count > 1
        ]
        media = {entry.name: entry for entry in client.list_media()}
        expected = set(picture_names) | set(ledger.uploads)
        verdict.lost += [f"{name} is not there" for name in expected - set(media)]
        verdict.doubled += [f"{media[name]} is one too many" for name in set(media) - expected]
        for name in expected & set(media):
            target = io.BytesIO()
            try:
                client.download_media(name, target)
            except FacewrightError as error:
                verdict.corrupt.append(f"{name}: {error}")
                continue
            digest = hashlib.sha256(target.getvalue()).hexdigest()
            if digest != media[name].sha256 or digest != ledger.uploads.get(name, digest):
                verdict.corrupt.append(f"{name} has other bytes than were sent")
    return verdict


def _check_items(name: str, numbers: list[int], items: tuple[BatchFitItem, ...], verdict: Verdict) -> None:
    if len(items) > len(numbers) or len({item.subject for item in items}) != len(items):
        verdict.doubled.append(f"{name} has {len(items)} results for {len(numbers)} photos")
    for index, number in enumerate(numbers):
        item = items[index] if index < len(items) else None
        if item is None or item.character is None or item.subject != index:
            verdict.lost.append(f"{name}: the result of photo {index} is {item.error if item else 'missing'}")
        elif abs(item.character.sliders["nose_width"] - number / _MAX_NUMBER) > 1e-6:
            verdict.corrupt.append(f"{name}: photo {index} has the character of another one")


def _check_database(path: Path, verdict: Verdict) -> None:
    connection = sqlite3.connect(path)
    try:
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != "ok":
            verdict.corrupt.append(f"{path.name}: {answer}")
        if connection.execute("PRAGMA foreign_key_check").fetchall():
            verdict.corrupt.append(f"{path.name}: rows that belong to nothing")
        for table in ("operation_items", "operation_inputs"):
            left = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            if left:
                verdict.doubled.append(f"{left} rows of {table} are left of operations that are done")
    finally:
        connection.close()


def _serve(state: str, port: str) -> None:
    from facewright_server.config import ServerConfig
    from facewright_server.logs import configure_logging
    from facewright_server.serving import run
    from unit.server.fakes.studio import FakeStudio

    configure_logging("WARNING")
    config = ServerConfig(
        listen=f"127.0.0.1:{port}",
        state_dir=state,
        default_rig="fake",
        lease_secs=3.0,
        client_calls_per_sec=10_000.0,
        max_client_operations=1000,
    )
    run(config, FakeStudio())


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    if sys.argv[1:2] == [_SERVE]:
        _serve(*sys.argv[2:])
    else:
        sys.exit(main())
