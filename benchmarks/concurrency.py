"""``python benchmarks/concurrency.py [throughput health cancel frames again]``: a real server with several clients.

Starts the server as a process of its own, asks it over gRPC from this one, and holds the numbers against the
bars of the service core. Ends with code 1 when a bar is missed. The machine should have nothing else to do.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image
from skimage import data

from facewright import AsyncClient, Character, EmbeddedServer, FitOptions
from timing import Bar, Measurement, summary, write_results

FITS_AT_ONCE = 8
FITS_BESIDE_HEALTH = 4
HEALTH_EVERY_SECS = 0.01
CPU_WINDOW_SECS = 0.05
WATCHED_SECS = 3.0
BUSY_SHARE = 0.3  # of one core


@dataclass(kw_only=True)
class Findings:
    """Measurements, and those of them that have a bar."""

    measurements: list[Measurement] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The server under test and what it is asked for."""

    server: EmbeddedServer
    photo: bytes
    character: Character
    iterations: int
    repeats: int

    @property
    def options(self) -> FitOptions:
        """Every fit makes all its steps."""
        return FitOptions(iterations=self.iterations, similarity_threshold=1.0)


async def throughput(site: Site) -> Findings:
    """Eight fits one after the other against eight at once."""
    async with AsyncClient(site.server.address) as client:
        apart, together = [], []
        for _ in range(site.repeats):
            started = time.perf_counter()
            for _ in range(FITS_AT_ONCE):
                await client.fit(site.photo, options=site.options)
            apart.append((time.perf_counter() - started) / FITS_AT_ONCE)
            started = time.perf_counter()
            await asyncio.gather(*(client.fit(site.photo, options=site.options) for _ in range(FITS_AT_ONCE)))
            together.append((time.perf_counter() - started) / FITS_AT_ONCE)
    gain = statistics.median(apart) / statistics.median(together)
    return Findings(
        measurements=[
            summary("a fit, one after the other", "s", apart),
            summary(f"a fit, {FITS_AT_ONCE} at once", "s", together),
        ],
        bars=[Bar(name="throughput of fits at once to apart", value=gain, unit="x", bar=1.4, is_least=True)],
    )


async def health(site: Site) -> Findings:
    """Seconds that a health check takes while fits run."""
    samples: list[float] = []
    async with (
        AsyncClient(site.server.address) as client,
        grpc.aio.insecure_channel(site.server.address) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(health_pb2.HealthCheckRequest())
        for _ in range(site.repeats):
            fits = asyncio.gather(
                *(client.fit(site.photo, options=site.options) for _ in range(FITS_BESIDE_HEALTH))
            )
            while not fits.done():
                started = time.perf_counter()
                await stub.Check(health_pb2.HealthCheckRequest())
                samples.append(time.perf_counter() - started)
                await asyncio.sleep(HEALTH_EVERY_SECS)
            await fits
    p99 = statistics.quantiles(samples, n=100, method="inclusive")[98]
    return Findings(
        measurements=[summary("health check while 4 fits run", "s", samples)],
        bars=[Bar(name="health check, p99", value=1000 * p99, unit="ms", bar=100.0, is_least=False)],
    )


async def cancel(site: Site) -> Findings:
    """Seconds from the moment callers leave, at many moments of a fit, to an idle server."""
    leaving: dict[str, Callable[[Site, int, float], Awaitable[None]]] = {
        "cancelled": _cancelled,
        "abandoned": _abandoned,
    }
    findings = Findings()
    for word, leave in leaving.items():
        samples, cpu = [], []
        for turn, count in itertools.product(range(site.repeats), (1, FITS_BESIDE_HEALTH)):
            # Never at the same place twice: in the style search, in steps, on the way back through one.
            await leave(site, count, 0.37 * turn)
            until_idle, used = await asyncio.to_thread(_secs_until_idle, site.server.pid)
            samples.append(until_idle)
            cpu.append(used)
        findings.measurements.append(summary(f"idle after fits were {word}", "s", samples))
        findings.measurements.append(summary(f"CPU used after fits were {word}", "s", cpu))
        findings.bars.append(
            Bar(
                name=f"idle after {word} fits, at most", value=max(samples), unit="s", bar=0.5, is_least=False
            )
        )
    return findings


async def _cancelled(site: Site, count: int, after_secs: float) -> None:
    """Call, and cancel the calls some time after their first step, which tells the server so."""
    has_begun = asyncio.Event()
    async with AsyncClient(site.server.address) as client:
        fits = [
            asyncio.create_task(
                client.fit(site.photo, options=_long(), on_progress=lambda _: has_begun.set())
            )
            for _ in range(count)
        ]
        await has_begun.wait()
        await asyncio.sleep(after_secs)
        for fit in fits:
            fit.cancel()
        await asyncio.gather(*fits, return_exceptions=True)


_CALLER = """
import asyncio, sys
from facewright import AsyncClient, FitOptions

async def main():
    photo, options = sys.stdin.buffer.read(), FitOptions(iterations=1000)
    begun = lambda step: print("begun", flush=True)
    async with AsyncClient(sys.argv[1]) as client:
        fits = (client.fit(photo, options=options, on_progress=begun) for _ in range(int(sys.argv[2])))
        await asyncio.gather(*fits)

asyncio.run(main())
"""


async def _abandoned(site: Site, count: int, after_secs: float) -> None:
    """Call from a process that is killed some time after the first step: only its connection ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", _CALLER, site.server.address, str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the calling process has no pipes")
    process.stdin.write(site.photo)
    process.stdin.close()
    await process.stdout.readline()
    await asyncio.sleep(after_secs)
    process.kill()
    await process.wait()


def _long() -> FitOptions:
    return FitOptions(iterations=1000, similarity_threshold=1.0)


def _secs_until_idle(process_id: int) -> tuple[float, float]:
    """When the server's processes last used a good part of a core, and the CPU time they used, both from now.

    The second does not depend on what else the machine does.
    """
    started = time.perf_counter()
    last_busy = 0.0
    first = used = _cpu_secs(process_id)
    while (now := time.perf_counter() - started) < WATCHED_SECS:
        time.sleep(CPU_WINDOW_SECS)
        before, used = used, _cpu_secs(process_id)
        window = time.perf_counter() - started - now
        if used - before >= BUSY_SHARE * window:
            last_busy = now + window
    return last_busy, used - first


def _cpu_secs(process_id: int) -> float:
    """CPU time of the server and its workers so far."""
    server = psutil.Process(process_id)
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return sum(entry.user + entry.system for entry in times)


async def frames(site: Site) -> Findings:
    """A served frame against the same frame, drawn and coded in this process."""
    from facewright_models.look import CharacterRenderer, View
    from facewright_models.rig import Character as DomainCharacter
    from facewright_models.rig import load_rig
    from facewright_server.service.writing import render_message

    count = 20 * site.repeats
    rig = load_rig(site.character.rig)
    colors = {name: (c.red, c.green, c.blue) for name, c in site.character.colors.items()}
    character = DomainCharacter(
        rig=site.character.rig,
        rig_version=site.character.rig_version,
        sliders=dict(site.character.sliders),
        styles=dict(site.character.styles),
        colors=colors,
    )
    served, local = [], []
    with CharacterRenderer(rig) as renderer:

        def draw() -> None:
            rendered = renderer.render(
                character, expression={}, view=View(), size_px=512, passes=frozenset({"color"})
            )
            render_message(rendered, size_px=512).SerializeToString()

        async with AsyncClient(site.server.address) as client:
            for turn in range(count + 3):
                started = time.perf_counter()
                await client.render(site.character)
                middle = time.perf_counter()
                draw()
                if turn >= 3:  # warm-up
                    served.append(middle - started)
                    local.append(time.perf_counter() - middle)
    share = 1 - statistics.median(local) / statistics.median(served)
    return Findings(
        measurements=[summary("frame, served", "s", served), summary("frame, in-process", "s", local)],
        bars=[
            Bar(
                name="transport's share of a served frame",
                value=100 * share,
                unit="%",
                bar=10,
                is_least=False,
            )
        ],
    )


async def again(site: Site) -> Findings:
    """``facewright fit`` over and over: what a command takes beyond the fit itself, with the shared server up."""
    first, later = [], []
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder, "portrait.png"), Path(folder, "out")
        await asyncio.to_thread(photo.write_bytes, site.photo)
        command = [str(Path(sys.executable).with_name("facewright"))]
        own = {**os.environ, "FACEWRIGHT_STATE_DIR": folder}
        try:
            for turn in range(site.repeats + 1):
                started = time.perf_counter()
                run = [*command, "fit", str(photo), "--out", str(out)]
                await asyncio.to_thread(subprocess.run, run, env=own, capture_output=True, check=True)
                taken = time.perf_counter() - started
                worked = json.loads(await asyncio.to_thread((out / "report.json").read_text))["seconds"][
                    "total"
                ]
                (later if turn else first).append(taken - worked)
        finally:
            await asyncio.to_thread(
                subprocess.run, [*command, "embedded", "stop"], env=own, capture_output=True, check=False
            )
    return Findings(
        measurements=[
            summary("the first command beyond its fit", "s", first),
            summary("later commands beyond their fits", "s", later),
        ],
        bars=[
            Bar(
                name="a second command beyond its fit, at most",
                value=max(later),
                unit="s",
                bar=1.0,
                is_least=False,
            )
        ],
    )


PARTS: dict[str, Callable[[Site], Awaitable[Findings]]] = {
    "throughput": throughput,
    "health": health,
    "cancel": cancel,
    "frames": frames,
    "again": again,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[2])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--iterations", type=int, default=40, help="steps of each fit (default 40)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of each part (default 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, help="also write the measurements to this file")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"got {', '.join(sorted(unknown))}; expected some of {', '.join(PARTS)}")
    stream = io.BytesIO()
    Image.fromarray(data.astronaut()).save(stream, "PNG")
    findings = Findings()
    with EmbeddedServer() as server:
        character = asyncio.run(_warmed(server.address, stream.getvalue()))
        site = Site(
            server=server,
            photo=stream.getvalue(),
            character=character,
            iterations=arguments.iterations,
            repeats=arguments.repeats,
        )
        for name in arguments.parts or PARTS:
            found = asyncio.run(PARTS[name](site))
            findings.measurements += found.measurements
            findings.bars += found.bars
            if not arguments.json:
                print("\n".join([name, *(f"  {row.line()}" for row in (*found.measurements, *found.bars))]))
    if arguments.json:
        bars = [{**asdict(bar), "is_met": bar.is_met} for bar in findings.bars]
        print(
            json.dumps({"measurements": [asdict(m) for m in findings.measurements], "bars": bars}, indent=2)
        )
    if arguments.out is not None:
        write_results(arguments.out, findings.measurements)
    raise SystemExit(0 if all(bar.is_met for bar in findings.bars) else 1)


async def _warmed(address: str, photo: bytes) -> Character:
    """A character, after models and contexts are loaded."""
    async with AsyncClient(address) as client:
        return (await client.fit(photo, options=FitOptions(iterations=1), timeout_secs=300)).character


if __name__ == "__main__":
    main()
