"""SIGHUP, which administrators send for "read your files again" and which else would end the process."""

import asyncio
import signal
import threading
from collections.abc import Callable

__all__ = ["on_hangup"]


def on_hangup(action: Callable[[], None]) -> Callable[[], None]:
    """Run `action` on this event loop at every SIGHUP; returns what undoes it.

    Does nothing off the main thread, where no signal can be caught.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, action)

    def undo() -> None:
        loop.remove_signal_handler(signal.SIGHUP)

    return undo
