"""A real portrait through the real server: what comes out, and what happens when somebody leaves."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image

from facewright import (
    Character,
    Client,
    EmbeddedServer,
    FitOptions,
    FitProgress,
    FitResult,
    Photo,
    Subject,
    View,
)
from integration import photos
from integration.photos import FEW_STEPS
from unit.models.glb_reading import ReadGlb

pytestmark = pytest.mark.integration


def run_cli(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "facewright", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def test_a_fit_reports_pictures_numbers_and_a_complete_character(
    client: Client, plain_fit: FitResult
) -> None:
    for png in (plain_fit.aligned_photo_png, plain_fit.imitated_png, plain_fit.rendered_png):
        assert photos.decoded(png).shape == (512, 512, 3)
    assert photos.decoded(plain_fit.comparison_png).shape == (512, 1536, 3)
    rig = client.get_rig(plain_fit.character.rig)
    named = {*plain_fit.character.sliders, *plain_fit.character.styles, *plain_fit.character.colors}
    assert named == {parameter.name for parameter in rig.parameters}
    assert all(0 <= value <= 1 for value in plain_fit.character.sliders.values())
    assert -1 <= plain_fit.report.identity_cosine <= 1
    assert plain_fit.report.iterations <= 3
    assert 0 < plain_fit.report.seconds.total < 120


def test_the_render_of_the_fit_is_what_render_draws_of_its_character(
    client: Client, plain_fit: FitResult
) -> None:
    again = client.render(plain_fit.character, size_px=512).pngs["color"]
    difference = photos.decoded(again).astype(int) - photos.decoded(plain_fit.rendered_png)
    assert np.abs(difference).max() <= 1


def test_the_same_photo_and_seed_give_the_same_character(
    fitting: Client, portrait, plain_fit: FitResult
) -> None:
    again = fitting.fit(photos.png(portrait), options=FEW_STEPS)
    assert again.character == plain_fit.character


def test_several_photos_of_one_person_are_one_fit_and_several_people_several(
    fitting: Client, portrait
) -> None:
    person = Photo(photos.jpeg(portrait))
    mirrored = Photo(photos.jpeg(np.ascontiguousarray(portrait[:, ::-1])))
    people = [Subject((person, mirrored)), Subject((mirrored,))]
    events = list(fitting.fit_people(people, options=FEW_STEPS))
    assert [event.subject for event in events if isinstance(event, FitResult)] == [0, 1]


def test_an_exported_character_comes_back_and_has_the_rig_s_facial_actions(
    client: Client, tmp_path: Path
) -> None:
    (tmp_path / "c.json").write_text(
        Character("anny", "1.0.0", {"nose-hump": 0.3}, {"hair": "bob"}).to_json()
    )
    character = Character.from_file(tmp_path / "c.json")
    (tmp_path / "c.glb").write_bytes(client.export_glb(character, expression={"jawOpen": 0.2}))
    assert Character.from_file(tmp_path / "c.glb") == character
    skin = ReadGlb((tmp_path / "c.glb").read_bytes()).mesh("skin")
    assert skin["extras"]["targetNames"] == list(client.get_rig("anny").facial_actions)
    assert client.export_glb(character, morphs=False) == client.export_glb(character, morphs=False)
    files = client.export_obj(character, name="c")
    assert {"c.obj", "c.mtl"} < set(files)
    assert all(name in files["c.mtl"].decode() for name in files if name.endswith(".png"))


def test_every_pass_has_the_size_that_was_asked_for(client: Client) -> None:
    passes = ("color", "labels", "depth", "normals")
    frame = client.render(
        Character(), size_px=256, passes=passes, view=View(20, 10), expression={"jawOpen": 0.5}
    )
    assert {name: photos.decoded(png).shape[:2] for name, png in frame.pngs.items()} == dict.fromkeys(
        passes, (256, 256)
    )
    metres = np.frombuffer(frame.depth_metres, "<f4").reshape(256, 256)
    assert (metres > 0).mean() > 0.1
    assert len(frame.landmarks) == 68


def test_the_same_render_gives_the_same_bytes(client: Client) -> None:
    assert client.render(Character()) == client.render(Character())


def test_health_answers_and_a_second_fit_waits_while_one_runs(
    server: EmbeddedServer, fitting: Client, portrait
) -> None:
    photo = photos.jpeg(portrait)
    results: list[FitResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(fitting.fit(photo, options=FEW_STEPS)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        delays = []
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            delays.append(time.monotonic() - started)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            time.sleep(0.05)
    assert len(results) == 2
    assert results[0].character == results[1].character
    assert np.median(delays) < 0.1


def test_a_client_that_leaves_stops_the_work_within_a_step(fitting: Client, portrait) -> None:
    subject = Subject((Photo(photos.jpeg(portrait)),))
    events = fitting.fit_people([subject], options=FitOptions(iterations=1000, similarity_threshold=1.0))
    step_secs, last = 0.0, time.monotonic()
    for event in events:
        assert isinstance(event, FitProgress)
        step_secs, last = max(step_secs, time.monotonic() - last), time.monotonic()
        if event.iteration >= 3:
            break
    events.close()
    left_at = time.monotonic()
    following = fitting.fit_people([subject], options=FEW_STEPS)
    next(following)
    # The next fit begins when the step that was running is over; reading its photo takes a moment as well.
    assert time.monotonic() - left_at < 2 * step_secs + 2
    following.close()


def test_the_server_is_ready_within_15_seconds(fitting: Client) -> None:
    started = time.monotonic()
    with EmbeddedServer() as server, grpc.insecure_channel(server.address) as channel:
        listening_secs = time.monotonic() - started
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            status = stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status
            ready_secs = time.monotonic() - started
            if status == health_pb2.HealthCheckResponse.SERVING or ready_secs > 60:
                break
            time.sleep(0.1)
    assert listening_secs < 10
    assert ready_secs < 15


def test_the_command_line_fits_with_the_server_that_commands_share_and_draws_the_result(
    tmp_path: Path, portrait, plain_fit: FitResult, server: EmbeddedServer
) -> None:
    (tmp_path / "me.png").write_bytes(photos.png(portrait))
    out = tmp_path / "out"
    done = run_cli("fit", tmp_path / "me.png", "--out", out, "--iterations", 3, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((out / "report.json").read_text())
    assert Character.from_file(out / "character.json") == plain_fit.character
    with Image.open(out / "compare.png") as comparison:
        assert comparison.size == (1536, 512)
    drawn = run_cli(
        "render", out / "character.json", "--expression", "jawOpen=0.4",
        "--out", out / "open.png", "--server", server.address,
    )  # fmt: skip
    assert drawn.returncode == 0, drawn.stderr
    assert (out / "open.png").stat().st_size > 1000
    before = json.loads(run_cli("embedded", "status", "--json").stdout)
    assert before["running"]
    shown = run_cli("rig", "show", "anny", "--json")
    assert json.loads(run_cli("embedded", "status", "--json").stdout)["pid"] == before["pid"]
    assert len(json.loads(shown.stdout)["facial_actions"]) == 52


def test_serve_runs_in_the_foreground_until_a_signal() -> None:
    command = [sys.executable, "-m", "facewright", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with Client(address) as client:
            assert client.list_rigs()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_bad_photo_on_the_command_line_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "me.png").write_bytes(b"not a photo")
    done = run_cli("fit", tmp_path / "me.png", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == ["me.png"]  # noqa: PTH208
