"""What a person says about quantization: one scheme and policy for all layers, rules for some, ranges for a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from converters.compress.quantize.encodings import Scheme
from converters.compress.quantize.policies import Policy


@dataclass(frozen=True)
class QuantizeSettings:
    """How a model is to be quantized.

    Attributes:
        scheme: of every layer that no rule speaks of.
        policy: how ranges are chosen.
        percentile: of the values that a range covers under the policy of that name.
        symmetric: whether the ranges of 8-bit activations are symmetric; those of 16 bits always are.
        layers: rules: a pattern (as of file names: * and ?) of layer names or operator kinds, and the scheme of what it
            matches; later rules win.
        ranges: set by hand: (low, high) by tensor name.
        families_defaults: whether layers that the model's family is known to need stay more precise.
        weight_block: 4-bit weights that share a scale, 0 for a whole channel.
    """

    scheme: Scheme = Scheme.W8A8
    policy: Policy = Policy.MIN_MAX
    percentile: float = 99.99
    symmetric: bool = False
    layers: Mapping[str, Scheme] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    families_defaults: bool = True
    weight_block: int = 32
