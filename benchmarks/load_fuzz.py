"""Many calls, some of them malformed: no crash, no leak, and every error says why."""

import argparse
import asyncio
import contextlib
import os
import time

import grpc

from load_report import LoadReport
from load_server import RAISED_LIMITS, LoadServer, load_server
from timing import summary
from unit.server.fakes.fuzzing import Verdict, fuzz, fuzz_cases, until_healthy
from unit.server.fakes.valid_calls import Known, prepare, settle

_MAX_MESSAGE_BYTES = 6 * 1024 * 1024
_WARM_UP_CALLS = 600
_REST_SECS = 3.0
_LEAK_MB = 30.0


def run(arguments: argparse.Namespace, report: LoadReport) -> None:
    """See the module."""
    settings = {**RAISED_LIMITS, "max_client_operations": 100_000, "max_message_bytes": _MAX_MESSAGE_BYTES}
    report.say(f"limits raised: {', '.join(f'{name} {value:,}' for name, value in settings.items())}")
    with load_server(arguments.studio, settings) as server:
        verdict = asyncio.run(_fuzzed(server, arguments, report))
        report.problems += server.log_errors() if verdict.internal else []


async def _fuzzed(server: LoadServer, arguments: argparse.Namespace, report: LoadReport) -> Verdict:
    async with grpc.aio.insecure_channel(server.address) as channel:
        known = await prepare(channel, uploads=(arguments.requests + _WARM_UP_CALLS) // 6)
        await _warm_up(server, arguments.seed, known)
        await settle(channel, timeout_secs=60)
        await asyncio.sleep(_REST_SECS)
        before = server.rss_bytes()
        cases = fuzz_cases(
            arguments.seed,
            known,
            requests=arguments.requests,
            malformed=arguments.malformed,
            max_message_bytes=_MAX_MESSAGE_BYTES,
        )
        verdict, started = Verdict(), time.perf_counter()
        is_healthy = True
        try:
            await fuzz(server.address, cases, verdict, max_message_bytes=_MAX_MESSAGE_BYTES)
        except TimeoutError:
            is_healthy = False
        secs = time.perf_counter() - started
        with contextlib.suppress(RuntimeError, TimeoutError):
            await settle(channel, timeout_secs=60)
        await asyncio.sleep(_REST_SECS)
        is_healthy = is_healthy and await _is_healthy(server)
        after = server.rss_bytes()
    _tell(server, verdict, report, secs=secs, before=before, after=after)
    report.measurements.append(summary("fuzzed requests", "1/s", [verdict.calls / secs]))
    report.hold("requests made", verdict.calls, "", arguments.requests, is_least=True)
    report.hold("of which malformed", verdict.malformed, "", arguments.malformed, is_least=True)
    report.hold("server process alive, same pid", float(server.is_alive()), "", 1, is_least=True)
    report.hold("server healthy and answering", float(is_healthy), "", 1, is_least=True)
    report.hold("errors without a type", len(verdict.untyped), "", 0)
    report.hold("internal errors", len(verdict.internal), "", 0)
    report.hold("calls that hung", len(verdict.hung), "", 0)
    report.hold("valid requests that were refused", len(verdict.refused_valid), "", 0)
    report.hold("memory of the server, end - warm", (after - before) / 1e6, "MB", _LEAK_MB)
    report.problems += verdict.problems + verdict.refused_valid
    return verdict


async def _warm_up(server: LoadServer, seed: int, known: Known) -> None:
    """Valid calls of every kind, until the memory they need is taken."""
    cases = fuzz_cases(
        seed + 1, known, requests=_WARM_UP_CALLS, malformed=0, max_message_bytes=_MAX_MESSAGE_BYTES
    )
    await fuzz(server.address, cases, Verdict(), max_message_bytes=_MAX_MESSAGE_BYTES)


async def _is_healthy(server: LoadServer) -> bool:
    try:
        await until_healthy(server.address)
    except TimeoutError:
        return False
    return server.is_alive()


def _tell(
    server: LoadServer, verdict: Verdict, report: LoadReport, *, secs: float, before: int, after: int
) -> None:
    report.say(
        f"{verdict.calls} requests, {verdict.malformed} malformed, in {secs:.1f} s; longest "
        f"{verdict.longest_secs:.2f} s; load average {os.getloadavg()[0]:.1f}"
    )
    for title, counts in (
        ("codes", verdict.codes),
        ("reasons", verdict.reasons),
        ("without details, as documented", verdict.apart),
    ):
        report.say(f"{title}: " + (", ".join(f"{name} {n}" for name, n in counts.most_common()) or "none"))
    report.say(
        f"memory: warm {before / 1e6:.1f} MB, peak {server.memory.peak_bytes / 1e6:.1f} MB, "
        f"end {after / 1e6:.1f} MB; workers at most {server.memory.workers_peak_bytes / 1e6:.1f} MB"
    )
