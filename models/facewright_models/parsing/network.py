"""The face parser f: a photo or a render at 256x256 in, a class for every pixel and features of several depths out.

The encoder starts from the identity network, which has seen millions of real faces; its border-free strided
convolutions are padded here so that maps of every depth lie on one pixel grid. A decoder joins them, shallow to
deep, and ends with a thin full-resolution branch, without which brows, lids and lips lose their edges.
Source: patent text [0072]-[0076].
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from facewright_models.identity.network import IdentityNetwork, ResidualBlock
from facewright_models.parsing.classes import CLASS_COUNT

__all__ = ["INPUT_SIZE_PX", "WEIGHTS_NAME", "ParsingNetwork", "ParsingOutput"]

INPUT_SIZE_PX = 256
WEIGHTS_NAME = "parsing"

_ENCODER_CHANNELS = (32, 64, 128, 256)
# The identity network has one block more, at 256 channels, that only serves the embedding.
_ENCODER_BLOCKS = (3, 4, 3, 3)
_MEAN_RGB = (122.782, 117.001, 104.298)


@dataclass(frozen=True, kw_only=True)
class ParsingOutput:
    """Logits (B, 11, 256, 256) and features, shallow to deep.

    features: (B, 32, 64, 64), (B, 64, 32, 32), (B, 128, 16, 16), (B, 256, 8, 8); all are >= 0.
    """

    logits: Tensor
    features: tuple[Tensor, ...]

    @property
    def probabilities(self) -> Tensor:
        """Class probabilities (B, 11, 256, 256); they sum to one at every pixel."""
        return self.logits.softmax(1)


class ParsingNetwork(nn.Module):
    """Classes of the eleven-class set for aligned faces, sRGB in [0, 1].

    `width` scales the decoder. `normalised` says whether the decoder has batch normalisation, which training needs;
    `fused` returns the same function without it.
    """

    mean_rgb: Tensor

    def __init__(self, *, width: int = 32, normalised: bool = False) -> None:
        super().__init__()
        self._width = width
        self.register_buffer("mean_rgb", torch.tensor(_MEAN_RGB).view(1, 3, 1, 1), persistent=False)
        self.stem = nn.Conv2d(3, 32, 7, 2, 3)
        self.stages = nn.ModuleList()
        previous = 32
        for channels, count in zip(_ENCODER_CHANNELS, _ENCODER_BLOCKS, strict=True):
            blocks = [
                ResidualBlock(
                    previous if index == 0 else channels,
                    channels,
                    stride=2 if index == 0 and channels != 32 else 1,
                    padded=True,
                )
                for index in range(count)
            ]
            self.stages.append(nn.Sequential(*blocks))
            previous = channels
        self.deep = _block(256, 3 * width, normalised)
        self.join16 = _block(3 * width + 128, 3 * width, normalised)
        self.join32 = _block(3 * width + 64, 2 * width, normalised)
        self.join64 = _block(2 * width + 32, 2 * width, normalised)
        self.narrow128 = nn.Conv2d(2 * width, width, 1)
        self.join128 = _block(width + 32, width, normalised)
        self.narrow256 = nn.Conv2d(width, width // 2, 1)
        self.fine = nn.Conv2d(3, width // 4, 3, padding=1)
        self.join256 = _block(width // 2 + width // 4, width // 2, normalised)
        self.classify = nn.Conv2d(width // 2, CLASS_COUNT, 1)

    @classmethod
    def from_identity(cls, identity: IdentityNetwork, *, width: int = 32) -> "ParsingNetwork":
        """A parser whose encoder is a copy of the identity network's; its decoder is untrained."""
        network = cls(width=width, normalised=True)
        network.stem.load_state_dict(identity.stem.state_dict())
        network.stem.padding = (3, 3)
        targets = [block for stage in network.stages for block in cast("nn.Sequential", stage)]
        for target, source in zip(targets, identity.blocks, strict=False):
            target.load_state_dict(source.state_dict())
        return network

    def forward(self, x: Float[Tensor, "B 3 S S"]) -> ParsingOutput:
        """Logits and features of images in [0, 1]; photos and renders go through the same arithmetic.

        S is 256 for the sizes of `ParsingOutput`; any multiple of 32 will do for features alone.
        """
        x = (x * 255.0 - self.mean_rgb) / 256.0
        stem = F.relu(self.stem(x))  # (B, 32, 128, 128)
        y = F.max_pool2d(stem, 3, 2, 1)
        features: list[Tensor] = []
        for stage in self.stages:
            y = stage(y)
            features.append(y)
        y = self.deep(features[3])
        y = self.join16(_up_and_join(y, features[2]))
        y = self.join32(_up_and_join(y, features[1]))
        y = self.join64(_up_and_join(y, features[0]))
        y = self.join128(_up_and_join(self.narrow128(y), stem))
        y = self.join256(_up_and_join(self.narrow256(y), F.relu(self.fine(x))))
        return ParsingOutput(logits=self.classify(y), features=tuple(features))

    def fused(self) -> "ParsingNetwork":
        """A copy for use after training: batch normalisation folded into the convolutions, frozen."""
        result = ParsingNetwork(width=self._width).to(self.mean_rgb.device)
        result.load_state_dict(self.state_dict(), strict=False)
        for name, block in self.named_children():
            if isinstance(block, nn.Sequential) and isinstance(block[1], nn.BatchNorm2d):
                convolution, norm = deepcopy(block[0]).eval(), deepcopy(block[1]).eval()
                folded = fuse_conv_bn_eval(cast("nn.Conv2d", convolution), norm)
                getattr(result, name)[0].load_state_dict(folded.state_dict())
        return result.eval().requires_grad_(False)

    def encoder_parameters(self) -> list[nn.Parameter]:
        """Weights that start from the identity network; they want a smaller learning rate."""
        return [*self.stem.parameters(), *self.stages.parameters()]

    def decoder_parameters(self) -> list[nn.Parameter]:
        """Weights that start from nothing."""
        encoder = {id(parameter) for parameter in self.encoder_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in encoder]


def _block(in_channels: int, out_channels: int, normalised: bool) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not normalised)
    norm: nn.Module = nn.BatchNorm2d(out_channels) if normalised else nn.Identity()
    return nn.Sequential(convolution, norm, nn.ReLU())


def _up_and_join(deep: Tensor, shallow: Tensor) -> Tensor:
    upsampled = F.interpolate(deep, size=shallow.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([upsampled, shallow], 1)
