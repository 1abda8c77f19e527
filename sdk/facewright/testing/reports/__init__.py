"""Reports of a run: JSON for programs, JUnit XML for CI servers, HTML for people."""

from facewright.testing.reports.files import REPORT_NAME, read_report, remove_earlier_run, write_reports

__all__ = ["REPORT_NAME", "read_report", "remove_earlier_run", "write_reports"]
