"""Joins the studio with the threads it runs on; what the servicers call.

Loading goes on in the background while the server already listens. A fit or a frame that comes early waits
for what it needs; one that comes after loading failed is answered with the reason.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from facewright_models.errors import FacewrightError
from facewright_models.export import ExportOptions
from facewright_models.fitting import (
    FitOptions,
    FitOutcome,
    FitProgress,
    FitResult,
    Refit,
    RefitResult,
    Subject,
)
from facewright_models.look import Clip, RenderedCharacter, View
from facewright_models.photo import Photo
from facewright_models.rig import Character, RigSchema
from facewright_renderer import Backend, Preset
from facewright_server.animating import Animation
from facewright_server.config import ServerConfig
from facewright_server.execution import (
    CancelToken,
    FitPlace,
    FitQueue,
    FitRequest,
    OneThread,
    Priority,
    RenderThread,
)
from facewright_server.processors import ProcessorWatch
from facewright_server.studio import FaceFitter, FrameRenderer, Studio, backend_for
from facewright_server.telemetry.metrics import METRICS

__all__ = ["Engine"]

T = TypeVar("T")
_log = logging.getLogger(__name__)
_CODING_THREADS = 2


class Engine:
    """Owns every thread of the server but the event loop's. Made and used on the event loop."""

    def __init__(self, studio: Studio, config: ServerConfig) -> None:
        self._studio = studio
        self._config = config
        self._coding = ThreadPoolExecutor(max_workers=_CODING_THREADS, thread_name_prefix="coding")
        self._rendering = RenderThread(queue_depth=config.render_queue_depth)
        self._exporting = OneThread(
            "export", waiting="exports are waiting", queue_depth=config.export_queue_depth
        )
        self._fitting = FitQueue(
            self._fit_batch,
            workers=config.fit_workers,
            queue_depth=config.fit_queue_depth,
            batch_size=config.fit_batch_size,
        )
        self._processors = ProcessorWatch()
        self.animation = Animation(
            studio, config, fitting=self._fitting, processors=self._processors, code=self.code
        )
        self._renderers: dict[tuple[str, Backend], FrameRenderer] = {}  # touched on the render thread only
        self._renderer_loading: asyncio.Task[FrameRenderer] | None = None
        self._fitter_loading: asyncio.Task[FaceFitter] | None = None

    async def wait_renderer(self) -> None:
        """Until the default rig can be drawn; the first caller starts the loading. Raises what it raised."""
        if self._renderer_loading is None:
            rig_name = self._config.default_rig
            self._renderer_loading = _started(
                "renderer", self._rendering.run(lambda: self._renderer(rig_name))
            )
        await asyncio.shield(self._renderer_loading)

    async def wait_fitter(self) -> None:
        """Until the models of the default rig are loaded, likewise."""
        if self._fitter_loading is None:
            rig_name, threads = self._config.default_rig, self._config.torch_threads
            self._fitter_loading = _started(
                "models",
                self._fitting.run_first(lambda: self._studio.open_fitter(rig_name, torch_threads=threads)),
            )
        await asyncio.shield(self._fitter_loading)

    async def code(self, job: Callable[[], T]) -> T:
        """Run a short job (reading or writing a picture, reading a schema) off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._coding, job)

    async def rig_names(self) -> tuple[str, ...]:
        """Installed rigs, sorted."""
        return tuple(sorted(await self.code(self._studio.rig_names)))

    async def schema(self, rig_name: str) -> RigSchema:
        """Raises `UnknownRigError`."""
        return await self.code(lambda: self._studio.schema(rig_name))

    async def decode_photo(self, content: bytes) -> Photo:
        """Raises `InvalidImageError`, `ImageTooLargeError`."""
        return await self.code(lambda: self.decode_photo_here(content))

    def decode_photo_here(self, content: bytes) -> Photo:
        """The same on the calling thread, for work that is off the event loop already."""
        return self._studio.decode_photo(content, max_pixels=self._config.max_photo_pixels)

    async def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float],
        view: View,
        size_px: int,
        passes: frozenset[str],
        preset: Preset | None = None,
    ) -> RenderedCharacter:
        """One frame of a complete character; without a preset, as the reference draws it."""
        await self.wait_renderer()
        return await self._rendering.run(
            lambda: self._frame(
                character.rig,
                character,
                expression=expression,
                view=view,
                size_px=size_px,
                passes=passes,
                preset=preset,
            )
        )

    async def stream_frames(
        self,
        character: Character,
        clip: Clip,
        *,
        size_px: int,
        preset: Preset,
        encode: Callable[[np.ndarray], bytes],
    ) -> AsyncGenerator[bytes, None]:
        """The frames of a complete character's clip, encoded, in order.

        Each waits for its turn on the render thread like every other frame, and is encoded off it while the next
        one is drawn. At most `clip_frames_ahead` of them are under way or not yet taken; closing the generator
        drops those. Raises like `render`.
        """
        await self.wait_renderer()
        self._rendering.check_room()

        async def made(actions: np.ndarray, view: View) -> bytes:
            color = await self._rendering.run_admitted(
                lambda: self._clip_frame(character, actions, view=view, size_px=size_px, preset=preset)
            )
            return await self.code(lambda: encode(color))

        waiting = iter(zip(clip.actions, clip.views, strict=True))
        under_way: deque[asyncio.Task[bytes]] = deque()
        try:
            while True:
                for actions, view in islice(waiting, self._config.clip_frames_ahead - len(under_way)):
                    under_way.append(asyncio.create_task(made(actions, view)))
                if not under_way:
                    return
                content = await under_way[0]
                under_way.popleft()
                yield content
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def export_glb(
        self, character: Character, *, name: str, options: ExportOptions, extras: Mapping[str, object]
    ) -> bytes:
        """A complete character as binary glTF. Raises `QueueFullError` and what `Studio.export_glb` does."""
        return await self._exporting.run(
            lambda: self._studio.export_glb(character, name=name, options=options, extras=extras)
        )

    async def export_obj(
        self, character: Character, *, name: str, options: ExportOptions
    ) -> Mapping[str, bytes]:
        """A complete character as OBJ. Raises likewise."""
        return await self._exporting.run(
            lambda: self._studio.export_obj(character, name=name, options=options)
        )

    def reserve_fit(self, priority: Priority = Priority.INTERACTIVE) -> FitPlace:
        """A place in the queue. Raises `QueueFullError`, `ShuttingDownError`.

        Asked for before photos are decoded, which costs far more than refusing.
        """
        return self._fitting.reserve(priority)

    async def fit(
        self,
        rig_name: str,
        subjects: tuple[Subject, ...],
        *,
        options: FitOptions,
        token: CancelToken,
        on_progress: Callable[[FitProgress], None],
        priority: Priority = Priority.INTERACTIVE,
        place: FitPlace | None = None,
    ) -> list[FitResult]:
        """Fit everyone. `on_progress` is called on the event loop, in order, before this returns.

        Requests that wait together for the same rig with equal options are optimised together. Raises like
        `FitQueue.fit`.
        """
        await self.wait_fitter()
        await self.wait_renderer()
        request = FitRequest(
            rig_name=rig_name,
            subjects=subjects,
            options=options,
            token=token,
            on_progress=on_progress,
            priority=priority,
        )
        answers = await self._fitting.fit(request, place)
        return [answer for answer in answers if isinstance(answer, FitResult)]

    async def refit(
        self,
        rig_name: str,
        refit: Refit,
        *,
        token: CancelToken,
        on_progress: Callable[[FitProgress], None],
        place: FitPlace | None = None,
    ) -> RefitResult:
        """Edit a character, in the queue of the fits. `on_progress` is called as by `fit`; raises likewise."""
        await self.wait_fitter()
        await self.wait_renderer()
        request = FitRequest(
            rig_name=rig_name,
            subjects=() if refit.subject is None else (refit.subject,),
            options=refit.options,
            token=token,
            on_progress=on_progress,
            own_work=partial(self._refit, rig_name, refit),
        )
        (answer,) = await self._fitting.fit(request, place)
        if not isinstance(answer, RefitResult):
            raise TypeError(f"a refit was answered with {type(answer).__name__}")
        return answer

    async def close(self) -> None:
        """Stop running work at its next step, free the GL contexts and end the threads."""
        self._fitting.stop()
        if self._renderer_loading is not None:
            self._renderer_loading.cancel()
        if self._fitter_loading is not None:
            self._fitter_loading.cancel()
        await asyncio.to_thread(self._close_threads)

    def _close_threads(self) -> None:
        self._fitting.close()
        self._rendering.close(self._close_renderers)
        self._exporting.close()
        self._coding.shutdown(wait=True, cancel_futures=True)
        self._processors.close()

    def _fit_batch(
        self,
        rig_name: str,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool],
        on_outcome: Callable[[int, FitOutcome], None],
        is_alone: bool,
    ) -> None:
        """See `RunBatch`. On a compute thread."""

        def is_pointless() -> bool:
            return should_stop() or all(is_abandoned(index) for index in range(len(subjects)))

        self._open_fitter(rig_name, is_alone=is_alone).fit_each(
            subjects,
            options=options,
            render=partial(self._fit_frame, rig_name, is_pointless),
            on_progress=on_progress,
            should_stop=should_stop,
            is_abandoned=is_abandoned,
            on_outcome=on_outcome,
        )

    def _refit(
        self,
        rig_name: str,
        refit: Refit,
        *,
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_alone: bool,
    ) -> RefitResult:
        """See `OwnWork`. On a compute thread."""
        return self._open_fitter(rig_name, is_alone=is_alone).refit(
            refit,
            render=partial(self._fit_frame, rig_name, should_stop),
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def _open_fitter(self, rig_name: str, *, is_alone: bool) -> FaceFitter:
        """On a compute thread, which computes with all threads of tensor operations when nobody else computes."""
        threads = self._config.torch_threads
        if not is_alone:
            threads = max(1, threads // self._config.fit_workers)
        threads = self._processors.usable_threads(threads)
        return self._studio.open_fitter(rig_name, torch_threads=threads)

    def _fit_frame(self, rig_name: str, should_stop: Callable[[], bool], character: Character) -> np.ndarray:
        """The renderer's picture of a character, for work on a compute thread."""
        return self._rendering.call(partial(self._portrait, rig_name, character), should_stop=should_stop)

    def _portrait(self, rig_name: str, character: Character) -> np.ndarray:
        """What a fit looks at, timed. On the render thread."""
        renderer = self._renderer(rig_name, None)
        with _timed_frame():
            return renderer.portrait(character)

    def _frame(
        self,
        rig_name: str,
        character: Character,
        *,
        expression: Mapping[str, float],
        view: View,
        size_px: int,
        passes: frozenset[str],
        preset: Preset | None = None,
    ) -> RenderedCharacter:
        """One frame, timed. On the render thread."""
        renderer = self._renderer(rig_name, preset)
        with _timed_frame():
            return renderer.render(
                character,
                expression=expression,
                view=view,
                size_px=size_px,
                passes=passes,
                preset=preset or "full",
            )

    def _clip_frame(
        self, character: Character, actions: np.ndarray, *, view: View, size_px: int, preset: Preset
    ) -> np.ndarray:
        """Colours of one frame of a clip, timed. On the render thread."""
        renderer = self._renderer(character.rig, preset)
        with _timed_frame():
            color = renderer.draw(character, actions, view=view, size_px=size_px, preset=preset).color
        if color is None:
            raise FacewrightError("the renderer left out the colour pass that was asked for")
        return color

    def _renderer(self, rig_name: str, preset: Preset | None = None) -> FrameRenderer:
        """The one that draws frames of that preset, made when it is asked for first."""
        backend = backend_for(self._config.render_backend, preset)
        key = (rig_name, backend)
        if key not in self._renderers:
            self._renderers[key] = self._studio.open_renderer(rig_name, backend=backend)
        return self._renderers[key]

    def _close_renderers(self) -> None:
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()


@contextmanager
def _timed_frame() -> Iterator[None]:
    """Tells the metrics how long a frame took that could be drawn."""
    started = time.monotonic()
    yield
    METRICS.frame_rendered(time.monotonic() - started)


def _started(what: str, loading: Coroutine[object, object, T]) -> "asyncio.Task[T]":
    """The loading as a task that logs its end."""
    started = time.monotonic()

    def report(task: "asyncio.Task[T]") -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            secs = round(time.monotonic() - started, 2)
            _log.info("%s loaded", what, extra={"secs": secs})
        else:
            expected = isinstance(error, FacewrightError)
            _log.error("%s cannot be loaded: %s", what, error, exc_info=None if expected else error)

    task = asyncio.create_task(loading)
    task.add_done_callback(report)
    return task
