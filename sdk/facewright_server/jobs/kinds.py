"""What a kind of job has to say for itself. Adding one: implement `JobKind`, name it in `registry`."""

import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from google.protobuf.message import Message

from facewright_models.errors import FacewrightError
from facewright_models.look import View
from facewright_models.rig import Character
from facewright_renderer import Backend, Preset
from facewright_server.config import ServerConfig
from facewright_server.jobs.leases import Lease
from facewright_server.jobs.records import ItemInput, ItemOutcome, OperationRecord
from facewright_server.jobs.scratch import scratch_folder
from facewright_server.media.records import MediaRecord
from facewright_server.processors import ProcessorWatch
from facewright_server.studio import FaceAnimator, FaceFitter, FrameRenderer, Studio, backend_for

__all__ = ["Job", "JobKind", "MediaFiles", "Persist", "Work", "Workshop"]

T = TypeVar("T")


class MediaFiles(Protocol):
    """What jobs ask of the store of media; `MediaStore` has it."""

    def get_blocking(self, name: str, *, owner: str) -> MediaRecord:
        """Raises `UnknownMediaError`, `StorageError`."""
        ...

    def find_blocking(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """A complete file with those bytes, or None. Raises `StorageError`."""
        ...

    def open_blocking(self, name: str, *, owner: str) -> AbstractContextManager[io.BufferedIOBase]:
        """A file to read and to seek in. Raises `UnknownMediaError`, `StorageError`."""
        ...

    def read_blocking(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """Raises `UnknownMediaError`, `InvalidRequestError`, `StorageError`."""
        ...

    def put_blocking(
        self,
        content: bytes,
        *,
        owner: str,
        display_name: str,
        request_id: str = "",
        content_type: str = "",
        ttl_secs: float | None = None,
    ) -> MediaRecord:
        """The same request_id gives the same file. Raises `StorageError`."""
        ...


class Workshop:
    """What a worker process keeps between jobs: models, GL contexts, media. Used on one thread."""

    def __init__(self, config: ServerConfig, studio: Studio, media: MediaFiles) -> None:
        self.config = config
        self.studio = studio
        self.media = media
        self._renderers: dict[tuple[str, Backend], FrameRenderer] = {}
        self._processors = ProcessorWatch()

    def fitter(self, rig_name: str) -> FaceFitter:
        """Raises `UnknownRigError`, `WeightsError`."""
        threads = self._processors.usable_threads(self.config.torch_threads)
        return self.studio.open_fitter(rig_name, torch_threads=threads)

    def animator(self) -> FaceAnimator:
        """Raises `WeightsError`."""
        threads = self._processors.usable_threads(self.config.torch_threads)
        return self.studio.open_animator(torch_threads=threads)

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder on the server's own disk that goes with the block. Raises `StorageError`."""
        return scratch_folder(Path(self.config.state_dir))

    def frame(self, character: Character) -> np.ndarray:
        """The frontal picture of a character, (512, 512, 3) uint8. Raises `RenderUnavailableError`."""
        return self._renderer(character.rig, None).portrait(character)

    def clip_frame(
        self, character: Character, actions: np.ndarray, *, view: View, size_px: int, preset: Preset
    ) -> np.ndarray:
        """The colours of one frame of a clip, (size_px, size_px, 3) uint8. Raises likewise."""
        renderer = self._renderer(character.rig, preset)
        color = renderer.draw(character, actions, view=view, size_px=size_px, preset=preset).color
        if color is None:
            raise FacewrightError("the renderer left out the colour pass that was asked for")
        return color

    def close(self) -> None:
        """Free the GL contexts and end the thread that watches the processors."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()
        self._processors.close()

    def _renderer(self, rig_name: str, preset: Preset | None) -> FrameRenderer:
        backend = backend_for(self.config.render_backend, preset)
        key = (rig_name, backend)
        if key not in self._renderers:
            self._renderers[key] = self.studio.open_renderer(rig_name, backend=backend)
        return self._renderers[key]


class Persist(Protocol):
    """Repeats a storage call until there is room again."""

    def __call__(self, action: Callable[[], T]) -> T:
        """What the call gives. Raises what it raises, `StorageError` only when the work is to stop."""
        ...


@dataclass(frozen=True, kw_only=True)
class Work:
    """The worker's side of one operation, for the job.

    `should_stop` is polled at every step; true ends the work with `FitCancelledError`. `tell_partial` takes the
    share of the running items that is done, counted in items.
    """

    lease: Lease
    workshop: Workshop
    should_stop: Callable[[], bool]
    tell_partial: Callable[[float], None]
    persist: Persist


class Job(Protocol):
    """One operation being worked on, in the worker."""

    @property
    def batch_size(self) -> int:
        """Items that are worth working on together."""
        ...

    @property
    def item_limit_secs(self) -> float:
        """Longest time for one item; a process that takes twice as long is ended."""
        ...

    def run(self, items: Sequence[ItemInput], commit: Callable[[ItemOutcome], None]) -> None:
        """Commits the outcome of every item as soon as it is known.

        An error of an item is its outcome; what this raises ends the operation, and `FitCancelledError` and
        `StorageError` end the work on it for now.
        """
        ...


class JobKind(Protocol):
    """Everything that is particular to one kind of operation."""

    @property
    def name(self) -> str:
        """Short and stable: it is in the database."""
        ...

    @property
    def metadata_type(self) -> str:
        """Full name of the metadata message."""
        ...

    def metadata(self, record: OperationRecord) -> Message:
        """Progress, for clients."""
        ...

    def response(self, outcomes: Sequence[bytes]) -> Message:
        """The result, from the outcomes of all items in order."""
        ...

    def abandoned(self, index: int, status: Message) -> ItemOutcome:
        """The outcome of an item that ended its worker every time."""
        ...

    def open(self, work: Work) -> Job:
        """Load what the job needs. What this raises ends the operation."""
        ...
