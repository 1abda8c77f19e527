"""A server that is sent rubbish among its work: it stays up, and says what was wrong."""

from __future__ import annotations

import random

import grpc
import pytest

from unit.server.fakes.fuzzing import Verdict, fuzz, fuzz_cases, until_healthy
from unit.server.fakes.job_studio import STUDIO_NAME
from unit.server.fakes.load_studio import LoadStudio
from unit.server.fakes.malformed import malformed_cases, mutate
from unit.server.fakes.raw_calls import Answer, send
from unit.server.fakes.running import running
from unit.server.fakes.valid_calls import HEALTH, PACKAGE, Case, Known, photo_bytes, prepare

MAX_MESSAGE_BYTES = 6 * 1024 * 1024


def known() -> Known:
    lists = {name: [f"media/{name}"] for name in ("media", "uploads", "open", "doomed", "operations")}
    return Known(photo=photo_bytes(), **lists)


def rubbish(seed: int) -> list[Case]:
    return malformed_cases(random.Random(seed), known(), 60, max_message_bytes=100_000)


def taken(case: Case, answer: Answer) -> Verdict:
    verdict = Verdict()
    verdict.take(case, answer, max_message_bytes=1000)
    return verdict


def case(**fields: object) -> Case:
    return Case(**{"label": "x", "path": HEALTH, "messages": (b"",), "is_malformed": True, **fields})  # type: ignore[arg-type]


async def test_requests_of_which_a_third_are_malformed_all_end_with_a_status_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACEWRIGHT_TEST_JOB_STUDIO", STUDIO_NAME)
    settings = {
        "max_message_bytes": MAX_MESSAGE_BYTES,
        "job_workers": 0,
        "client_calls_per_sec": 10_000.0,
        "max_client_calls": 1000,
        "max_client_operations": 1000,
        "max_expression_streams": 1000,
    }
    verdict = Verdict()
    async with running(LoadStudio(), **settings) as live:
        async with grpc.aio.insecure_channel(live.address) as channel:
            there = await prepare(channel, uploads=20)
        cases = fuzz_cases(7, there, requests=120, malformed=40, max_message_bytes=MAX_MESSAGE_BYTES)
        await fuzz(live.address, cases, verdict, max_message_bytes=MAX_MESSAGE_BYTES)
        await until_healthy(live.address)
        await live.server.wait_ready()
        assert live.server.interceptor.activity.in_flight == 0
    assert (verdict.calls, verdict.malformed) == (120, 40)
    assert not verdict.problems, "\n".join(verdict.problems)
    assert not verdict.refused_valid, "\n".join(verdict.refused_valid)
    assert verdict.codes["OK"] >= 70
    assert len(verdict.reasons) >= 3


def test_the_same_seed_makes_the_same_calls() -> None:
    first = rubbish(3)
    assert first == rubbish(3)
    assert first != rubbish(4)
    assert len({case.label for case in first}) > 8


def test_mutated_bytes_are_other_bytes() -> None:
    rng = random.Random(0)
    content = photo_bytes()
    assert sum(mutate(rng, content) != content for _ in range(50)) >= 48


@pytest.mark.parametrize(
    ("answer", "is_problem"),
    [
        (Answer(code=grpc.StatusCode.OK, secs=0.1), False),
        (Answer(code=grpc.StatusCode.NOT_FOUND, secs=0.1, reason="UNKNOWN_RIG"), False),
        (Answer(code=grpc.StatusCode.NOT_FOUND, secs=0.1, flaw="no details"), True),
        (Answer(code=grpc.StatusCode.INTERNAL, secs=0.1, reason="INTERNAL"), True),
        (Answer(code=grpc.StatusCode.DEADLINE_EXCEEDED, secs=9, flaw="no details"), True),
        (Answer(code=grpc.StatusCode.UNAVAILABLE, secs=0.1, flaw="no details"), True),
    ],
)
def test_an_error_without_details_or_with_surprise_is_a_problem(answer: Answer, is_problem: bool) -> None:
    assert bool(taken(case(path=PACKAGE + "RigService/GetRig"), answer).problems) == is_problem


def test_only_a_message_far_over_the_limit_may_be_refused_without_details() -> None:
    refusal = Answer(code=grpc.StatusCode.RESOURCE_EXHAUSTED, secs=0.1, flaw="no details")
    assert not taken(case(messages=(bytes(2001),)), refusal).problems
    assert taken(case(messages=(bytes(1999),)), refusal).problems


async def test_a_port_where_nobody_listens_is_no_typed_answer() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:9") as channel:
        answer = await send(channel, HEALTH, [b""], timeout_secs=5)
    assert answer.flaw == "no details"
