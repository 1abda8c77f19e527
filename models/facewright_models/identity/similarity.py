"""How alike two embeddings are."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["cosine_similarity", "embedding_distance"]


def cosine_similarity(first: Float[Tensor, "*B D"], second: Float[Tensor, "*B D"]) -> Float[Tensor, "*B"]:
    """Cosine of the angle between embeddings, in [-1, 1]; 1 is the same direction."""
    return F.cosine_similarity(first, second, dim=-1, eps=1e-8)


def embedding_distance(first: Float[Tensor, "*B D"], second: Float[Tensor, "*B D"]) -> Float[Tensor, "*B"]:
    """Euclidean distance; dlib's authors call two photos one person below 0.6."""
    return (first - second).square().sum(-1).clamp_min(1e-12).sqrt()
