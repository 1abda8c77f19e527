"""The clock by which media expire: the wall clock, except that it never goes back.

Its latest reading lies in the database. After a wall clock was set back, at run time or between two runs, the
service clock goes on from that reading at the pace of the monotonic clock, until the wall clock has caught up.
So nothing that has expired comes back, and what is stored meanwhile gets its full time. A wall clock set
forward is believed.
"""

import threading
import time
from collections.abc import Callable

import sqlalchemy
from sqlalchemy.engine import Connection

from facewright_server.persistence.database import METADATA

__all__ = ["ServiceClock"]

_CLOCK = sqlalchemy.Table(
    "media_clock",
    METADATA,
    sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True, autoincrement=False),
    sqlalchemy.Column("latest_us", sqlalchemy.BigInteger, nullable=False),
)


class ServiceClock:
    """Safe to use from several threads; `now_us` costs a microsecond."""

    def __init__(
        self,
        *,
        wall_secs: Callable[[], float] = time.time,
        monotonic_secs: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall_secs = wall_secs
        self._monotonic_secs = monotonic_secs
        self._lock = threading.Lock()
        self._base_us = 0
        self._base_at = monotonic_secs()

    def now_us(self) -> int:
        """Microseconds since 1970; never less than any reading before."""
        with self._lock:
            at = self._monotonic_secs()
            now = max(round(self._wall_secs() * 1e6), self._base_us + round((at - self._base_at) * 1e6))
            self._base_us, self._base_at = now, at
            return now

    def exchange(self, connection: Connection) -> int:
        """Take over a later reading of another run or server, leave the own one; the present time."""
        latest = connection.execute(sqlalchemy.select(_CLOCK.c.latest_us)).scalar()
        if latest is not None:
            self._advance(latest)
        now = self.now_us()
        if latest is None:
            connection.execute(_CLOCK.insert().values(id=1, latest_us=now))
        elif now > latest:
            connection.execute(_CLOCK.update().where(_CLOCK.c.latest_us < now).values(latest_us=now))
        return now

    def _advance(self, latest_us: int) -> None:
        with self._lock:
            at = self._monotonic_secs()
            self._base_us = max(self._base_us + round((at - self._base_at) * 1e6), latest_us)
            self._base_at = at
