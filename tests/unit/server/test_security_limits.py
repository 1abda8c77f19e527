"""Calls at a time and calls a second, on a clock of the test's own."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from facewright_server.errors import QuotaError, RateLimitError
from facewright_server.security.limits import CallLimits, ClientLimiter


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def call(limiter: ClientLimiter, client: str, limits: CallLimits) -> None:
    with limiter.admit(client, limits):
        pass


def test_no_more_calls_at_a_time_than_allowed_and_a_place_is_free_again_after_each() -> None:
    limiter = ClientLimiter(clock=Clock())
    limits = CallLimits(max_calls=2, calls_per_sec=100)
    with limiter.admit("a", limits):
        with limiter.admit("a", limits), pytest.raises(QuotaError, match="2 calls"):
            call(limiter, "a", limits)
        call(limiter, "a", limits)


def test_a_call_that_fails_gives_its_place_back() -> None:
    limiter = ClientLimiter(clock=Clock())
    limits = CallLimits(max_calls=1, calls_per_sec=100)
    for _ in range(3):
        with pytest.raises(KeyError), limiter.admit("a", limits):
            raise KeyError
    call(limiter, "a", limits)


def test_a_burst_is_allowed_then_the_rate_holds() -> None:
    clock = Clock()
    limiter = ClientLimiter(clock=clock)
    limits = CallLimits(max_calls=1, calls_per_sec=4.0)
    for _ in range(4):
        call(limiter, "a", limits)
    with pytest.raises(RateLimitError) as caught:
        call(limiter, "a", limits)
    assert caught.value.retry_delay_secs == pytest.approx(0.25)
    clock.now += 0.25
    call(limiter, "a", limits)
    with pytest.raises(RateLimitError):
        call(limiter, "a", limits)
    clock.now += 1000.0
    for _ in range(4):
        call(limiter, "a", limits)
    with pytest.raises(RateLimitError):
        call(limiter, "a", limits)


def test_over_a_long_time_the_average_is_the_rate() -> None:
    clock = Clock()
    limiter = ClientLimiter(clock=clock)
    limits = CallLimits(max_calls=1, calls_per_sec=10.0)
    accepted = 0
    for _ in range(10_000):  # 100 tries a second
        clock.now += 0.01
        try:
            call(limiter, "a", limits)
            accepted += 1
        except RateLimitError:
            pass
    assert accepted == pytest.approx(100 * 10 + 10, abs=2)


def test_all_calls_that_may_run_together_may_begin_together() -> None:
    limiter = ClientLimiter(clock=Clock())
    limits = CallLimits(max_calls=8, calls_per_sec=0.5)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(limiter.admit("a", limits))
        with pytest.raises(QuotaError):
            call(limiter, "a", limits)


def test_clients_do_not_share() -> None:
    limiter = ClientLimiter(clock=Clock())
    limits = CallLimits(max_calls=1, calls_per_sec=1.0)
    with limiter.admit("a", limits):
        call(limiter, "b", limits)
        with pytest.raises(QuotaError):
            call(limiter, "a", limits)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    clock = Clock()
    limiter = ClientLimiter(clock=clock)
    limits = CallLimits(max_calls=1, calls_per_sec=2.0)
    call(limiter, "a", limits)
    clock.now -= 50.0
    call(limiter, "a", limits)
