"""`GenerateExpressionVideo` over the wire; the worker is a thread of the test, or a process that is killed."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from facewright import (
    AsyncClient,
    Character,
    CharacterShot,
    Client,
    Curve,
    ExpressionVideo,
    ExpressionVideoProgress,
    Motion,
    Photo,
    errors,
)
from facewright_models import errors as domain
from facewright_models.expression.videos import VideoWriter
from facewright_server.jobs.scratch import remove_left_folders, scratch_folder
from unit.server.fakes import job_studio
from unit.server.fakes.animator import OWN, degrees_in
from unit.server.fakes.jobs import Office, new_request_id, office, working
from unit.server.fakes.running import until, until_told
from unit.server.fakes.studio import PHOTO, raising
from unit.server.test_jobs_runner import FullDisk

SMILE = Motion([Curve.through("smile", 0, 1, easing="linear")], frame_count=9, fps=24)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.002")


@dataclass
class Studio:
    """A server, a client of it, and its configuration."""

    desk: Office
    client: AsyncClient

    async def made(self, source: Any = PHOTO, motion: Motion = SMILE, **options: Any) -> ExpressionVideo:
        operation = await self.client.generate_expression_video(source, motion, **options)
        return await operation.result(30)

    async def frames(self, video: ExpressionVideo) -> list[np.ndarray]:
        content = io.BytesIO()
        await self.client.download_media(video.video.name, content)
        content.seek(0)
        with av.open(content) as clip:
            return [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]

    async def media(self) -> list[str]:
        return [media.name for media in await self.client.list_media()]


@asynccontextmanager
async def at_work(**settings: Any) -> AsyncIterator[Studio]:
    async with opened(**settings) as studio, working(studio.desk.config):
        yield studio


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[Studio]:
    async with office(**settings) as desk, AsyncClient(desk.live.address) as client:
        yield Studio(desk, client)


async def test_a_photo_becomes_a_video_that_browsers_play() -> None:
    async with at_work() as studio:
        made = await studio.made()
        frames = await studio.frames(made)
        assert await studio.media() == [made.video.name]
    assert made.own_degrees == pytest.approx(OWN)
    assert [notice.code for notice in made.notices] == ["SEVERAL_FACES"]
    assert made.frame_index is None
    assert made.video.content_type == "video/mp4"
    found = made.video.video
    assert found is not None
    assert (found.width, found.height, found.video_codec) == (64, 48, "h264")
    assert found.frame_rate == pytest.approx(24)
    assert not found.variable_frame_rate
    assert len(frames) == found.frame_count == 9
    smiles = [degrees_in(frame)["smile"] for frame in frames]
    assert smiles == pytest.approx(np.linspace(0, 1, 9), abs=0.12)  # lossy, and chroma of half the size


async def test_a_character_becomes_a_video_by_the_same_motion() -> None:
    motion = Motion([Curve.through("jaw", 0, 1, easing="linear")], frame_count=5)
    async with at_work() as studio:
        made = await studio.made(CharacterShot(Character(), size_px=64), motion)
        frames = await studio.frames(made)
    assert made.own_degrees["right_eye"] == 1.0
    assert frames[0].shape == (64, 64, 3)
    red = [float(frame[20:, 20:, 0].mean()) for frame in frames]
    assert red == sorted(red)
    assert red[-1] - red[0] > 80


async def test_odd_sizes_get_an_even_video(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(self: object, content: bytes, *, max_pixels: int) -> Any:
        return job_studio.Photo(pixels=np.full((33, 47, 3), 90, np.uint8))

    monkeypatch.setattr(job_studio.JobStudio, "decode_photo", odd)
    async with at_work() as studio:
        made = await studio.made()
    assert made.video.video is not None
    assert (made.video.video.width, made.video.video.height) == (48, 34)


async def test_the_blocking_client_waits_finds_and_lists_it_among_the_others() -> None:
    async with at_work() as studio:

        def use() -> None:
            told: list[ExpressionVideoProgress] = []
            with Client(studio.desk.live.address) as client:
                operation = client.generate_expression_video(PHOTO, SMILE)
                batch = client.batch_fit([PHOTO])
                made = operation.result(30, on_progress=told.append)
                assert told[-1].progress == 1.0
                assert told[-1].end_time is not None
                again = client.get_operation(operation.name)
                assert again.result(5) == made
                assert isinstance(again.metadata, ExpressionVideoProgress)
                batch.wait(20)
                kinds = [type(one.metadata).__name__ for one in client.list_operations()]
                assert kinds == ["BatchFitProgress", "ExpressionVideoProgress"]
                text = 'metadata.@type = "facewright.v1.GenerateExpressionVideoMetadata"'
                assert [one.name for one in client.list_operations(filter_text=text)] == [operation.name]

        await asyncio.to_thread(use)


async def test_repeating_a_request_id_gives_the_same_operation() -> None:
    request_id = new_request_id()
    async with opened() as studio:
        first = await studio.client.generate_expression_video(PHOTO, SMILE, request_id=request_id)
        again = await studio.client.generate_expression_video(PHOTO, SMILE, request_id=request_id)
        assert first.name == again.name
        for source, motion in ((b"another", SMILE), (PHOTO, replace(SMILE, loop=True))):
            with pytest.raises(errors.RequestReusedError):
                await studio.client.generate_expression_video(source, motion, request_id=request_id)
        with pytest.raises(errors.InvalidInputError, match="UUID"):
            await studio.client.generate_expression_video(PHOTO, SMILE, request_id="not a uuid")


@pytest.mark.parametrize(
    ("source", "motion", "error", "field"),
    [
        (b"", SMILE, errors.InvalidInputError, "source.content"),
        (Photo(media="media/" + "0" * 32), SMILE, errors.UnknownMediaError, None),
        (PHOTO, replace(SMILE, fps=0.0), errors.ParameterRangeError, "motion.fps"),
        (PHOTO, replace(SMILE, frame_count=10_000), errors.ParameterRangeError, "motion.frame_count"),
        (PHOTO, Motion([Curve.through("smlie", 1)]), errors.UnknownParameterError, "motion.curves[0].name"),
        (CharacterShot(Character(), size_px=9), SMILE, errors.ParameterRangeError, "source.shot.size_px"),
        (Character("none"), SMILE, errors.UnknownRigError, None),
        (Character(skin_texture="0" * 64), SMILE, errors.SkinTextureError, "source.character.skin_texture"),
    ],
)
async def test_what_can_be_refused_is_refused_when_the_call_comes(
    source: Any, motion: Motion, error: type[errors.FacewrightError], field: str | None
) -> None:
    async with opened() as studio:
        with pytest.raises(error) as caught:
            await studio.client.generate_expression_video(source, motion)
        assert [violation.field for violation in caught.value.field_violations] == ([field] if field else [])
        assert await studio.client.list_operations() == ()


@pytest.mark.parametrize(
    ("photo", "error"),
    [
        (b"no face", errors.NoFaceError),
        (raising(domain.InvalidImageError), errors.InvalidImageError),
        (raising(domain.ImageTooLargeError), errors.ImageTooLargeError),
    ],
)
async def test_a_photo_that_cannot_be_animated_ends_the_operation_with_its_reason(
    photo: bytes, error: type[Exception]
) -> None:
    async with at_work() as studio:
        with pytest.raises(error):
            await studio.made(photo)
        assert await studio.media() == []


async def test_missing_models_end_the_operation_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, *, torch_threads: int) -> None:
        raise domain.WeightsError("a.safetensors: wrong sha256")

    monkeypatch.setattr(job_studio.JobStudio, "open_animator", refuse)
    async with at_work() as studio:
        with pytest.raises(errors.ServerError) as caught:
            await studio.made()
    assert caught.value.reason == "WEIGHTS_UNUSABLE"


async def test_cancelling_ends_it_within_a_frame_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.05")
    async with at_work(lease_secs=1.0) as studio:
        operation = await studio.client.generate_expression_video(PHOTO, replace(SMILE, frame_count=1000))
        await until_told(lambda: progress_of(operation), lambda share: 0 < share < 1)
        started = time.monotonic()
        await operation.cancel()
        with pytest.raises(errors.OperationCancelledError):
            await operation.result(20)
        assert time.monotonic() - started < 2
        assert await studio.media() == []
        assert list((Path(studio.desk.config.state_dir) / "scratch").iterdir()) == []
        assert len(await studio.frames(await studio.made(motion=replace(SMILE, frame_count=2)))) == 2


async def progress_of(operation: Any) -> float:
    await operation.refresh()
    return float(operation.metadata.progress)


@pytest.mark.parametrize("method", ["__enter__", "write", "__exit__"])
async def test_a_full_disk_is_waited_for_and_the_video_is_whole(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    disk = FullDisk(monkeypatch, VideoWriter, method, refusals=2)
    async with at_work() as studio:
        operation = await studio.client.generate_expression_video(PHOTO, SMILE)
        made = await operation.result(30)
        assert len(await studio.frames(made)) == 9
        assert await studio.media() == [made.video.name]
        assert operation.metadata is not None
        assert operation.metadata.attempt == 1  # the worker waits, and nobody else takes over
    assert disk.refusals == 0


async def test_a_media_folder_without_room_is_waited_for_without_drawing_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from facewright_server.media.store import MediaStore

    monkeypatch.setenv("FAKE_JOB_LOG", str(tmp_path / "frames.log"))
    disk = FullDisk(monkeypatch, MediaStore, "put_blocking", refusals=2)
    async with at_work() as studio:
        made = await studio.made()
        assert len(await studio.frames(made)) == 9
    assert disk.refusals == 0
    assert (tmp_path / "frames.log").read_bytes().count(b"\n") == 9


async def test_it_can_be_cancelled_while_it_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch, VideoWriter, "write", refusals=10**6)
    async with at_work() as studio:
        operation = await studio.client.generate_expression_video(PHOTO, SMILE)
        await until(lambda: disk.refusals < 10**6)
        await operation.cancel()
        with pytest.raises(errors.OperationCancelledError):
            await operation.result(20)


async def test_a_video_that_takes_too_long_fails_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.05")
    async with opened() as studio, working(replace(studio.desk.config, video_limit_secs=0.2)):
        with pytest.raises(errors.FacewrightError) as caught:
            await studio.made(motion=replace(SMILE, frame_count=500))
        assert caught.value.reason == "TIME_LIMIT"
        assert await studio.media() == []


async def test_a_worker_that_leaves_gives_it_back_and_the_next_makes_it_from_the_beginning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.05")
    monkeypatch.setenv("FAKE_JOB_LOG", str(tmp_path / "frames.log"))
    log = tmp_path / "frames.log"
    async with opened() as studio:
        operation = await studio.client.generate_expression_video(PHOTO, replace(SMILE, frame_count=40))
        async with working(studio.desk.config):
            await until(lambda: log.exists() and log.read_bytes().count(b"\n") > 5)
        assert await studio.media() == []
        monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.001")
        log.unlink()
        async with working(studio.desk.config):
            made = await operation.result(20)
        assert log.read_bytes().count(b"\n") == 40
        assert operation.metadata is not None
        assert operation.metadata.attempt == 2
        assert await studio.media() == [made.video.name]


async def test_the_skin_of_a_character_is_worn_in_the_video() -> None:
    from facewright_models.rig import skin_texture_file
    from unit.server.fakes.studio import skin_pixels

    texture, png = skin_texture_file(skin_pixels())
    async with at_work() as studio:
        await studio.client.upload_media(png)
        made = await studio.made(CharacterShot(Character(skin_texture=texture.sha256), size_px=32))
        assert made.video.video is not None
        await studio.client.delete_media((await studio.media())[0])
        with pytest.raises(errors.SkinTextureError):
            await studio.made(Character(skin_texture=texture.sha256))


def test_folders_that_nobody_works_in_any_more_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "left"
    with scratch_folder(tmp_path) as held:
        left.mkdir()
        (left / ".expression.mp4.part").write_bytes(b"half a video")
        (held / "mine").write_bytes(b"x")
        with scratch_folder(tmp_path) as other:
            assert other != held
            assert not left.exists()
            assert (held / "mine").exists()
    left.mkdir()
    remove_left_folders(tmp_path)
    remove_left_folders(tmp_path / "nothing is here")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_state_folder_that_cannot_be_written_is_an_error_of_storage(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_bytes(b"")
    with pytest.raises(domain.StorageError, match="state folder"), scratch_folder(tmp_path):
        pass
