"""The asynchronous client: the methods of `facewright.Client`, awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Callable

import grpc

from facewright import _requests, _responses
from facewright._channel import DEFAULT_ADDRESS, Timeouts, channel_options, chosen_secs
from facewright._status import translated_errors
from facewright._stubs import Stubs
from facewright.character import Character
from facewright.errors import ServerError
from facewright.fitting import FitOptions, FitProgress, FitResult, Photo, Subject
from facewright.rendering import RenderedFrame, View
from facewright.rigs import Rig, RigSummary
from facewright.v1 import fitting_pb2, rig_pb2

__all__ = ["AsyncClient"]


class AsyncClient:
    """Talks to one server from one event loop; an asynchronous context manager.

    Every method raises the classes of `facewright.errors`; cancelling the task stops the work of the server.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, *, timeouts: Timeouts | None = None) -> None:
        self._timeouts = timeouts or Timeouts()
        self._channel = grpc.aio.insecure_channel(address, options=channel_options(address))
        self._stubs = Stubs(self._channel)

    async def fit(
        self,
        *photos: Photo | bytes,
        rig: str = "",
        options: FitOptions | None = None,
        on_progress: Callable[[FitProgress], None] | None = None,
        timeout_secs: float | None = None,
    ) -> FitResult:
        """Fit one person, shown in one or several photos."""
        person = _requests.one_person(photos)
        events = self.fit_people([person], rig=rig, options=options, timeout_secs=timeout_secs)
        result = None
        try:
            async for event in events:
                if isinstance(event, FitResult):
                    result = event
                elif on_progress is not None:
                    on_progress(event)
        finally:
            await events.aclose()
        if result is None:
            raise ServerError("the stream of the fit ended without a result", reason="NO_RESULT")
        return result

    def fit_people(
        self,
        subjects: Sequence[Subject],
        *,
        rig: str = "",
        options: FitOptions | None = None,
        timeout_secs: float | None = None,
    ) -> AsyncGenerator[FitProgress | FitResult, None]:
        """Fit several people in one call: progress events, then one result each."""
        request = _requests.fit_request(subjects, rig=rig, options=options or FitOptions())
        return self._fit_events(request, chosen_secs(timeout_secs, self._timeouts.fit_secs))

    async def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float] | None = None,
        view: View | None = None,
        size_px: int | None = None,
        passes: Iterable[str] = ("color",),
        timeout_secs: float | None = None,
    ) -> RenderedFrame:
        """Draw one frame."""
        request = _requests.render_request(
            character, expression=expression or {}, view=view or View(), size_px=size_px, passes=passes
        )
        with translated_errors():
            answer = await self._stubs.render.Render(
                request, timeout=chosen_secs(timeout_secs, self._timeouts.render_secs)
            )
        return _responses.frame(answer)

    async def list_rigs(self, *, timeout_secs: float | None = None) -> tuple[RigSummary, ...]:
        """Every rig of the server."""
        rigs: list[RigSummary] = []
        request = rig_pb2.ListRigsRequest()
        while True:
            with translated_errors():
                answer = await self._stubs.rig.ListRigs(
                    request, timeout=chosen_secs(timeout_secs, self._timeouts.rig_secs)
                )
            rigs.extend(_responses.rig_summary(message) for message in answer.rigs)
            if not answer.next_page_token:
                return tuple(rigs)
            request = rig_pb2.ListRigsRequest(page_token=answer.next_page_token)

    async def get_rig(self, name: str = "", *, timeout_secs: float | None = None) -> Rig:
        """The schema of one rig."""
        request = rig_pb2.GetRigRequest(name=name)
        with translated_errors():
            answer = await self._stubs.rig.GetRig(
                request, timeout=chosen_secs(timeout_secs, self._timeouts.rig_secs)
            )
        return _responses.rig(answer.rig)

    async def close(self) -> None:
        """Cancel what is running and disconnect."""
        await self._channel.close()

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034 - Self is newer than the oldest Python
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _fit_events(
        self, request: fitting_pb2.FitRequest, timeout_secs: float
    ) -> AsyncGenerator[FitProgress | FitResult, None]:
        call = self._stubs.fitting.Fit(request, timeout=timeout_secs)
        try:
            with translated_errors():
                async for answer in call:
                    yield _responses.fit_event(answer)
        finally:
            call.cancel()
