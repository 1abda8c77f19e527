"""Reads the layers of dlib's face recognition network from its `.dat` file, without dlib.

The stream, as dlib's `serialize` writes it, front to back:

- integer: one head byte (low nibble = number of bytes that follow, high bit = negative), then the magnitude,
  little-endian;
- float: two integers, mantissa and power of two;
- string: an integer length, then the bytes; boolean: the letter `0` or `1`;
- tensor: integer version 2, four integer sizes, then raw little-endian float32.

A network is the loss, the version numbers of the nested layers, the input layer, and then every layer from the
image to the embedding. Each layer is a name, its own details, three booleans and three tensors of training state.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facewright_models.errors import WeightsError
from facewright_models.landmarks import dlib_model_path

__all__ = ["Affine", "Convolution", "Dense", "DlibLayers", "read_layers"]

_FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """Weight (out, in, rows, columns), bias (out,), stride and zero padding in pixels."""

    weight: _Floats
    bias: _Floats
    stride: int
    padding: int


@dataclass(frozen=True, kw_only=True)
class Affine:
    """Per-channel gain and offset, each (channels,)."""

    gain: _Floats
    offset: _Floats


@dataclass(frozen=True, kw_only=True)
class Dense:
    """Weight (inputs, outputs); there is no bias."""

    weight: _Floats


@dataclass(frozen=True, kw_only=True)
class DlibLayers:
    """What the file holds: mean colour (0..255), and the layers that have weights, image to embedding."""

    mean_rgb: tuple[float, float, float]
    convolutions: tuple[Convolution, ...]
    affines: tuple[Affine, ...]
    dense: Dense


def read_layers(path: Path | None = None) -> DlibLayers:
    """The weights in `path` (the installed file by default).

    Raises WeightsError if the file is missing, cut short, or is another network than the 29-convolution one.
    """
    source = path or dlib_model_path(_FILE_NAME)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read {source}: {error.strerror}") from error
    layers = _Reader(content, source).network()
    counts = (len(layers.convolutions), len(layers.affines), layers.dense.weight.shape)
    if counts != (29, 29, (256, 128)):
        raise WeightsError(
            f"{source}: expected 29 convolutions, 29 affines and a (256, 128) dense, got {counts}"
        )
    for convolution, affine in zip(layers.convolutions, layers.affines, strict=True):
        if convolution.bias.shape != affine.gain.shape:
            raise WeightsError(
                f"{source}: {convolution.bias.shape} channels are followed by {affine.gain.shape}"
            )
    return layers


class _Reader:
    """A cursor over the stream; every method consumes what it returns."""

    def __init__(self, content: bytes, source: Path) -> None:
        self._content = content
        self._source = source
        self._at = 0

    def network(self) -> DlibLayers:
        self._integer()
        self._expect_name("loss_metric_2")
        self._floats(2)
        name_length = self._integer()
        while name_length < 8:  # version numbers of the nested layers, all 1 or 2
            name_length = self._integer()
        name = self._take(name_length).decode("ascii", "replace")
        if name != "input_rgb_image_sized":
            raise self._broken(f"an input layer named {name!r}")
        red, green, blue = self._floats(3)
        self._integers(2)  # rows and columns of the chip
        convolutions: list[Convolution] = []
        affines: list[Affine] = []
        while True:
            name = self._take(self._integer()).decode("ascii", "replace")
            match name:
                case "con_4":
                    convolutions.append(self._convolution())
                case "affine_":
                    affines.append(self._affine())
                case "max_pool_2" | "avg_pool_2":
                    self._integers(6)
                case "relu_" | "add_prev_":
                    pass
                case "fc_2":
                    dense = self._dense()
                case _:
                    raise self._broken(f"a layer named {name!r}")
            self._training_state()
            if len(convolutions) == 1 and not affines:
                self._integer()  # only the layer next to the image notes how many samples one image makes
            if name == "fc_2":
                break
        if self._at != len(self._content):
            raise self._broken("more bytes after the last layer")
        return DlibLayers(
            mean_rgb=(red, green, blue), convolutions=tuple(convolutions), affines=tuple(affines), dense=dense
        )

    def _convolution(self) -> Convolution:
        values = self._tensor().ravel()
        filters, rows, columns, stride, stride_x, padding, padding_x = self._integers(7)
        shape = self._alias()
        self._alias()
        self._floats(4)
        weight_count = math.prod(shape)
        if (
            shape[0] != filters
            or shape[2:] != (rows, columns)
            or values.size != weight_count + filters
            or (stride, padding) != (stride_x, padding_x)
        ):
            raise self._broken(
                f"a convolution of {filters} filters whose {values.size} weights do not fit {shape}"
            )
        return Convolution(
            weight=values[:weight_count].reshape(shape),
            bias=values[weight_count:],
            stride=stride,
            padding=padding,
        )

    def _affine(self) -> Affine:
        values = self._tensor().ravel()
        gain_shape, offset_shape = self._alias(), self._alias()
        self._integer()
        if math.prod(gain_shape) != math.prod(offset_shape) or values.size != 2 * math.prod(gain_shape):
            raise self._broken(f"an affine layer of {values.size} values for {gain_shape} channels")
        half = values.size // 2
        return Affine(gain=values[:half], offset=values[half:])

    def _dense(self) -> Dense:
        outputs, inputs = self._integers(2)
        values = self._tensor()
        self._alias()
        self._alias()
        self._integer()
        self._floats(4)
        if values.size != inputs * outputs:
            raise self._broken(f"a dense layer of {values.size} weights for {inputs} x {outputs}")
        return Dense(weight=values.reshape(inputs, outputs))

    def _training_state(self) -> None:
        flags = self._take(3)
        if not set(flags) <= set(b"01"):
            raise self._broken(f"flags {flags!r}")
        for _ in range(3):
            self._tensor()

    def _tensor(self) -> _Floats:
        version = self._integer()
        if version != 2:
            raise self._broken(f"a tensor of version {version}")
        shape = self._shape()
        data = self._take(4 * math.prod(shape))
        return np.frombuffer(data, "<f4").astype(np.float32).reshape(shape)

    def _alias(self) -> tuple[int, ...]:
        """Shape of a view into the tensor before it."""
        self._integer()
        return self._shape()

    def _shape(self) -> tuple[int, ...]:
        shape = self._integers(4)
        if any(size < 0 for size in shape):
            raise self._broken(f"a shape {shape}")
        return shape

    def _expect_name(self, name: str) -> None:
        got = self._take(self._integer())
        if got != name.encode():
            raise self._broken(f"{got!r} instead of {name!r}")

    def _floats(self, count: int) -> tuple[float, ...]:
        return tuple(math.ldexp(self._integer(), self._integer()) for _ in range(count))

    def _integers(self, count: int) -> tuple[int, ...]:
        return tuple(self._integer() for _ in range(count))

    def _integer(self) -> int:
        head = self._take(1)[0]
        size = head & 0x0F
        if size > 8 or head & 0x70:
            raise self._broken(f"an integer that starts with byte {head:#04x}")
        magnitude = int.from_bytes(self._take(size), "little")
        return -magnitude if head & 0x80 else magnitude

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._content):
            raise self._broken(f"{count} more bytes, which is past its end")
        data = self._content[self._at : self._at + count]
        self._at += count
        return data

    def _broken(self, what: str) -> WeightsError:
        return WeightsError(
            f"{self._source} is no usable copy of dlib's recognition network: at byte {self._at} it has {what}; "
            "reinstall face_recognition_models"
        )
