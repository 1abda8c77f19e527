"""The kinds of jobs this server knows."""

from collections.abc import Mapping
from types import MappingProxyType

from facewright_server.jobs.batch_fit import BatchFitKind
from facewright_server.jobs.expression_video import ExpressionVideoKind
from facewright_server.jobs.kinds import JobKind

__all__ = ["JOB_KINDS"]


def _by_name(*kinds: JobKind) -> Mapping[str, JobKind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


JOB_KINDS = _by_name(BatchFitKind(), ExpressionVideoKind())
