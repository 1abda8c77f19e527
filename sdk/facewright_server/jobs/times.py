"""When an operation was made, begun and ended, for its metadata."""

from google.protobuf import timestamp_pb2

from facewright_server.jobs.records import OperationRecord

__all__ = ["times_of"]


def times_of(record: OperationRecord) -> dict[str, timestamp_pb2.Timestamp]:
    """By the name of the field; what has not happened is missing. Never backwards, whatever the wall clock did."""
    times = {"create_time": _timestamp(record.create_secs)}
    latest = record.create_secs
    for field, secs in (("start_time", record.start_secs), ("end_time", record.end_secs)):
        if secs is not None:
            latest = max(latest, secs)
            times[field] = _timestamp(latest)
    return times


def _timestamp(secs: float) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromMicroseconds(round(secs * 1_000_000))
    return message
