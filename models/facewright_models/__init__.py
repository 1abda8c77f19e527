"""The domain of Facewright, transport-free: rigs, looks, networks, landmarks and fitting.

Import from the subpackages (`facewright_models.fitting`, `facewright_models.rig`, ...): this file loads nothing,
so that reading a rig does not load torch models. Nothing in this package knows about gRPC.
"""

import os

__all__: list[str] = []

# The same photo is to give the same character. With more than one thread, MKL's matrix products differ in the last
# digit from call to call, by where in memory their operands lie, unless it is told before its first use not to.
os.environ.setdefault("MKL_CBWR", "AUTO")
