"""The one table from errors to statuses forgets nobody, and both ends of the wire agree on it."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

import facewright._status as client_status
from facewright_models import errors as domain
from facewright_server import errors as serving
from facewright_server import status


def every_error_class() -> Iterator[type[domain.FacewrightError]]:
    def below(cls: type[domain.FacewrightError]) -> Iterator[type[domain.FacewrightError]]:
        yield cls
        for child in cls.__subclasses__():
            yield from below(child)

    return (cls for cls in below(domain.FacewrightError) if not cls.__module__.startswith("tests"))


def make(cls: type[domain.FacewrightError]) -> domain.FacewrightError:
    if issubclass(cls, serving.QueueFullError):
        return cls("full", retry_delay_secs=2.5)
    return cls("what was got, what was expected", field="a.b", metadata={"k": "v"})


def detail(message: status_pb2.Status, cls: type) -> object | None:
    for packed in message.details:
        found = cls()
        if packed.Unpack(found):
            return found
    return None


@pytest.mark.parametrize("cls", list(every_error_class()), ids=lambda cls: cls.__name__)
def test_every_error_class_is_in_the_table(cls: type[domain.FacewrightError]) -> None:
    assert cls in status.STATUS_CODES


@pytest.mark.parametrize("cls", list(every_error_class()), ids=lambda cls: cls.__name__)
def test_every_status_carries_a_well_formed_error_info(cls: type[domain.FacewrightError]) -> None:
    message = status.status_of(make(cls), request_id="r1")
    info = detail(message, error_details_pb2.ErrorInfo)
    assert info.domain == status.ERROR_DOMAIN
    assert info.reason == cls.reason
    assert info.reason.isupper()
    assert len(info.reason) <= 63
    assert detail(message, error_details_pb2.RequestInfo).request_id == "r1"


def test_each_detail_type_is_attached_at_most_once() -> None:
    for cls in every_error_class():
        kinds = [packed.type_url for packed in status.status_of(make(cls), request_id="r").details]
        assert len(kinds) == len(set(kinds))


def test_bad_input_names_the_field() -> None:
    message = status.status_of(domain.NoFaceError("no face", field="subjects[0]"), request_id="r")
    assert message.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    (violation,) = detail(message, error_details_pb2.BadRequest).field_violations
    assert (violation.field, violation.description) == ("subjects[0]", "no face")


def test_a_full_queue_says_when_to_try_again() -> None:
    message = status.status_of(serving.QueueFullError("full", retry_delay_secs=2.5), request_id="r")
    assert detail(message, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 2500


def test_long_texts_are_cut_to_fit_into_headers() -> None:
    error = domain.UnknownParameterError("x" * 100_000, field="f" * 9_000, metadata={"n": "v" * 9_000})
    assert status.status_of(error, request_id="r").ByteSize() < 4096


def test_a_lone_surrogate_in_a_name_does_not_break_the_answer() -> None:
    assert "?" in status.status_of(domain.UnknownParameterError("\udc80"), request_id="r").message


def test_an_unknown_subclass_gets_the_code_of_its_base() -> None:
    class Odd(domain.NoFaceError):
        pass

    assert status.code_of(Odd("x")) is grpc.StatusCode.INVALID_ARGUMENT


def test_client_and_server_name_the_same_error_domain() -> None:
    assert client_status.ERROR_DOMAIN == status.ERROR_DOMAIN
