"""The networks this program can rebuild from a state dict alone. Importing it imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from converters.model.architectures.base import Architecture, Config, Sizes
from converters.model.architectures.gfpgan import Gfpgan
from converters.model.architectures.inswapper import Inswapper
from converters.model.architectures.iresnet import IResNetArcFace
from converters.model.architectures.mobilefacenet import MobileFaceNet
from converters.model.architectures.pfld import Pfld
from converters.model.architectures.retinaface import RetinaFaceMobileNet
from converters.model.architectures.simswap import SimSwap
from converters.model.architectures.ultraface import UltraFace

ARCHITECTURES: tuple[Architecture, ...] = (
    Inswapper(),
    SimSwap(),
    IResNetArcFace(),
    MobileFaceNet(),
    RetinaFaceMobileNet(),
    UltraFace(),
    Pfld(),
    Gfpgan(),
)


@dataclass(frozen=True)
class Recognised:
    """An architecture and the configuration that a state dict has."""

    architecture: Architecture
    config: Config


@dataclass(frozen=True)
class Nearest:
    """The known network most like an unknown state dict.

    Attributes:
        architecture: that network.
        likeness: shared keys with equal shapes, as a fraction of all keys of both, 0..1.
        missing: keys the file lacks (or has with another shape).
        unexpected: keys the network lacks.
    """

    architecture: Architecture
    likeness: float
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def recognise(sizes: Sizes) -> Recognised | None:
    """Return the network whose keys and shapes are exactly `sizes`, None when there is none."""
    for architecture in ARCHITECTURES:
        config = architecture.recognise(sizes)
        if config is not None:
            return Recognised(architecture, config)
    return None


def nearest(candidates: Iterable[Sizes]) -> Nearest | None:
    """Return the known network that shares most with one of the candidates; None when nothing is shared."""
    best: Nearest | None = None
    for sizes in candidates:
        for architecture in ARCHITECTURES:
            found = _compare(architecture, sizes)
            if found.likeness > (best.likeness if best else 0.0):
                best = found
    return best


def _compare(architecture: Architecture, sizes: Sizes) -> Nearest:
    expected = architecture.expected(architecture.nearest_config(sizes))
    given = {key: shape for key, shape in sizes.items() if not key.endswith(architecture.ignored)}
    shared = {key for key in given if expected.get(key) == given[key]}
    union = len(expected.keys() | given.keys())
    return Nearest(
        architecture,
        len(shared) / union if union else 0.0,
        tuple(key for key in expected if key not in shared),
        tuple(key for key in given if key not in expected),
    )
