"""What an evaluation says while it runs."""

import pytest

from facewright_models.evaluation.progress import counted


def test_every_case_is_given_and_told_of_when_it_is_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    told_before = [(case, len(caplog.records)) for case in counted(["a", "b"], "photo")]
    assert told_before == [("a", 0), ("b", 1)]
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "photo 1 of 2",
        "photo 2 of 2",
    ]
