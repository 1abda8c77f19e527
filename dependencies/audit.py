"""``python dependencies/audit.py``: compare what is installed with the published vulnerabilities.

Exit code 1 for a vulnerability that accepted_vulnerabilities.toml does not name with a reason, for an entry of
that file that no longer applies, and for an audit that failed by itself. Where the service of vulnerabilities
cannot be asked it says so in capitals and exits with 0: a build machine without the internet still builds.
"""

# ruff: noqa: INP001 - a script, no package
import datetime as dt
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("accepted_vulnerabilities.toml")
_TIMEOUT_SECS = 240
# What pip-audit writes when it gets no answer.
_UNREACHABLE = (
    "ConnectionError", "ConnectTimeout", "ReadTimeout", "MaxRetryError", "NameResolutionError", "ProxyError",
    "SSLError", "ServiceError", "HTTPError", "Could not connect", "connection error", "Connection refused",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to print, and whether the check has failed."""

    lines: Sequence[str]
    failed: bool


def main() -> int:
    """Audit the environment this Python runs in."""
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))
    try:
        done = subprocess.run(
            [
                sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off",
                "--format", "json", "--timeout", "10",
            ],
            capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        verdict = not_audited(f"no answer within {_TIMEOUT_SECS} s")
    else:
        verdict = judge(done.stdout, done.stderr, accepted, today=dt.datetime.now(tz=dt.UTC).date())
    print("\n".join(verdict.lines), file=sys.stderr if verdict.failed else sys.stdout)
    return int(verdict.failed)


def judge(
    report: str, complaints: str, accepted: Mapping[str, Mapping[str, Any]], *, today: dt.date
) -> Verdict:
    """From what pip-audit wrote to its two streams, and the table of what is accepted."""
    try:
        dependencies = json.loads(report)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        if any(sign in complaints for sign in _UNREACHABLE):
            return not_audited((complaints.strip().splitlines() or ["no answer"])[-1])
        return Verdict(lines=[complaints.strip(), "audit: pip-audit itself failed"], failed=True)
    audited = [entry for entry in dependencies if "vulns" in entry]
    unknown = [entry for entry in dependencies if "vulns" not in entry]
    if not audited:
        return not_audited(f"it knows none of the {len(unknown)} packages")
    lines = [f"audit: {len(audited)} packages compared with the published vulnerabilities"]
    if unknown:
        lines.append("audit: NOT COMPARED: " + ", ".join(sorted(entry["name"] for entry in unknown)))
    found = {
        name: (entry, vulnerability)
        for entry in audited
        for vulnerability in entry["vulns"]
        for name in [_accepted_name(vulnerability, accepted) or vulnerability["id"]]
    }
    problems = [
        f"audit: {entry['name']} {entry['version']} has {name}; fixed in "
        f"{', '.join(vulnerability.get('fix_versions') or ['no version yet'])}"
        for name, (entry, vulnerability) in sorted(found.items())
        if not _is_accepted(accepted.get(name), entry["name"], today)
    ]
    problems += [
        f"audit: {name} is accepted in {ACCEPTED.name} and no longer found; remove it"
        for name in sorted(set(accepted) - set(found))
        if accepted[name].get("package") in {entry["name"] for entry in audited}
    ]
    return Verdict(lines=[*lines, *problems], failed=bool(problems))


def not_audited(why: str) -> Verdict:
    """Loud, and no failure."""
    bar = "!" * 100
    return Verdict(
        lines=[
            bar,
            "THE DEPENDENCIES WERE NOT AUDITED: the service of vulnerabilities gave no answer",
            f"({why})",
            "Run `make audit` on a machine that reaches the public package index before you release.",
            bar,
        ],
        failed=False,
    )


def _accepted_name(vulnerability: Mapping[str, Any], accepted: Mapping[str, object]) -> str | None:
    names = [vulnerability["id"], *vulnerability.get("aliases", ())]
    return next((name for name in names if name in accepted), None)


def _is_accepted(entry: Mapping[str, Any] | None, package: str, today: dt.date) -> bool:
    if entry is None:
        return False
    until = entry.get("until")
    is_complete = entry.get("package") == package and bool(entry.get("reason")) and isinstance(until, dt.date)
    return is_complete and today < until


if __name__ == "__main__":
    sys.exit(main())
