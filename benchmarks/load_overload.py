"""Ten times the fits that a server can do: who is refused hears it at once, who is not waits no longer than usual.

First as many clients as the queue takes, one fit after the other: the unloaded queue. Then fits at a fixed rate,
whether earlier ones have ended or not; then a rest; then the first again.
"""

import argparse
import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc

from facewright_server.config import ServerConfig
from load_calls import REJECTIONS, Work, make_work, open_channel
from load_report import LoadReport, latency_line, percentile
from load_server import RAISED_LIMITS, LoadServer, load_server
from timing import summary
from unit.server.fakes.raw_calls import Answer

REST_SECS = 5.0
_LEAST_SAMPLES = 100
_LEAST_SECS = 8.0
_MOST_SECS = 120.0
_CONNECTIONS = 8
_FLAT_MB = 10.0
_MOST_IN_FLIGHT = 2000
_DEFAULTS = ServerConfig()


@dataclass
class _Tally:
    """What became of the calls of one phase."""

    accepted: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    untyped: int = 0
    unsent: int = 0
    lag_secs: float = 0.0  # longest time that this process, not the server, was late
    started: float = field(default_factory=time.perf_counter)
    ended: float = 0.0

    @property
    def secs(self) -> float:
        return self.ended - self.started

    @property
    def per_sec(self) -> float:
        """Accepted calls that were answered, a second."""
        return len(self.accepted) / self.secs

    def take(self, answer: Answer) -> None:
        """Count a call in."""
        if answer.is_ok:
            self.accepted.append(answer.secs)
        elif answer.reason in REJECTIONS:
            self.rejected.append(answer.secs)
            self.reasons[answer.reason] += 1
            self.untyped += bool(answer.flaw)
        else:
            self.failed.append(f"{answer.code.name} {answer.reason} {answer.text} {answer.flaw}")


def run(arguments: argparse.Namespace, report: LoadReport) -> None:
    """See the module."""
    work = make_work(arguments.studio, arguments.iterations)
    passes: dict[str, Mapping[str, object]] = {"raised": RAISED_LIMITS, "default": {}}
    for limits, settings in passes.items():
        if arguments.limits not in (limits, "both"):
            continue
        shown = ", ".join(f"{name} {value:,}" for name, value in settings.items()) or "as they are"
        report.say(f"limits per client {limits}: {shown}")
        with load_server(arguments.studio, settings, step_secs=arguments.step_secs) as server:
            asyncio.run(_overloaded(server, work, arguments, report, limits))


async def _overloaded(
    server: LoadServer, work: Work, arguments: argparse.Namespace, report: LoadReport, limits: str
) -> None:
    clients = _DEFAULTS.fit_queue_depth + _DEFAULTS.fit_batch_size
    channels = [open_channel(server.address) for _ in range(_CONNECTIONS)]
    try:
        await work.fit(channels[0], random.Random(0))
        calm = await _calm(channels, work, clients=clients)
        rate = arguments.factor * calm.per_sec
        began = time.monotonic()
        storm = await _storm(channels, work, per_sec=rate, secs=arguments.seconds)
        memory = server.memory.thirds(began, began + arguments.seconds)
        await asyncio.sleep(max(0.0, began + arguments.seconds + REST_SECS - time.monotonic()))
        after = await _calm(channels, work, clients=_DEFAULTS.fit_queue_depth)
    finally:
        await asyncio.gather(*(channel.close(None) for channel in channels))
    for name, tally in (("unloaded", calm), ("overload", storm), ("afterwards", after)):
        report.say(latency_line(name, tally.accepted, tally.secs))
        report.measurements.append(summary(f"fit, {name}, limits {limits}", "s", tally.accepted))
    offered = len(storm.accepted) + len(storm.rejected) + len(storm.failed)
    report.say(latency_line("rejected", storm.rejected, storm.secs))
    report.say(
        f"offered {offered} in {arguments.seconds:g} s ({offered / arguments.seconds:.0f}/s, wanted {rate:.0f}/s, "
        f"{offered / arguments.seconds / calm.per_sec:.1f} x capacity), {storm.unsent} not sent; rejected: "
        + (", ".join(f"{why} {count}" for why, count in storm.reasons.items()) or "none")
    )
    report.say(
        f"memory of the server: first third {memory[0] / 1e6:.1f} MB, last third {memory[1] / 1e6:.1f} MB, "
        f"peak {server.memory.peak_bytes / 1e6:.1f} MB; load average {os.getloadavg()[0]:.1f}"
    )
    report.say(
        f"longest refusal by the server's own clock {server.logged_secs('RESOURCE_EXHAUSTED'):.2f} s; the calling "
        f"process was late by at most {storm.lag_secs:.2f} s"
    )
    ratio = percentile(storm.accepted, 0.99) / max(1e-9, percentile(calm.accepted, 0.99))
    report.hold("a rejected call says so, at most", max(storm.rejected, default=0.0), "s", 1.0)
    report.hold("accepted calls' p99 to the unloaded queue's", ratio, "x", 2.0)
    report.hold("memory, last third - first third", (memory[1] - memory[0]) / 1e6, "MB", _FLAT_MB)
    report.hold(
        "offered to capacity",
        offered / arguments.seconds / calm.per_sec,
        "x",
        0.9 * arguments.factor,
        is_least=True,
    )
    report.hold("calls that failed otherwise than rejected", len(storm.failed) + len(after.failed), "", 0)
    report.hold("rejections without type or RetryInfo", storm.untyped + calm.untyped, "", 0)
    report.hold(f"rejections {REST_SECS:g} s later", len(after.rejected), "", 0)
    report.hold("throughput then, to before", after.per_sec / calm.per_sec, "x", 0.8, is_least=True)
    report.hold("server process alive", float(server.is_alive()), "", 1, is_least=True)
    report.problems += (storm.failed + after.failed)[:10]


async def _calm(channels: list[grpc.aio.Channel], work: Work, *, clients: int) -> _Tally:
    """Closed loop, until there are enough samples. A rejected client tries again when it is told to."""
    tally = _Tally()

    def is_over() -> bool:
        secs = time.perf_counter() - tally.started
        return secs >= _MOST_SECS or (secs >= _LEAST_SECS and len(tally.accepted) >= _LEAST_SAMPLES)

    async def client(number: int) -> None:
        while not is_over():
            answer = await work.fit(channels[number % len(channels)], random.Random(number))
            tally.take(answer)
            if not answer.is_ok:
                await asyncio.sleep(min(answer.retry_delay_secs or 0.1, 1.0))

    await asyncio.gather(*(client(number) for number in range(clients)))
    tally.ended = time.perf_counter()
    return tally


async def _watch_lag(tally: _Tally) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.02)
        tally.lag_secs = max(tally.lag_secs, time.perf_counter() - before - 0.02)


async def _storm(channels: list[grpc.aio.Channel], work: Work, *, per_sec: float, secs: float) -> _Tally:
    """Open loop: a call at every tick, however long the others take."""
    tally, running = _Tally(), set[asyncio.Task[None]]()
    watching = asyncio.create_task(_watch_lag(tally))

    async def call(number: int) -> None:
        tally.take(await work.fit(channels[number % len(channels)], random.Random(number)))

    for number in range(int(per_sec * secs)):
        due = tally.started + number / per_sec
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        if time.perf_counter() >= tally.started + secs:
            tally.unsent += int(per_sec * secs) - number  # this machine cannot send faster
            break
        if len(running) >= _MOST_IN_FLIGHT:
            tally.unsent += 1
            continue
        task = asyncio.create_task(call(number))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    watching.cancel()
    tally.ended = time.perf_counter()
    return tally
