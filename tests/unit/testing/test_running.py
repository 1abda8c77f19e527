"""Runs: many scenes, of which some go wrong, and what is left behind."""

import json
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from facewright import Character, RenderedFrame, errors
from facewright.testing import (
    Box,
    FolderFrames,
    NoFrameError,
    ReferenceStore,
    ReportError,
    RunOptions,
    RunOutcome,
    Scene,
    SceneFileError,
    ServerFrames,
    Thresholds,
    run_scenes,
)
from facewright.testing.pictures import decode_picture, encode_picture
from facewright.testing.reports import read_report, remove_earlier_run, write_reports
from facewright.testing.reports.html import html_report
from facewright.testing.reports.junit import junit_report


class Frames:
    """A source in memory; an exception in the place of frames is raised."""

    backend = "toy"

    def __init__(self, frames: Mapping[str, np.ndarray | Exception], secs: float = 0.0) -> None:
        self._frames = frames
        self._secs = secs
        self._lock = threading.Lock()
        self.at_once = self.most_at_once = self.asked = 0

    def frames(self, scene: Scene) -> Mapping[str, bytes]:
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self._secs)
        with self._lock:
            self.at_once -= 1
        frame = self._frames[scene.name]
        if isinstance(frame, Exception):
            raise frame
        return {name: encode_picture(frame) for name in scene.passes}


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(references=tmp_path / "references", out=tmp_path / "out", platform="here")


def accepted(options: RunOptions, scene: str, pixels: np.ndarray, folder: str = "toy") -> Path:
    about = {"scene": scene, "pass_name": "color", "message": "m", "accepted_by": "b"}
    return ReferenceStore(options.references).accept(encode_picture(pixels), folder=folder, **about)


def run(options: RunOptions, frames: Mapping[str, np.ndarray | Exception], *scenes: Scene) -> RunOutcome:
    source = Frames(frames)
    return run_scenes(scenes or [Scene(name) for name in frames], lambda _: source, options)


def changed(picture: np.ndarray) -> np.ndarray:
    planted = picture.copy()
    planted[40:60, 60:80] = (255, 0, 255)
    return planted


def test_every_scene_has_its_own_outcome(options: RunOptions, picture: np.ndarray) -> None:
    for name in ("same", "other", "resized", "broken"):
        accepted(options, name, picture)
    outcome = run(
        options,
        {
            "same": picture,
            "other": changed(picture),
            "resized": picture[:50],
            "new": picture,
            "broken": errors.ServerError("the renderer fell over", reason="INTERNAL"),
        },
    )
    found = {one.scene: one for one in outcome.passes}
    assert {name: one.status for name, one in found.items()} == {
        "same": "passed",
        "other": "different",
        "resized": "different",
        "new": "missing-reference",
        "broken": "error",
    }
    assert "middle centre" in found["other"].summary
    assert "128x50 and its reference" in found["resized"].summary
    assert "no accepted picture" in found["new"].summary
    assert (found["broken"].summary, found["broken"].error_reason) == ("the renderer fell over", "INTERNAL")
    assert set(found["other"].files) == {"actual", "expected", "diff"}
    for name in found["other"].files.values():
        assert decode_picture((options.out / name).read_bytes(), source=name).pixels.shape == picture.shape
    assert not (options.out / "same").exists()
    assert (
        outcome.headline == "1 of 5 pictures as accepted, 2 different, 1 without a reference, 1 with an error"
    )


def test_the_diff_is_bright_where_it_differs_and_dim_elsewhere(
    options: RunOptions, picture: np.ndarray
) -> None:
    accepted(options, "a", picture)
    (one,) = run(options, {"a": changed(picture)}).passes
    diff = decode_picture((options.out / one.files["diff"]).read_bytes(), source="diff").pixels
    assert diff[45:55, 65:75].max(-1).min() > 200
    assert diff[:20].max() < 90


def test_any_accepted_picture_matches_and_is_named(options: RunOptions, picture: np.ndarray) -> None:
    accepted(options, "a", np.ascontiguousarray(picture[:, ::-1]))
    second = accepted(options, "a", picture)
    (one,) = run(options, {"a": picture}).passes
    assert (one.status, one.reference_count) == ("passed", 2)
    assert options.references / one.reference == second
    (one,) = run(options, {"a": changed(picture)}).passes
    assert (one.status, options.references / one.reference) == ("different", second)  # the nearest


def test_a_damaged_reference_is_an_error_that_names_the_file(
    options: RunOptions, picture: np.ndarray
) -> None:
    path = options.references / "a" / "toy" / "color.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_picture(picture)[:200])
    good = accepted(options, "b", picture)
    a, b = run(options, {"a": picture, "b": picture}).passes
    assert (a.status, b.status) == ("error", "passed")
    assert str(path) in a.summary
    assert "damaged PNG" in a.summary
    good.write_bytes(b"swapped by hand")
    (b,) = run(options, {"b": picture}).passes
    assert (b.status, b.error_reason) == ("error", "CHANGED_REFERENCE")


def test_frames_are_drawn_side_by_side_and_not_more_than_asked_for(
    options: RunOptions, picture: np.ndarray
) -> None:
    source = Frames({f"s{i}": picture for i in range(12)}, secs=0.05)
    outcome = run_scenes([Scene(f"s{i}") for i in range(12)], lambda _: source, options)
    assert [one.scene for one in outcome.passes] == [f"s{i}" for i in range(12)]
    assert 2 <= source.most_at_once <= options.jobs


def test_an_interrupted_run_says_what_was_not_run(options: RunOptions, picture: np.ndarray) -> None:
    names = [f"s{i}" for i in range(50)]
    source = Frames(dict.fromkeys(names, picture))

    def interrupt(_outcome: object) -> None:
        raise KeyboardInterrupt

    stopping = RunOptions(options.references, options.out, "here", on_outcome=interrupt)
    outcome = run_scenes([Scene(name) for name in names], lambda _: source, stopping)
    assert outcome.was_interrupted
    assert outcome.count("not-run") == 49
    assert outcome.count("missing-reference") == 1
    assert source.asked < 50
    assert not list(options.out.rglob("*.tmp"))


def test_masks_and_thresholds_of_a_scene_are_used(options: RunOptions, picture: np.ndarray) -> None:
    accepted(options, "a", picture)
    masked = Scene("a", ignored_boxes=(Box(58, 38, 24, 24),))
    loose = Scene("a", thresholds={"color": Thresholds(flip_mean=1.0, outlier_share=1.0)})
    outside = Scene("a", ignored_boxes=(Box(500, 0, 5, 5),))
    for scene, status in ((masked, "passed"), (loose, "passed"), (outside, "error")):
        (one,) = run(options, {"a": changed(picture)}, scene).passes
        assert one.status == status, one.summary


@pytest.mark.parametrize("knows_presets", [True, False])
def test_a_preset_reaches_a_client_that_knows_presets_and_no_other(knows_presets: bool) -> None:
    asked = []

    class Older:
        def render(self, character: Character, **options: object) -> RenderedFrame:
            asked.append(options)
            return RenderedFrame(8, {"color": b"png"}, b"", ())

    class Newer(Older):
        def render(self, character: Character, *, preset: str = "", **options: object) -> RenderedFrame:
            return super().render(character, preset=preset, **options)

    source = ServerFrames(Newer() if knows_presets else Older())  # type: ignore[arg-type]
    assert source.frames(Scene("a")) == {"color": b"png"}
    if knows_presets:
        source.frames(Scene("a", preset="draft"))
        assert asked[-1]["preset"] == "draft"
    else:
        with pytest.raises(SceneFileError, match="asks for the preset 'draft'"):
            source.frames(Scene("a", preset="draft"))
        assert len(asked) == 1


def test_what_is_farthest_off_comes_first(options: RunOptions, picture: np.ndarray) -> None:
    for name in ("little", "much"):
        accepted(options, name, picture)
    outcome = run(options, {"new": picture, "little": np.roll(picture, 1, 1), "much": changed(picture)})
    assert [one.scene for one in outcome.needing_attention] == ["much", "little", "new"]


def test_a_scene_may_name_its_own_backend(options: RunOptions, picture: np.ndarray) -> None:
    accepted(options, "a", picture, "unity")
    (one,) = run(options, {"a": picture}, Scene("a", backend="unity")).passes
    assert (one.status, one.level, one.reference_folder) == ("passed", "backend", "unity")


def test_reports_hold_the_same_and_escape_what_they_show(options: RunOptions, picture: np.ndarray) -> None:
    accepted(options, "a", picture)
    nasty = '<script>alert("1")</script> & \x00 ]]>'
    outcome = run(options, {"a": changed(picture), "b": errors.InvalidInputError(nasty), "c": picture})
    paths = write_reports(outcome, options.out)
    assert read_report(options.out) == outcome
    root = ET.fromstring(paths["junit"].read_text())  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "2", "1")
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failure = cases["a/color"].find("failure")
    assert failure is not None
    assert "outlier_share" in str(failure.text)
    assert cases["b/color"].find("error") is not None
    page = paths["html"].read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert page.count("data:image/png;base64,") == 4  # three of a, one of c
    assert f"facewright golden accept a/color --run {options.out}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_a_page_of_many_pictures_links_them_when_it_grows_too_large(
    options: RunOptions, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facewright.testing.reports import html

    outcome = run(options, {"a": picture})
    monkeypatch.setattr(html, "_LARGEST_EMBEDDED_BYTES", 10)
    page = html_report(outcome, options.out)
    assert "base64" not in page
    assert "url('a/color.actual.png')" in page


def test_all_as_accepted_is_one_green_line(options: RunOptions, picture: np.ndarray) -> None:
    accepted(options, "a", picture)
    outcome = run(options, {"a": picture})
    page = html_report(outcome, options.out)
    assert "All 1 pictures are as accepted" in page
    assert 'class="good"' in page
    assert "<failure" not in junit_report(outcome, options.out)


def test_an_earlier_run_is_taken_away_and_nothing_else(options: RunOptions, picture: np.ndarray) -> None:
    write_reports(run(options, {"a": picture}), options.out)
    (options.out / "mine.png").write_bytes(b"x")
    (options.out / "a" / "mine.txt").write_bytes(b"x")
    remove_earlier_run(options.out)
    left = sorted(
        path.relative_to(options.out).as_posix() for path in options.out.rglob("*") if path.is_file()
    )
    assert left == ["a/mine.txt", "mine.png"]
    remove_earlier_run(options.out)


def test_a_report_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="run 'facewright golden run' first"):
        read_report(tmp_path)
    for text in ("{}", "[", '{"format": "facewright-golden-report/1", "passes": [{"x": 1}]}'):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(ReportError, match="run 'facewright golden run' again"):
            read_report(tmp_path)
    outside = {
        "scene": "a",
        "pass_name": "c",
        "status": "passed",
        "summary": "",
        "files": {"actual": "../x.png"},
    }
    (tmp_path / "out").mkdir()
    (tmp_path / "x.png").write_bytes(b"mine")
    document = {"format": "facewright-golden-report/1", "passes": [outside], "started_at": "", "notes": []}
    (tmp_path / "out" / "report.json").write_text(json.dumps(document))
    remove_earlier_run(tmp_path / "out")
    assert (tmp_path / "x.png").is_file()


def test_frames_of_a_folder_are_found_by_their_usual_names(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "b").mkdir()
    for name in ("a.png", "a.labels.png", "a_depth.png", "b/color.png", "My Frame.png"):
        (tmp_path / name).write_bytes(name.encode())
    folder = FolderFrames(tmp_path)
    a = Scene("a", passes=("color", "labels", "depth"))
    assert folder.frames(a) == {"color": b"a.png", "labels": b"a.labels.png", "depth": b"a_depth.png"}
    assert folder.frames(Scene("b")) == {"color": b"b/color.png"}
    assert folder.frames(Scene("x", frames={"color": "My Frame.png"})) == {"color": b"My Frame.png"}
    assert folder.unused([a]) == ["My Frame.png"]
    with pytest.raises(NoFrameError, match=r"no frame of c \(color\): expected .*c\.png or .*c\.color\.png"):
        folder.frames(Scene("c"))
    with pytest.raises(NoFrameError, match=r"My Frame\.png cannot be the name of a scene"):
        folder.scenes()
    with pytest.raises(NoFrameError, match="is no folder"):
        FolderFrames(tmp_path / "none")
    with pytest.raises(NoFrameError, match="has no PNG files"):
        FolderFrames(empty).scenes()


def test_a_frame_that_is_no_longer_drawn_is_an_error(
    options: RunOptions, picture: np.ndarray, frames: Path
) -> None:
    for name in ("hero", "gone"):
        accepted(options, name, picture, "frames")
    folder = FolderFrames(frames)
    scenes = folder.scenes(ReferenceStore(options.references).scene_names())
    outcome = run_scenes(scenes, lambda _: folder, options)
    assert {one.scene: one.status for one in outcome.passes} == {
        "gone": "error",
        "hero": "passed",
        "villain": "missing-reference",
    }
