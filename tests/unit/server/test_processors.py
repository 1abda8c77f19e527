"""Threads beside what other programs do."""

import subprocess
import sys
import time

import pytest

from facewright_server.processors import ProcessorWatch, Usage, threads_beside

BEFORE = Usage(at_secs=10.0, all_secs=100.0, own_secs=50.0)


@pytest.mark.parametrize(
    ("all_secs", "own_secs", "expected"),
    [
        (0.0, 0.0, 2),  # an idle machine
        (2.0, 2.0, 2),  # busy with one's own work
        (0.2, 0.0, 2),  # a desktop's murmur
        (1.0, 0.0, 1),  # a game
        (2.0, 1.0, 1),  # the same beside one's own work
        (2.0, 0.0, 1),  # nothing is free: one thread nevertheless
        (1.0, 1.1, 2),  # clocks that do not quite agree
    ],
)
def test_threads_that_others_leave(all_secs: float, own_secs: float, expected: int) -> None:
    now = Usage(at_secs=11.0, all_secs=100.0 + all_secs, own_secs=50.0 + own_secs)
    assert threads_beside(BEFORE, now, wanted=2, processors=2) == expected


def test_no_more_than_wanted_on_a_large_machine() -> None:
    now = Usage(at_secs=11.0, all_secs=104.0, own_secs=50.0)
    assert threads_beside(BEFORE, now, wanted=2, processors=16) == 2
    assert threads_beside(BEFORE, BEFORE, wanted=2, processors=16) == 2


def test_somebody_else_s_work_is_seen_and_ones_own_is_not() -> None:
    busy = "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end: pass"
    before = Usage.now()
    while Usage.now().own_secs - before.own_secs < 0.3:
        pass
    after = Usage.now()
    assert after.all_secs - before.all_secs >= 0.2
    with subprocess.Popen([sys.executable, "-c", busy]) as other:
        try:
            time.sleep(1.0)
            own, all_ = Usage.now(), after
            assert (own.all_secs - all_.all_secs) - (own.own_secs - all_.own_secs) > 0.3
        finally:
            other.kill()


def test_the_watch_ends() -> None:
    watch = ProcessorWatch()
    assert 1 <= watch.usable_threads(4) <= 4
    watch.close()
    watch.close()
    assert not watch._thread.is_alive()
