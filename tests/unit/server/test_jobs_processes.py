"""A process is only called dead when that is certain."""

import subprocess
import sys
from dataclasses import replace

from facewright_server.jobs.processes import is_provably_dead, this_process


def test_this_process_is_alive() -> None:
    here = this_process()
    assert not is_provably_dead(str(here), here=here)


def test_a_number_that_was_given_to_another_process_does_not_hide_a_death() -> None:
    here = this_process()
    assert is_provably_dead(str(replace(here, start_ticks=here.start_ticks + 1)), here=here)


def test_nothing_is_known_of_another_boot_another_container_and_another_text() -> None:
    here = this_process()
    for other in (replace(here, boot_id="b", pid=2**22), replace(here, pid_namespace="n", pid=2**22)):
        assert not is_provably_dead(str(other), here=here)
    for text in ("", "a/b/c", "////", f"{here.boot_id}/{here.pid_namespace}/x/y/z"):
        assert not is_provably_dead(text, here=here)


def test_a_killed_process_is_dead_even_before_anybody_asked_for_its_end() -> None:
    code = (
        "from facewright_server.jobs.processes import this_process; import time;"
        "print(this_process(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        holder = process.stdout.readline().strip()
        assert not is_provably_dead(holder, here=this_process())
        process.kill()
        try:
            while not is_provably_dead(holder, here=this_process()):  # a zombie until `wait`
                pass
        finally:
            process.wait()
        assert is_provably_dead(holder, here=this_process())
