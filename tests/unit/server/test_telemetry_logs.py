"""What a log line holds, and what no log line ever holds."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from facewright.v1 import fitting_pb2, fitting_pb2_grpc, media_pb2, rig_pb2
from facewright_models.errors import WeightsError
from facewright_models.photo import Photo
from facewright_server.errors import StorageError
from facewright_server.logs import REQUEST_ID, JsonFormatter, configure_logging
from facewright_server.security.tokens import token_table
from unit.server.fakes.running import environment, running, until
from unit.server.fakes.studio import FakeStudio

SECRET = "SECRETMARKER"  # noqa: S105 - what a photo, a name and a token of these tests contain
PHOTO = b"\x89PNG" + SECRET.encode() * 50
EMBEDDING = "[0.12345, -0.98765]"
TOKEN = "fw_" + SECRET


class QuotingStudio(FakeStudio):
    """Fails like a library that quotes what it choked on."""

    def decode_photo(self, content: bytes, *, max_pixels: int) -> Photo:
        if content.endswith(b"quote"):
            raise ValueError(f"{content!r} gave {EMBEDDING}") from KeyError(content)
        return super().decode_photo(content, max_pixels=max_pixels)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything any logger says, down to DEBUG, as the server writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(before)
    root.removeHandler(handler)


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fit_request(content: bytes) -> fitting_pb2.FitRequest:
    photo = fitting_pb2.Photo(content=content)
    return fitting_pb2.FitRequest(subjects=[fitting_pb2.Subject(photos=[photo])])


async def test_no_picture_name_embedding_or_token_is_ever_logged(
    written: io.StringIO, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(token_table("studio", TOKEN))
    tokens.chmod(0o600)
    options = {
        "metadata": (("authorization", f"Bearer {TOKEN}"), ("x-request-id", "call-7")),
        "timeout": 20,
    }
    wrong = {"metadata": (("authorization", f"Bearer {TOKEN}2"),), "timeout": 20}
    upload = media_pb2.CreateUploadRequest(
        size_bytes=len(PHOTO), display_name=f"{SECRET}.png", request_id="00000000-0000-4000-8000-000000000001"
    )
    async with (
        running(QuotingStudio(), tokens_file=str(tokens)) as live,
        grpc.aio.insecure_channel(live.address) as channel,
    ):
        fitting = fitting_pb2_grpc.FittingServiceStub(channel)
        async for _ in fitting.Fit(fit_request(PHOTO), **options):
            pass
        malformed = fit_request(PHOTO).SerializeToString()[:-5]
        calls = [
            fitting.Fit(fit_request(PHOTO + b"quote"), **options).read(),
            fitting.Fit(fit_request(PHOTO), **wrong).read(),
            channel.unary_stream("/facewright.v1.FittingService/Fit")(malformed, **options).read(),
            fitting.Fit(fitting_pb2.FitRequest(rig=SECRET), **options).read(),
            channel.unary_unary("/facewright.v1.RigService/GetRig")(
                rig_pb2.GetRigRequest(name=SECRET).SerializeToString(), **options
            ),
            channel.unary_unary("/facewright.v1.MediaService/CreateUpload")(
                upload.SerializeToString(), **options
            ),
            channel.unary_unary(f"/{SECRET}/Method")(b"", **options),
        ]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in ended[:3]] == [grpc.aio.AioRpcError] * 3
    log = written.getvalue()
    assert "call-7" in log
    assert "unexpected exception" in log
    assert "ValueError" in log
    forbidden = [SECRET, EMBEDDING, "0.12345", TOKEN, repr(PHOTO[:8])[2:-1]]
    forbidden += [base64.b64encode(PHOTO[offset : offset + 12]).decode() for offset in range(4, 16)]
    for word in forbidden:
        assert word not in log, word


async def test_the_line_of_a_call_has_id_client_sizes_and_times(written: io.StringIO) -> None:
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = fitting_pb2_grpc.FittingServiceStub(channel)
        async for _ in stub.Fit(fit_request(b"a photo"), metadata=(("x-request-id", "call-9"),), timeout=20):
            pass
        await until(lambda: any(entry["message"] == "call" for entry in entries(written)))
    (line,) = [entry for entry in entries(written) if entry["message"] == "call"]
    assert line["request_id"] == "call-9"
    assert line["client"] == "local"
    assert line["method"] == "/facewright.v1.FittingService/Fit"
    assert line["code"] == "OK"
    assert line["request_bytes"] == fit_request(b"a photo").ByteSize()
    assert line["answer_bytes"] > 0
    assert line["answers"] > 1
    assert line["ms"] > 0
    assert line["time"].endswith("+00:00")


def one_line(error: BaseException) -> str:
    try:
        raise error
    except type(error):
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "failed", (), None)
        record.exc_info = sys.exc_info()
    return str(json.loads(JsonFormatter().format(record))["exception"])


def test_an_exception_is_logged_with_class_and_place_and_without_its_words() -> None:
    exception = one_line(ValueError(SECRET))
    assert "ValueError" in exception
    assert "test_telemetry_logs.py" in exception
    assert "in one_line" in exception
    assert SECRET not in exception


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StorageError("the disk is full"), "the disk is full"),
        (WeightsError("imitator.safetensors is missing"), "imitator.safetensors is missing"),
        (ImportError("no module named dlib"), "no module named dlib"),
        (OSError(28, "No space left on device", SECRET), "[errno 28] No space left on device"),
    ],
)
def test_words_of_errors_that_quote_no_request_are_logged(error: Exception, words: str) -> None:
    assert words in one_line(error)
    assert SECRET not in one_line(error)


def test_the_causes_of_an_exception_are_logged_by_class() -> None:
    error = StorageError("the database does not take this now")
    error.__cause__ = ValueError(f"[parameters: {SECRET}]")
    exception = one_line(error)
    assert "because of" in exception
    assert "ValueError" in exception
    assert SECRET not in exception


def test_bytes_and_objects_in_extra_fields_are_named_by_type_only() -> None:
    record = logging.makeLogRecord({"msg": "m", "levelname": "INFO", "content": SECRET.encode(), "n": 3})
    entry = json.loads(JsonFormatter().format(record))
    assert entry["content"] == "<bytes>"
    assert entry["n"] == 3


def test_the_request_id_is_on_lines_of_the_call_only() -> None:
    record = logging.makeLogRecord({"msg": "m"})
    assert "request_id" not in json.loads(JsonFormatter().format(record))
    token = REQUEST_ID.set("r5")
    assert json.loads(JsonFormatter().format(record))["request_id"] == "r5"
    REQUEST_ID.reset(token)


@pytest.mark.parametrize("place", ["raise", "thread"])
def test_what_nobody_catches_is_logged_without_its_words_too(place: str) -> None:
    program = (
        "import sys, threading\n"
        "from facewright_server.logs import configure_logging\n"
        "configure_logging('INFO')\n"
        f"def fail(): raise ValueError('{SECRET[:6]}' + '{SECRET[6:]}')\n"
        "if sys.argv[1] == 'raise': fail()\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, place], env=environment(), capture_output=True, text=True, check=False
    )
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["message"] == "uncaught exception"
    assert "ValueError" in line
    assert SECRET not in line


def test_debugging_does_not_make_libraries_talk() -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook
    try:
        configure_logging("DEBUG")
        assert not logging.getLogger("PIL.TiffImagePlugin").isEnabledFor(logging.DEBUG)
        assert logging.getLogger("facewright_server.x").isEnabledFor(logging.DEBUG)
        configure_logging("ERROR")
        assert not logging.getLogger("facewright_server.x").isEnabledFor(logging.WARNING)
        assert not logging.getLogger("PIL").isEnabledFor(logging.WARNING)
    finally:
        root.handlers[:] = handlers
        sys.excepthook, threading.excepthook = hooks
        root.setLevel(level)
        for name in ("facewright_server", "facewright_models", "facewright_renderer"):
            logging.getLogger(name).setLevel(logging.NOTSET)
