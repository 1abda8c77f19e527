"""Makes many calls, some of them malformed, and says which ended in a way that the service does not promise."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from unit.server.fakes.malformed import malformed_cases
from unit.server.fakes.raw_calls import Answer, send
from unit.server.fakes.valid_calls import HEALTH, Case, Known, valid_cases

_BACK_SECS = 5.0
_MOST_SHOWN = 20
_TRIES = 3
_MOST_HEADER_BYTES = 8 * 1024


@dataclass
class Verdict:
    """Counts of a run, and one line for everything that must not be."""

    calls: int = 0
    malformed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)  # no details, for a reason that is written down
    untyped: list[str] = field(default_factory=list)
    internal: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    refused_valid: list[str] = field(default_factory=list)
    longest_secs: float = 0.0

    def take(self, case: Case, answer: Answer, *, max_message_bytes: int) -> None:
        """Count a call in."""
        self.calls += 1
        self.malformed += case.is_malformed
        self.codes[answer.code.name] += 1
        self.longest_secs = max(self.longest_secs, answer.secs)
        line = (
            f"{case.label}: {_shown(case.path)} -> {answer.code.name} {answer.reason} {answer.text}".rstrip()
        )
        if answer.is_ok or case.leave_after_secs is not None:
            return
        if answer.code is grpc.StatusCode.DEADLINE_EXCEEDED and answer.flaw:
            _note(self.hung, line)
        elif answer.flaw:
            known = _known_impossible(case, answer, max_message_bytes)
            if known:
                self.apart[known] += 1
            else:
                _note(self.untyped, f"{line} ({answer.flaw})")
        elif answer.reason == "INTERNAL" or answer.code in (
            grpc.StatusCode.INTERNAL,
            grpc.StatusCode.UNKNOWN,
        ):
            _note(self.internal, line)
        elif not case.is_malformed and not _may_be_refused(case, answer):
            _note(self.refused_valid, line)
        self.reasons[answer.reason or "(none)"] += 1

    @property
    def problems(self) -> list[str]:
        """Empty when every promise was kept."""
        return self.untyped + self.internal + self.hung


def fuzz_cases(
    seed: int, known: Known, *, requests: int, malformed: int, max_message_bytes: int
) -> list[Case]:
    """`requests` calls, of which `malformed` are, in random order."""
    rng = random.Random(seed)
    cases = malformed_cases(rng, known, malformed, max_message_bytes=max_message_bytes)
    cases += valid_cases(rng, known, requests - malformed)
    rng.shuffle(cases)
    return cases


async def fuzz(
    address: str,
    cases: Sequence[Case],
    verdict: Verdict,
    *,
    max_message_bytes: int,
    clients: int = 6,
    on_call: Callable[[], None] = lambda: None,
) -> None:
    """Make the calls, `clients` at a time. Raises `TimeoutError` when the server does not come back."""
    waiting = list(reversed(cases))

    async def client(channel: grpc.aio.Channel) -> None:
        while waiting and not waiting[-1].is_alone:
            case = waiting.pop()
            answer = await _made(channel, address, case)
            if answer is not None:
                verdict.take(case, answer, max_message_bytes=max_message_bytes)
            else:
                verdict.apart["bytes that are no gRPC get no status"] += 1
                verdict.calls += 1
                verdict.malformed += 1
            on_call()

    while waiting:
        async with contextlib.AsyncExitStack() as stack:
            channels = [
                await stack.enter_async_context(_channel(address, max_message_bytes, index))
                for index in range(clients)
            ]
            await asyncio.gather(*(client(channel) for channel in channels))
        if waiting:
            case = waiting.pop()
            async with _channel(address, max_message_bytes, -1) as channel:
                answer = await _made(channel, address, case)
            if answer is not None:
                verdict.take(case, answer, max_message_bytes=max_message_bytes)
            await until_healthy(address)
            on_call()


async def until_healthy(address: str) -> None:
    """Until calls of new connections are answered. Raises `TimeoutError`."""
    async with asyncio.timeout(_BACK_SECS):
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                async with grpc.aio.insecure_channel(
                    address, options=(("grpc.use_local_subchannel_pool", 1),)
                ) as channel:
                    request = health_pb2.HealthCheckRequest()
                    answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=1)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            await asyncio.sleep(0.05)


def _channel(address: str, max_message_bytes: int, index: int) -> grpc.aio.Channel:
    """A connection of its own that sends and takes what the server refuses."""
    return grpc.aio.insecure_channel(
        address,
        options=(
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", 4 * max_message_bytes),
            ("facewright.index", index),
        ),
    )


async def _made(channel: grpc.aio.Channel, address: str, case: Case) -> Answer | None:
    """None for bytes that are no gRPC."""
    if case.raw is not None:
        host, _, port = address.rpartition(":")
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(case.raw)
                await writer.drain()
                await reader.read(4096)
                writer.close()
                await writer.wait_closed()
        return None
    for _ in range(_TRIES):
        answer = await send(
            channel,
            case.path,
            case.messages,
            timeout_secs=case.timeout_secs,
            metadata=case.metadata,
            leave_after_secs=case.leave_after_secs,
        )
        if not answer.is_lost:
            break
    return answer


def _known_impossible(case: Case, answer: Answer, max_message_bytes: int) -> str:
    """What docs/operating.md says that gRPC answers by itself."""
    largest = max((len(message) for message in case.messages), default=0)
    if answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED and largest > 2 * max_message_bytes:
        return "message over twice max_message_bytes, refused by gRPC"
    header_bytes = len(case.path) + sum(len(key) + len(value) for key, value in case.metadata)
    if answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED and header_bytes > _MOST_HEADER_BYTES:
        return "headers over 8 KiB, refused by gRPC"
    if answer.is_lost:
        return "status lost by the calling library, which was still sending, three times"
    if case.is_alone:
        return "path that is not UTF-8, refused by gRPC"
    if case.path == HEALTH and answer.code is grpc.StatusCode.NOT_FOUND:
        return "unknown service of the health protocol"
    return ""


def _may_be_refused(case: Case, answer: Answer) -> bool:
    """A second call cannot delete what the first has deleted, and none an operation that still waits."""
    is_last = str(case.path).rpartition("/")[2].startswith(("Delete", "Cancel"))
    return is_last and answer.reason in ("UNKNOWN_MEDIA", "UNKNOWN_OPERATION", "OPERATION_NOT_DONE")


def _shown(path: str | bytes) -> str:
    text = path if isinstance(path, str) else path.decode("utf-8", "replace")
    return text[:60]


def _note(lines: list[str], line: str) -> None:
    if len(lines) < _MOST_SHOWN:
        lines.append(line)
    elif len(lines) == _MOST_SHOWN:
        lines.append("and more")
