"""The engine with spans: fits and refits with their wait and their stages, a frame, an export."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from facewright_models.fitting import FitProgress, FitResult, Refit, RefitResult, Subject
from facewright_models.look import RenderedCharacter
from facewright_models.rig import Character
from facewright_server.engine import Engine
from facewright_server.telemetry.tracing import past_span, span

__all__ = ["TracedEngine"]

_WAIT = "fit wait"


class TracedEngine(Engine):
    """Does what `Engine` does; without tracing it costs next to nothing."""

    async def render(self, character: Character, **options: Any) -> RenderedCharacter:
        """See `Engine`."""
        with span("render"):
            return await super().render(character, **options)

    async def export_glb(self, character: Character, **options: Any) -> bytes:
        """See `Engine`."""
        with span("export"):
            return await super().export_glb(character, **options)

    async def export_obj(self, character: Character, **options: Any) -> Mapping[str, bytes]:
        """See `Engine`."""
        with span("export"):
            return await super().export_obj(character, **options)

    async def fit(
        self,
        rig_name: str,
        subjects: tuple[Subject, ...],
        *,
        on_progress: Callable[[FitProgress], None],
        **options: Any,
    ) -> list[FitResult]:
        """See `Engine`. The stages are those of the first subject."""
        with span("fit", {"subjects": len(subjects)}), _stages(on_progress) as note:
            return await super().fit(rig_name, subjects, on_progress=note, **options)

    async def refit(
        self, rig_name: str, refit: Refit, *, on_progress: Callable[[FitProgress], None], **options: Any
    ) -> RefitResult:
        """See `Engine`."""
        with span("refit"), _stages(on_progress) as note:
            return await super().refit(rig_name, refit, on_progress=note, **options)


@contextmanager
def _stages(on_progress: Callable[[FitProgress], None]) -> Iterator[Callable[[FitProgress], None]]:
    """A listener that hands progress on; the spans of the wait and of the stages are told at the end."""
    began: list[tuple[str, float]] = [(_WAIT, time.monotonic())]

    def note(progress: FitProgress) -> None:
        stage = f"fit {progress.stage}"
        if progress.subject == 0 and stage != began[-1][0]:
            began.append((stage, time.monotonic()))
        on_progress(progress)

    try:
        yield note
    finally:
        _tell_stages(began)


def _tell_stages(began: list[tuple[str, float]]) -> None:
    now = time.monotonic()
    ends = [start for _, start in began[1:]] + [now]
    for (name, start), end in zip(began, ends, strict=True):
        past_span(name, end - start, ended_secs_ago=now - end)
