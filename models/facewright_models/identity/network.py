"""dlib's face recognition network as a torch module, so that gradients reach the image.

Source: the network published as `dlib_face_recognition_resnet_model_v1` (public domain, CC0): a residual network
of 29 convolutions; a step that changes size averages its short cut and pads it with zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from facewright_models.identity.dlib_file import Affine, Convolution, DlibLayers, read_layers

__all__ = ["CHIP_SIZE_PX", "EMBEDDING_SIZE", "IdentityFeatures", "IdentityNetwork", "ResidualBlock"]

CHIP_SIZE_PX = 150
EMBEDDING_SIZE = 128


@dataclass(frozen=True, kw_only=True)
class IdentityFeatures:
    """The embedding (B, 128) and the activations after each of the 14 residual blocks, shallow to deep."""

    embedding: Tensor
    blocks: tuple[Tensor, ...]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a short cut; a block that changes size averages 2x2 and zero-pads the short cut.

    `padded=False` is dlib's arithmetic: a strided convolution has no border, so the two paths differ by a row.
    `padded=True` halves every size exactly, which keeps maps of all depths on one pixel grid.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, padded: bool = False) -> None:
        super().__init__()
        self.stride = stride
        border = 1 if stride == 1 or padded else 0
        self.first = nn.Conv2d(in_channels, out_channels, 3, stride, border)
        self.second = nn.Conv2d(out_channels, out_channels, 3, 1, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """The block's activations, at half the size if its stride is 2."""
        y = self.second(F.relu(self.first(x)))
        if self.stride == 1:
            return F.relu(y + x)
        shortcut = F.avg_pool2d(x, 2, 2)
        size = [max(a, b) for a, b in zip(y.shape[1:], shortcut.shape[1:], strict=True)]
        return F.relu(_grow(y, size) + _grow(shortcut, size))


class IdentityNetwork(nn.Module):
    """What makes a face that person's face: 128 numbers whose distance is small for one person.

    Two photos of one person lie closer than about 0.6 (Euclidean). Kept in float32.
    """

    mean_rgb: Tensor

    def __init__(
        self, *, mean_rgb: Sequence[float], blocks: Sequence[ResidualBlock], stem: nn.Conv2d
    ) -> None:
        super().__init__()
        self.register_buffer("mean_rgb", torch.tensor(list(mean_rgb)).view(1, 3, 1, 1))
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(blocks[-1].second.out_channels, EMBEDDING_SIZE, bias=False)

    @classmethod
    def from_dlib(cls, path: Path | None = None) -> "IdentityNetwork":
        """The trained network, frozen, in evaluation mode. Raises WeightsError if the file is unusable."""
        layers = read_layers(path)
        network = cls(mean_rgb=layers.mean_rgb, stem=_stem(layers), blocks=_blocks(layers, padded=False))
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(layers.dense.weight.T.copy()))
        return network.eval().requires_grad_(False)

    def embed(self, chips: Float[Tensor, "B 3 150 150"]) -> Float[Tensor, "B 128"]:
        """Embeddings of aligned sRGB chips in [0, 1]; differentiable with respect to the chips."""
        return self.features(chips).embedding

    def features(self, chips: Float[Tensor, "B 3 150 150"]) -> IdentityFeatures:
        """Embedding and activations of every depth of aligned sRGB chips in [0, 1]."""
        x = (chips * 255.0 - self.mean_rgb) / 256.0
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2)  # (B, 32, 35, 35)
        maps: list[Tensor] = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return IdentityFeatures(embedding=self.head(x.mean(dim=(2, 3))), blocks=tuple(maps))

    def forward(self, chips: Float[Tensor, "B 3 150 150"]) -> Float[Tensor, "B 128"]:
        """The same as `embed`."""
        return self.embed(chips)


def _stem(layers: DlibLayers) -> nn.Conv2d:
    source = layers.convolutions[0]
    stem = nn.Conv2d(
        source.weight.shape[1], source.weight.shape[0], source.weight.shape[2], source.stride, source.padding
    )
    _fold(stem, source, layers.affines[0])
    return stem


def _blocks(layers: DlibLayers, *, padded: bool) -> list[ResidualBlock]:
    blocks = []
    for i in range(1, len(layers.convolutions), 2):
        first, second = layers.convolutions[i], layers.convolutions[i + 1]
        block = ResidualBlock(
            first.weight.shape[1], first.weight.shape[0], stride=first.stride, padded=padded
        )
        _fold(block.first, first, layers.affines[i])
        _fold(block.second, second, layers.affines[i + 1])
        blocks.append(block)
    return blocks


def _fold(target: nn.Conv2d, convolution: Convolution, affine: Affine) -> None:
    """A convolution that includes the affine layer after it: one multiplication less per pixel."""
    gain = torch.from_numpy(affine.gain.copy())
    with torch.no_grad():
        target.weight.copy_(torch.from_numpy(convolution.weight.copy()) * gain.view(-1, 1, 1, 1))
        bias = torch.from_numpy(convolution.bias.copy()) * gain + torch.from_numpy(affine.offset.copy())
        if target.bias is not None:
            target.bias.copy_(bias)


def _grow(x: Tensor, size: Sequence[int]) -> Tensor:
    channels, rows, columns = (want - have for want, have in zip(size, x.shape[1:], strict=True))
    return F.pad(x, (0, columns, 0, rows, 0, channels)) if channels or rows or columns else x
