"""What a person says about quantization: one scheme and policy for all layers, rules for some, ranges for a few.

As options they are plain values, so that forms, command lines and recipes come from one description.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from converters.compress.quantize.encodings import Scheme
from converters.compress.quantize.policies import Policy
from converters.errors import UsageError, did_you_mean
from converters.parameters import Parameter, Value

FIRST, LAST = "first", "last"
"""Patterns of rules for the layers next to the pictures that go in and to the outputs."""
_OWNER = "Quantization"
_ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "scheme",
        Scheme.W8A8.value,
        "How layers compute: w8a8 (int8 weights and activations), w8a16, dynamic (activations by the range they happen "
        "to have), w8 or w4 (integer weights only), float.",
        choices=tuple(scheme.value for scheme in Scheme),
    ),
    Parameter(
        "policy",
        Policy.MSE.value,
        "How the range of an activation is chosen from what the calibration samples showed: min-max (all of it), "
        "moving-average, percentile, mse (least squared error), entropy (least information lost).",
        choices=tuple(policy.value for policy in Policy),
    ),
    Parameter(
        "percentile",
        99.99,
        "Part of all values that a range covers under the policy percentile.",
        minimum=50.0,
        maximum=100.0,
        unit="%",
    ),
    Parameter(
        "symmetric",
        False,
        "Ranges of 8-bit activations reach as far below zero as above it; coarser, but simpler for some chips.",
    ),
    Parameter(
        "layers",
        "",
        "Rules for some layers: pattern=scheme, separated by commas, later ones win; a pattern (with * and ?) is of "
        "layer names or operators, or the word first or last: 'Conv=w8a8,/decoder*=w8,last=float'. The exact name of a "
        "layer comes before all other meanings; in names write %2C for a comma, %3D for =, %20 for a space, %25 for %.",
    ),
    Parameter(
        "ranges", "", "Ranges set by hand: tensor=low:high, separated by commas; names are written as in layers."
    ),
    Parameter(
        "families_defaults",
        True,
        "Keep the layers more precise that models of this family are known to need; rules for layers win over it.",
    ),
    Parameter(
        "weight_block",
        32,
        "4-bit weights that share a scale, where the target can; 0 for all weights of an output channel.",
        minimum=0,
        maximum=1024,
    ),
)


@dataclass(frozen=True)
class QuantizeSettings:
    """How a model is to be quantized.

    Attributes:
        scheme: of every layer that no rule speaks of.
        policy: how ranges are chosen.
        percentile: of the values that a range covers under the policy of that name.
        symmetric: whether the ranges of 8-bit activations are symmetric; those of 16 bits always are.
        layers: rules: the name of a layer, or else a pattern (as of file names: * and ?) of layer names or operators,
            or FIRST or LAST, and the scheme of what it matches; later rules win.
        ranges: set by hand: (low, high) by tensor name.
        families_defaults: whether layers that the model's family is known to need stay more precise.
        weight_block: 4-bit weights that share a scale, 0 for a whole channel.
    """

    scheme: Scheme = Scheme.W8A8
    policy: Policy = Policy.MSE
    percentile: float = 99.99
    symmetric: bool = False
    layers: Mapping[str, Scheme] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    families_defaults: bool = True
    weight_block: int = 32


def settings_from(options: Mapping[str, Value]) -> QuantizeSettings:
    """Return the settings that options stand for; those that are not given have their defaults, others are ignored.

    Args:
        options: by the names of `PARAMETERS`, of the right types.

    Raises:
        UsageError: a value out of bounds, or text that is no rule or no range.
    """
    values = {
        item.name: item.check(options[item.name], _OWNER) if item.name in options else item.default
        for item in PARAMETERS
    }
    return QuantizeSettings(
        scheme=Scheme(str(values["scheme"])),
        policy=Policy(str(values["policy"])),
        percentile=float(values["percentile"]),
        symmetric=bool(values["symmetric"]),
        layers=parse_layers(str(values["layers"])),
        ranges=parse_ranges(str(values["ranges"])),
        families_defaults=bool(values["families_defaults"]),
        weight_block=int(values["weight_block"]),
    )


def options_of(settings: QuantizeSettings) -> dict[str, Value]:
    """Return the options that `settings_from` makes these settings of."""
    return {
        "scheme": settings.scheme.value,
        "policy": settings.policy.value,
        "percentile": settings.percentile,
        "symmetric": settings.symmetric,
        "layers": rules_text(settings.layers),
        "ranges": ",".join(f"{_escaped(name)}={low!r}:{high!r}" for name, (low, high) in settings.ranges.items()),
        "families_defaults": settings.families_defaults,
        "weight_block": settings.weight_block,
    }


def rules_text(rules: Mapping[str, Scheme]) -> str:
    """Return rules as `parse_layers` reads them, whatever characters their patterns have."""
    return ",".join(f"{_escaped(pattern)}={scheme.value}" for pattern, scheme in rules.items())


def parse_layers(text: str) -> dict[str, Scheme]:
    """Return the rules of "pattern=scheme,…" in their order.

    Raises:
        UsageError: it is written otherwise, or names no scheme.
    """
    rules: dict[str, Scheme] = {}
    for pattern, word in _pairs(text, "layers", "pattern=scheme"):
        schemes = [scheme.value for scheme in Scheme]
        if word not in schemes:
            raise UsageError(f"{_OWNER}: {word!r} is no scheme for {pattern}.", "", did_you_mean(word, schemes))
        rules.pop(pattern, None)  # a pattern that is given again counts where it stands last
        rules[pattern] = Scheme(word)
    return rules


def parse_ranges(text: str) -> dict[str, tuple[float, float]]:
    """Return the ranges of "tensor=low:high,…".

    Raises:
        UsageError: it is written otherwise, or low is not below high.
    """
    ranges = {}
    for tensor, word in _pairs(text, "ranges", "tensor=low:high"):
        low, _, high = word.partition(":")
        try:
            ends = float(low), float(high)
        except ValueError:
            raise UsageError(
                f"{_OWNER}: {word!r} is no range for {tensor}.", "", "Write -1.5:2, for example."
            ) from None
        check_range(tensor, ends)
        ranges[tensor] = ends
    return ranges


def check_range(tensor: str, ends: tuple[float, float]) -> None:
    """Check a range set by hand.

    Raises:
        UsageError: low is not below high, or one of them is no number.
    """
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(
            f"{_OWNER}: the range {low:g}:{high:g} for {tensor} holds nothing.", "", "Write the lower end first."
        )


def _pairs(text: str, option: str, form: str) -> list[tuple[str, str]]:
    pairs = []
    for item in text.split(","):
        if not item.strip():
            continue
        name, _, word = item.rpartition("=")
        if not name.strip() or not word.strip():
            raise UsageError(f"{_OWNER}: {item.strip()!r} in {option} is not of the form {form}.")
        pairs.append((_ESCAPES.sub(_plain, name.strip()), word.strip()))
    return pairs


def _has_meaning(character: str) -> bool:
    return character in "%,=" or character.isspace()


def _escaped(name: str) -> str:
    return "".join(quote(each, safe="") if _has_meaning(each) else each for each in name)


def _plain(escapes: re.Match[str]) -> str:
    """Return what escapes stand for; those that `_escaped` does not write are part of the name, as in %12."""
    characters = unquote(escapes[0])
    return characters if all(map(_has_meaning, characters)) else escapes[0]
