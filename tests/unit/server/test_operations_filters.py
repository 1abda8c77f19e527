"""The filter of ListOperations: what it means, and what it refuses."""

import pytest

from facewright_server.errors import InvalidRequestError
from facewright_server.jobs.filters import MAX_FILTER_CHARS, read_filter
from facewright_server.jobs.registry import JOB_KINDS
from facewright_server.jobs.store import OperationQuery

BATCH_FIT = frozenset({"batch-fit"})


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", OperationQuery()),
        ("  ", OperationQuery()),
        ("done = true", OperationQuery(done=True)),
        ("done=false", OperationQuery(done=False)),
        ("done != true", OperationQuery(done=False)),
        ("NOT done = true", OperationQuery(done=False)),
        ("NOT done != true", OperationQuery(done=True)),
        ('done = "true"', OperationQuery(done=True)),
        ("done = true AND done = false", OperationQuery(done=True, kinds=frozenset())),
        ("metadata.@type = facewright.v1.BatchFitMetadata", OperationQuery(kinds=BATCH_FIT)),
        (
            'metadata.@type = "type.googleapis.com/facewright.v1.BatchFitMetadata"',
            OperationQuery(kinds=BATCH_FIT),
        ),
        ("metadata.@type = facewright.v1.Unknown", OperationQuery(kinds=frozenset())),
        ("metadata.@type != facewright.v1.BatchFitMetadata", OperationQuery(without_kinds=BATCH_FIT)),
        ("name = operations/abc", OperationQuery(name_pattern="operations/abc")),
        (
            'name = "operations/ab*" AND done = true',
            OperationQuery(name_pattern="operations/ab*", done=True),
        ),
    ],
)
def test_a_filter_is_read(text: str, query: OperationQuery) -> None:
    assert read_filter(text, JOB_KINDS.values()) == query


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("done", "cannot be read at 'done'"),
        ("done =", "cannot be read"),
        ("done = maybe", "'maybe'; expected true or false"),
        ("done = true OR done = false", "cannot be read at 'OR'"),
        ("done = true done = false", "cannot be read at 'done'"),
        ("done = true AND", "cannot be read"),
        ("AND done = true", "cannot be read"),
        ("(done = true)", "not understood"),
        ("done = true)", "not understood"),
        ('name = "operations', "not understood"),
        ("age = 3", "compares 'age'"),
        ("create_time > 3", "cannot be read"),
        ("name = a*b", "one \\* at the end"),
        ("name != operations/a", "with ="),
        ("name = a AND name = b", "once"),
        ("x" * (MAX_FILTER_CHARS + 1), "at most"),
    ],
)
def test_what_is_not_understood_is_refused_and_named(text: str, complaint: str) -> None:
    with pytest.raises(InvalidRequestError, match=complaint) as caught:
        read_filter(text, JOB_KINDS.values())
    assert caught.value.field == "filter"
