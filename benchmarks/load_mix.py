"""Clients that draw fits, frames and uploads, each one call after the other."""

import argparse
import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from load_calls import KINDS, REJECTIONS, Work, make_work, open_channel
from load_report import LoadReport, latency_line
from load_server import RAISED_LIMITS, LoadServer, load_server
from timing import summary

_LONGEST_PAUSE_SECS = 1.0


@dataclass
class _Tally:
    secs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rejected: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    untyped: int = 0


def run(arguments: argparse.Namespace, report: LoadReport) -> None:
    """See the module."""
    report.say(f"limits raised: {', '.join(f'{name} {value:,}' for name, value in RAISED_LIMITS.items())}")
    work = make_work(arguments.studio, arguments.iterations)
    with load_server(arguments.studio, RAISED_LIMITS, step_secs=arguments.step_secs) as server:
        asyncio.run(_mixed(server, work, arguments, report))


async def _mixed(server: LoadServer, work: Work, arguments: argparse.Namespace, report: LoadReport) -> None:
    await _warm(server, work)
    before, tally, started = server.rss_bytes(), _Tally(), time.perf_counter()
    until = started + arguments.seconds
    await asyncio.gather(
        *(
            _client(
                server.address, work, arguments.weights, random.Random(f"{arguments.seed}:{n}"), until, tally
            )
            for n in range(arguments.clients)
        )
    )
    secs = time.perf_counter() - started
    count = sum(map(len, tally.secs.values()))
    report.say(f"{arguments.clients} clients for {secs:.1f} s; load average {os.getloadavg()[0]:.1f}")
    for kind in KINDS:
        if samples := tally.secs[kind]:
            report.say(latency_line(kind, samples, secs))
            report.measurements.append(summary(f"{kind} under a mix", "s", samples))
    report.say(latency_line("together", [s for samples in tally.secs.values() for s in samples], secs))
    report.say("rejected: " + (", ".join(f"{why} {n}" for why, n in tally.rejected.items()) or "none"))
    report.say(
        f"memory of the server: start {before / 1e6:.1f} MB, peak {server.memory.peak_bytes / 1e6:.1f} MB, "
        f"end {server.rss_bytes() / 1e6:.1f} MB"
    )
    report.hold("calls answered", count, "", 1, is_least=True)
    report.hold("calls that failed otherwise than rejected", len(tally.failed), "", 0)
    report.hold("rejections without type or RetryInfo", tally.untyped, "", 0)
    report.problems += tally.failed[:10]


async def _warm(server: LoadServer, work: Work) -> None:
    """Every kind once, alone. Raises `RuntimeError` when one fails."""
    async with open_channel(server.address) as channel:
        for name, call in KINDS.items():
            answer = await call(work, channel, random.Random(0))
            if not answer.is_ok:
                raise RuntimeError(f"{name} failed on an idle server: {answer.code.name} {answer.text}")


async def _client(
    address: str, work: Work, weights: tuple[float, ...], rng: random.Random, until: float, tally: _Tally
) -> None:
    """Waits after a rejection as long as it is told, at most a second."""
    async with open_channel(address) as channel:
        while time.perf_counter() < until:
            (kind,) = rng.choices(list(KINDS), weights=weights)
            answer = await KINDS[kind](work, channel, rng)
            if answer.is_ok:
                tally.secs[kind].append(answer.secs)
            elif answer.reason in REJECTIONS:
                tally.rejected[answer.reason] += 1
                tally.untyped += bool(answer.flaw)
                await asyncio.sleep(min(answer.retry_delay_secs or 0.1, _LONGEST_PAUSE_SECS))
            else:
                tally.failed.append(f"{kind}: {answer.code.name} {answer.reason} {answer.text} {answer.flaw}")
                await asyncio.sleep(0.1)
