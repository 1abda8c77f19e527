"""Where work runs: one render thread, one for exports, a queue of fits with a bounded number of compute threads.

The event loop only does I/O. It hands work to these and awaits the answer; the work itself polls a
`CancelToken`, which is set when the client goes away, its deadline passes or the server stops.
"""

from facewright_server.execution.fit_queue import FitPlace, FitQueue
from facewright_server.execution.fit_requests import FitRequest, OwnWork, Priority
from facewright_server.execution.one_thread import OneThread
from facewright_server.execution.render_thread import RenderThread
from facewright_server.execution.tokens import CancelToken

__all__ = [
    "CancelToken",
    "FitPlace",
    "FitQueue",
    "FitRequest",
    "OneThread",
    "OwnWork",
    "Priority",
    "RenderThread",
]
