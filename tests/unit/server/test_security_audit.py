"""The audit of dependencies: what fails the check, what does not, and what is said."""

from __future__ import annotations

import datetime as dt
import json
import sys
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TODAY = dt.date(2026, 6, 1)
VULNERABLE = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}
HEALTHY = {"name": "numpy", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "anny", "skip_reason": "not found"}
ACCEPTED = {"package": "pillow", "reason": "not reached", "until": dt.date(2026, 7, 1)}


@pytest.fixture(scope="module")
def audit(repository: Path) -> ModuleType:
    spec = util.spec_from_file_location("audit", repository / "dependencies" / "audit.py")
    module = util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


def judge(audit: ModuleType, *entries: Any, accepted: Any = None) -> Any:
    return audit.judge(json.dumps({"dependencies": entries}), "", accepted or {}, today=TODAY)


def test_no_vulnerability_passes_and_says_what_was_not_compared(audit: ModuleType) -> None:
    verdict = judge(audit, HEALTHY, UNKNOWN)
    assert not verdict.failed
    assert "NOT COMPARED: anny" in verdict.lines[-1]


def test_a_vulnerability_fails_and_names_the_fix(audit: ModuleType) -> None:
    verdict = judge(audit, HEALTHY, VULNERABLE)
    assert verdict.failed
    assert "pillow 1.0 has PYSEC-1; fixed in 1.1" in verdict.lines[-1]


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_an_accepted_vulnerability_passes_under_any_of_its_names(audit: ModuleType, name: str) -> None:
    assert not judge(audit, VULNERABLE, accepted={name: ACCEPTED}).failed


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"package": "numpy"}, {"until": TODAY}, {"until": None}, {"until": "soon"}]
)
def test_an_entry_without_reason_or_in_the_past_or_for_another_package_does_not_count(
    audit: ModuleType, change: dict[str, Any]
) -> None:
    assert judge(audit, VULNERABLE, accepted={"CVE-1": {**ACCEPTED, **change}}).failed


def test_an_entry_that_no_longer_applies_has_to_go(audit: ModuleType) -> None:
    verdict = judge(audit, {**VULNERABLE, "vulns": []}, accepted={"CVE-1": ACCEPTED})
    assert verdict.failed
    assert "no longer found" in verdict.lines[-1]
    not_compared = judge(audit, HEALTHY, {"name": "pillow", "skip_reason": ""}, accepted={"CVE-1": ACCEPTED})
    assert not not_compared.failed


@pytest.mark.parametrize(
    ("report", "complaints"),
    [
        ("", "requests.exceptions.ConnectionError: no route"),
        ("", "pip_audit._service.interface.ServiceError"),
        (json.dumps({"dependencies": [UNKNOWN]}), ""),
    ],
)
def test_without_the_service_it_is_loud_and_does_not_fail(
    audit: ModuleType, report: str, complaints: str
) -> None:
    verdict = audit.judge(report, complaints, {}, today=TODAY)
    assert not verdict.failed
    assert any("THE DEPENDENCIES WERE NOT AUDITED" in line for line in verdict.lines)


def test_an_audit_that_breaks_by_itself_fails(audit: ModuleType) -> None:
    verdict = audit.judge("", "ModuleNotFoundError: No module named 'x'", {}, today=TODAY)
    assert verdict.failed
    assert "ModuleNotFoundError" in verdict.lines[0]


def test_the_list_of_what_is_accepted_is_valid(audit: ModuleType) -> None:
    import tomllib

    for entry in tomllib.loads(audit.ACCEPTED.read_text()).values():
        assert set(entry) == {"package", "reason", "until"}
