"""Which calls are tried again, when, and how often: the rules alone, then both clients at a server with a script."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from facewright import AsyncClient, Client, FitProgress, Retry, Subject, Timeouts, errors
from facewright._calls import Call, StreamCall
from facewright._retry import Attempts
from facewright.fitting import Photo
from facewright.v1 import fitting_pb2, rig_pb2

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED
QUICK = Retry(first_delay_secs=0.01, max_delay_secs=0.02)
PATIENT = Retry(first_delay_secs=0.01, max_delay_secs=0.02, wait_when_busy=True)
TOKEN = "fw_not-a-secret"  # noqa: S105
PERSON = [Subject((Photo(b"a photo"),))]


class Ended(grpc.RpcError):
    """A call that has ended badly."""

    def __init__(self, code: grpc.StatusCode, status: status_pb2.Status | None = None) -> None:
        self._code, self._status = code, status

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "details"

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return (("grpc-status-details-bin", self._status.SerializeToString()),) if self._status else ()


def our_status(code: grpc.StatusCode, reason: str, *, retry_ms: int | None = None) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message="as the server says")
    details: list[Any] = [
        error_details_pb2.ErrorInfo(reason=reason, domain="facewright.dev"),
        error_details_pb2.RequestInfo(request_id="r1"),
    ]
    if retry_ms is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(retry_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def attempts(retry: Retry, *, timeout_secs: float = 100.0, **call: Any) -> Attempts:
    return Attempts(
        Call("rig.GetRig", None, str, "rig", timeout_secs, **call), retry, Timeouts(), clock=lambda: 0.0
    )


def test_pauses_grow_up_to_the_longest_and_then_the_error_is_raised() -> None:
    tries = attempts(Retry(attempts=6, first_delay_secs=0.5, factor=2, max_delay_secs=3, jitter=0))
    assert [tries.pause_secs(Ended(UNAVAILABLE)) for _ in range(5)] == [0.5, 1, 2, 3, 3]
    with pytest.raises(errors.ServerUnavailableError):
        tries.pause_secs(Ended(UNAVAILABLE))


def test_jitter_moves_a_pause_both_ways_by_no_more_than_its_share() -> None:
    retry = Retry(first_delay_secs=1, jitter=0.25)
    pauses = [attempts(retry).pause_secs(Ended(UNAVAILABLE)) for _ in range(200)]
    assert 0.75 <= min(pauses) < 0.85
    assert 1.15 < max(pauses) <= 1.25


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code not in (UNAVAILABLE, grpc.StatusCode.OK)]
)
def test_nothing_but_unavailable_is_tried_again(code: grpc.StatusCode) -> None:
    with pytest.raises(errors.FacewrightError):
        attempts(Retry()).pause_secs(Ended(code))


def test_a_call_that_is_not_idempotent_is_tried_once() -> None:
    with pytest.raises(errors.ServerUnavailableError):
        attempts(Retry(), is_idempotent=False).pause_secs(Ended(UNAVAILABLE))


def test_a_pause_that_would_outlast_the_deadline_is_not_begun() -> None:
    with pytest.raises(errors.ServerUnavailableError):
        attempts(Retry(first_delay_secs=1, jitter=0), timeout_secs=0.9).pause_secs(Ended(UNAVAILABLE))


def test_the_deadline_covers_all_attempts_together() -> None:
    now = [10.0]
    call = Call("rig.GetRig", None, str, "rig")
    tries = Attempts(call, Retry(), Timeouts(rig_secs=5), clock=lambda: now[0])
    assert tries.remaining_secs() == 5
    now[0] = 14.0
    assert tries.remaining_secs() == 1
    now[0] = 20.0
    assert tries.remaining_secs() == 0


def test_a_busy_server_is_waited_for_only_where_that_was_asked_for() -> None:
    busy = Ended(BUSY, our_status(BUSY, "QUEUE_FULL", retry_ms=2500))
    with pytest.raises(errors.ServerBusyError):
        attempts(Retry()).pause_secs(busy)
    assert attempts(Retry(wait_when_busy=True)).pause_secs(busy) == 2.5
    with pytest.raises(errors.QuotaError):  # no delay in it: waiting does not help
        attempts(Retry(wait_when_busy=True)).pause_secs(Ended(BUSY, our_status(BUSY, "QUOTA")))


def stream_attempts() -> Attempts:
    return Attempts(StreamCall("fitting.Fit", None, str, "fit"), Retry(), Timeouts())


def test_a_stream_is_opened_again_only_before_its_first_event() -> None:
    tries = stream_attempts()
    assert tries.pause_secs(Ended(UNAVAILABLE)) > 0
    tries.began()
    with pytest.raises(errors.ServerUnavailableError):
        tries.pause_secs(Ended(UNAVAILABLE))


def test_a_stream_that_the_server_itself_refused_is_not_opened_again() -> None:
    with pytest.raises(errors.ServerUnavailableError):
        stream_attempts().pause_secs(Ended(UNAVAILABLE, our_status(UNAVAILABLE, "SHUTTING_DOWN")))


@pytest.mark.parametrize(
    "bad",
    [{"attempts": 0}, {"first_delay_secs": -1}, {"factor": 0.5}, {"jitter": 2}, {"max_delay_secs": 0.1}],
)
def test_a_retry_that_makes_no_sense_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(errors.InvalidInputError, match="expected attempts >= 1"):
        Retry(**bad)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------- both clients at a scripted server


@dataclass
class Script:
    """What the server answers to each call in turn; None is a good answer, an `int` so many events before an end."""

    answers: list[Any]
    calls: int = 0
    metadata: list[dict[str, str]] = field(default_factory=list)

    def next(self, context: Any) -> Any:
        self.calls += 1
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata()})
        return self.answers.pop(0) if self.answers else None


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    async def refuse(end: Any, context: Any) -> None:
        if isinstance(end, status_pb2.Status):
            answer = rpc_status.to_status(end)
            await context.abort(answer.code, answer.details, answer.trailing_metadata)
        elif end is not None:
            await context.abort(end, "as the script says")

    async def list_rigs(_request: Any, context: Any) -> Any:
        await refuse(script.next(context), context)
        return rig_pb2.ListRigsResponse(rigs=[rig_pb2.RigSummary(name="fake")])

    async def fit(_request: Any, context: Any) -> AsyncIterator[Any]:
        end = script.next(context)
        for _ in range(end if isinstance(end, int) else 0):
            yield fitting_pb2.FitResponse(progress=fitting_pb2.FitProgress(iteration=1))
        await refuse(UNAVAILABLE if isinstance(end, int) else end, context)
        yield fitting_pb2.FitResponse(result=fitting_pb2.FitResult(subject=0))

    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "facewright.v1.RigService",
                {
                    "ListRigs": grpc.unary_unary_rpc_method_handler(
                        list_rigs,
                        rig_pb2.ListRigsRequest.FromString,
                        rig_pb2.ListRigsResponse.SerializeToString,
                    )
                },
            ),
            grpc.method_handlers_generic_handler(
                "facewright.v1.FittingService",
                {
                    "Fit": grpc.unary_stream_rpc_method_handler(
                        fit, fitting_pb2.FitRequest.FromString, fitting_pb2.FitResponse.SerializeToString
                    )
                },
            ),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def ask(kind: str, address: str, question: Callable[[Any], Any], **options: Any) -> Any:
    """The same question to either client."""

    def blocking() -> Any:
        with Client(address, **options) as client:
            answer = question(client)
            return answer if isinstance(answer, tuple) or not hasattr(answer, "__next__") else list(answer)

    if kind == "blocking":
        return await asyncio.to_thread(blocking)
    async with AsyncClient(address, **options) as client:
        answer = question(client)
        return [event async for event in answer] if hasattr(answer, "__anext__") else await answer


BOTH = pytest.mark.parametrize("kind", ["blocking", "awaited"])


@BOTH
async def test_an_idempotent_call_is_repeated_until_it_is_answered(kind: str) -> None:
    script = Script([UNAVAILABLE, UNAVAILABLE])
    async with scripted(script) as address:
        (rig,) = await ask(kind, address, lambda client: client.list_rigs(), retry=QUICK)
    assert (rig.name, script.calls) == ("fake", 3)


@BOTH
async def test_the_last_error_is_raised_when_no_attempt_is_left(kind: str) -> None:
    script = Script([UNAVAILABLE] * 9)
    async with scripted(script) as address:
        with pytest.raises(errors.ServerUnavailableError, match="as the script says"):
            await ask(kind, address, lambda client: client.list_rigs(), retry=QUICK)
    assert script.calls == 4


@BOTH
async def test_never_is_once(kind: str) -> None:
    script = Script([UNAVAILABLE])
    async with scripted(script) as address:
        with pytest.raises(errors.ServerUnavailableError):
            await ask(kind, address, lambda client: client.list_rigs(), retry=Retry.never())
    assert script.calls == 1


@BOTH
async def test_bad_input_is_told_at_once(kind: str) -> None:
    script = Script([grpc.StatusCode.INVALID_ARGUMENT])
    async with scripted(script) as address:
        with pytest.raises(errors.InvalidInputError):
            await ask(kind, address, lambda client: client.list_rigs(), retry=QUICK)
    assert script.calls == 1


@BOTH
async def test_a_patient_caller_waits_for_a_busy_server(kind: str) -> None:
    script = Script([our_status(BUSY, "QUEUE_FULL", retry_ms=20)])
    async with scripted(script) as address:
        result = await ask(kind, address, lambda client: client.fit(b"a photo"), retry=PATIENT)
    assert (result.subject, script.calls) == (0, 2)


@BOTH
async def test_a_fit_whose_connection_fails_before_anything_came_is_begun_again(kind: str) -> None:
    script = Script([UNAVAILABLE])
    async with scripted(script) as address:
        events = await ask(kind, address, lambda client: client.fit_people(PERSON), retry=QUICK)
    assert (len(events), script.calls) == (1, 2)


@BOTH
async def test_a_fit_that_breaks_after_an_event_is_not_begun_again(kind: str) -> None:
    script = Script([1])
    seen: list[FitProgress] = []
    async with scripted(script) as address:
        with pytest.raises(errors.ServerUnavailableError):
            await ask(
                kind, address, lambda client: client.fit(b"a photo", on_progress=seen.append), retry=QUICK
            )
    assert (len(seen), script.calls) == (1, 1)


@BOTH
async def test_the_token_goes_with_every_call(kind: str) -> None:
    script = Script([])
    async with scripted(script) as address:
        await ask(kind, address, lambda client: client.list_rigs(), token=TOKEN)
        await ask(kind, address, lambda client: client.fit(b"a photo"), token=TOKEN)
        await ask(kind, address, lambda client: client.list_rigs())
    assert [seen.get("authorization") for seen in script.metadata] == [
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
        None,
    ]


@pytest.mark.parametrize("cls", [Client, AsyncClient])
def test_a_token_in_the_clear_is_refused_except_on_this_machine(cls: type) -> None:
    with pytest.raises(errors.InvalidInputError, match="without TLS"):
        cls("games.example.com:443", token=TOKEN)
    with pytest.raises(errors.InvalidInputError, match="visible ASCII"):
        cls("127.0.0.1:1", token=f"{TOKEN} {TOKEN}\n")


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    def methods(cls: type) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(inspect.signature(method).parameters)
            for name, method in vars(cls).items()
            if not name.startswith("_") and callable(method)
        }

    assert methods(Client) == methods(AsyncClient)
    assert all(vars(Client)[name].__doc__ for name in methods(Client))
    assert str(inspect.signature(Client.get_rig).return_annotation) == "Rig"
    assert inspect.iscoroutinefunction(AsyncClient.get_rig)
