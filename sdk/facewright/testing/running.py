"""Runs scenes: frames are drawn side by side, compared as they come, and whatever happens is reported."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

from facewright.errors import FacewrightError
from facewright.testing.errors import MissingExtraError
from facewright.testing.extra import require_extra
from facewright.testing.judging import Judge, failed_pass
from facewright.testing.outcomes import NOT_RUN, PassOutcome, RunOutcome
from facewright.testing.references import ReferenceKey, ReferenceStore
from facewright.testing.scenes import Scene
from facewright.testing.sources import FrameSource

__all__ = ["RunOptions", "run_scenes"]

Drawn = Mapping[str, bytes]


@dataclass(frozen=True)
class RunOptions:
    """`jobs` frames are asked for at the same time; `on_outcome` hears of every pass as it is judged.

    An empty `backend` is the one that the source names.
    """

    references: Path
    out: Path
    platform: str
    backend: str = ""
    jobs: int = 4
    on_outcome: Callable[[PassOutcome], None] | None = None


def run_scenes(
    scenes: Sequence[Scene],
    source_of: Callable[[Scene], FrameSource],
    options: RunOptions,
    *,
    notes: Sequence[str] = (),
) -> RunOutcome:
    """Draw and judge every scene; pictures of what fails lie below `options.out` afterwards.

    What is wrong with one scene is that scene's outcome. Ctrl-C ends the run: the outcome then has what was judged
    until then, the rest as not run, and says so. Raises `MissingExtraError`, and `OSError` when `options.out` cannot
    be written.
    """
    require_extra()
    started_at, started = datetime.now(timezone.utc), time.perf_counter()
    outcomes: dict[tuple[str, str], PassOutcome] = {}
    was_interrupted = False
    try:
        with _drawing(scenes, source_of, options.jobs) as drawn:
            for scene, source, answer in drawn:
                for outcome in _judged(scene, source, answer, options):
                    outcomes[outcome.scene, outcome.pass_name] = outcome
                    if options.on_outcome is not None:
                        options.on_outcome(outcome)
    except KeyboardInterrupt:
        was_interrupted = True
    return RunOutcome(
        passes=[
            outcomes.get((scene.name, name)) or _not_run(scene, name)
            for scene in scenes
            for name in scene.passes
        ],
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 3),
        was_interrupted=was_interrupted,
        notes=tuple(notes),
    )


@contextmanager
def _drawing(
    scenes: Sequence[Scene], source_of: Callable[[Scene], FrameSource], jobs: int
) -> Iterator[Iterator[tuple[Scene, FrameSource | None, Drawn | Exception]]]:
    """Scenes with their frames, or what went wrong, as they are ready.

    At most twice `jobs` frames wait to be judged, so that memory does not grow with the number of scenes. At the end
    of the block what has not begun never begins; what is being drawn ends with the client that draws it.
    """
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="frames")
    try:
        yield _as_ready(scenes, source_of, executor, 2 * jobs)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _as_ready(
    scenes: Sequence[Scene],
    source_of: Callable[[Scene], FrameSource],
    executor: ThreadPoolExecutor,
    ahead: int,
) -> Iterator[tuple[Scene, FrameSource | None, Drawn | Exception]]:
    waiting: dict[Future[Drawn], tuple[Scene, FrameSource]] = {}
    rest = iter(scenes)
    while True:
        while len(waiting) < ahead:
            scene = next(rest, None)
            if scene is None:
                break
            try:
                source = source_of(scene)
            except FacewrightError as error:
                yield scene, None, error
            else:
                waiting[executor.submit(source.frames, scene)] = (scene, source)
        if not waiting:
            return
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            scene, source = waiting.pop(future)
            try:
                answer: Drawn | Exception = future.result()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this scene's and not the others'
                answer = error
            yield scene, source, answer


def _judged(
    scene: Scene, source: FrameSource | None, answer: Drawn | Exception, options: RunOptions
) -> Iterator[PassOutcome]:
    if isinstance(answer, MissingExtraError):
        raise answer
    backend = options.backend or (source.backend if source is not None else "")
    judge = Judge(ReferenceStore(options.references), ReferenceKey(backend, options.platform), options.out)
    for name in scene.passes:
        if isinstance(answer, Exception):
            yield failed_pass(scene, name, answer)
        elif name not in answer:
            yield failed_pass(scene, name, KeyError(f"the source gave no frame of the pass {name}"))
        else:
            yield judge.judge(scene, name, answer[name])


def _not_run(scene: Scene, pass_name: str) -> PassOutcome:
    return PassOutcome(
        scene=scene.name,
        pass_name=pass_name,
        status=NOT_RUN,
        summary="the run was interrupted before this scene was compared",
        description=scene.description,
    )
