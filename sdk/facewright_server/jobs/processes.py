"""Who holds a lease, told so that others on the same machine can prove that it has ended."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessIdentity", "is_provably_dead", "this_process"]

_SEPARATOR = "/"
_ENDED_STATES = ("Z", "X", "x")


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process that no other one, before or after it, is confused with."""

    boot_id: str
    pid_namespace: str
    pid: int
    start_ticks: int
    nonce: str

    def __str__(self) -> str:
        parts = (self.boot_id, self.pid_namespace, str(self.pid), str(self.start_ticks), self.nonce)
        return _SEPARATOR.join(parts)


def this_process() -> ProcessIdentity:
    """The identity of the caller; each call gives another nonce."""
    pid = os.getpid()
    found = _state_and_start(pid)
    return ProcessIdentity(
        boot_id=Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
        pid_namespace=str(Path("/proc/self/ns/pid").readlink()),
        pid=pid,
        start_ticks=found[1] if found else 0,
        nonce=uuid.uuid4().hex[:12],
    )


def is_provably_dead(holder: str, *, here: ProcessIdentity) -> bool:
    """Whether the process of a lease has certainly ended.

    Only a process of the same boot and the same process namespace can be looked up; of any other, and of a text
    that is not understood, nothing is known and the answer is False.
    """
    parts = holder.split(_SEPARATOR)
    if len(parts) != 5 or not (parts[2].isdecimal() and parts[3].isdecimal()):
        return False
    if (parts[0], parts[1]) != (here.boot_id, here.pid_namespace):
        return False
    found = _state_and_start(int(parts[2]))
    return found is None or found[0] in _ENDED_STATES or found[1] != int(parts[3])


def _state_and_start(pid: int) -> tuple[str, int] | None:
    """State letter and start time in clock ticks since boot, or None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return fields[0], int(fields[19])
