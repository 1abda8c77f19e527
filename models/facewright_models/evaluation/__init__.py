"""Measures models on real people that no training has seen, beside baselines, with intervals."""

from facewright_models.evaluation.table import Interval, Report, Row, bootstrap_interval

__all__ = ["Interval", "Report", "Row", "bootstrap_interval"]
