"""The domain of Facewright, transport-free: rigs, looks, networks, landmarks and fitting.

Import from the subpackages (`facewright_models.fitting`, `facewright_models.rig`, ...): this file stays
empty, so that reading a rig does not load torch models. Nothing in this package knows about gRPC.
"""

__all__: list[str] = []
