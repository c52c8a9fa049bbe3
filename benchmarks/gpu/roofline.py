"""What no GPU can exceed: images a second by arithmetic and by memory, computed.

    python -m benchmarks.gpu.roofline --size 480x640

For each network the multiplications and additions of a photo, the bytes that its layers
with weights read and write at least (activations once each, in half precision, with
everything between them fused), and from these and the data sheets of GPUs the larger of
the two times. A bound, not a rate: `make bench-gpu` measures rates.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from benchmarks.gpu.networks import MEASURED, NETWORKS
from fcn_core import libraries
from fcn_core.geometry import Size
from fcn_core.models.spec import ModelSpec

_HALF_BYTES: Final = 2


class Sheet(NamedTuple):
    """What a data sheet says of a GPU: without sparsity, with Tensor Cores.

    Attributes:
        teraflops: In half precision, 10^12 operations a second.
        gigabytes: Of its memory, 10^9 bytes a second.
    """

    teraflops: float
    gigabytes: float


SHEETS: Final = {
    "T4": Sheet(65, 320),
    "L4": Sheet(121, 300),
    "V100": Sheet(125, 900),
    "A100-40GB": Sheet(312, 1555),
    "H100-SXM": Sheet(989, 3350),
}


class Work(NamedTuple):
    """What a photo takes.

    Attributes:
        gigaflops: 10^9 multiplications and additions.
        megabytes: 10^6 bytes of activations, read and written.
    """

    gigaflops: float
    megabytes: float

    def bound(self, sheet: Sheet) -> float:
        """Returns images a second that a GPU cannot exceed."""
        arithmetic = self.gigaflops / (1e3 * sheet.teraflops)
        return 1 / max(arithmetic, self.megabytes / (1e3 * sheet.gigabytes))


def work(spec: ModelSpec, size: Size) -> Work:
    """Returns what a photo takes in a network.

    Args:
        spec: The network.
        size: Of the photo, pixels.
    """
    libraries.keep_keras_from_home()
    import keras
    from keras.src.backend import compute_output_spec

    from fcn_core.models.build import build

    keras.utils.clear_session()
    network = build(spec)
    uses = list[Use]()
    for layer in _weighted(network):
        layer.call = _recorded(layer, uses)
    # Traces the network for this shape and computes nothing.
    photo = keras.KerasTensor((1, *size, 3))
    compute_output_spec(network, photo)
    return Work(
        gigaflops=sum(_operations(use) for use in uses) / 1e9,
        megabytes=_HALF_BYTES
        * sum(math.prod(use.taken) + math.prod(use.given) for use in uses)
        / 1e6,
    )


class Use(NamedTuple):
    """A layer with a kernel as one photo passes it.

    Attributes:
        name: Of its class.
        kernel: Shape.
        taken: Shape of its input.
        given: Shape of its output.
    """

    name: str
    kernel: tuple[int, ...]
    taken: tuple[int, ...]
    given: tuple[int, ...]


def _weighted(network: Any) -> Iterator[Any]:
    """Yields the layers with kernels, those of nested networks too."""
    for layer in network.layers:
        if hasattr(layer, "layers"):
            yield from _weighted(layer)
        elif hasattr(layer, "kernel"):
            yield layer


def _recorded(layer: Any, uses: list[Use]) -> Callable[..., Any]:
    """Returns what a layer computes, noting the shapes."""
    compute, name = layer.call, type(layer).__name__

    def call(taken: Any, *rest: Any, **named: Any) -> Any:
        given = compute(taken, *rest, **named)
        shapes = (tuple(each.shape) for each in (layer.kernel, taken, given))
        uses.append(Use(name, *shapes))
        return given

    return call


def _operations(use: Use) -> int:
    """Returns how often a layer multiplies and adds: twice for each use of a weight."""
    # A transposed convolution uses its kernel once for each cell of its input.
    cells = use.taken if use.name == "Conv2DTranspose" else use.given
    return 2 * math.prod(cells[:-1]) * math.prod(use.kernel)


def main() -> None:
    """Prints the table of a size as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", default="480x640")
    parser.add_argument("--networks", nargs="+", choices=MEASURED, default=MEASURED)
    asked = parser.parse_args()
    size = Size(*map(int, asked.size.split("x")))
    print(f"| network | GFLOP | MB | {' | '.join(SHEETS)} |")
    print(f"|---|{'---:|' * (2 + len(SHEETS))}")
    for name in asked.networks:
        found = work(NETWORKS[name], size)
        bounds = (f"{found.bound(sheet):,.0f}" for sheet in SHEETS.values())
        print(
            f"| `{name}` | {found.gigaflops:.1f} | {found.megabytes:.0f} | "
            f"{' | '.join(bounds)} |"
        )


if __name__ == "__main__":
    main()
