"""What quantization did to a model, as plain data for report.json, `compare` and the window, and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from converters.compress.quantize.encodings import Encoding
from converters.compress.quantize.switching import INTEGER, LayerCost, layer_costs
from converters.model.graph import Model

if TYPE_CHECKING:
    from converters.compress.quantize.observe import Observations

_LONGEST_TABLE = 60


def layers_data(
    model: Model, observations: Observations | None, costs: Mapping[str, LayerCost] | None = None
) -> list[dict[str, Any]]:
    """Return every layer with its scheme, ranges, bytes of weights and share of the work.

    Args:
        model: with Encodings.
        observations: None where nothing was calibrated.
        costs: what `layer_costs` tells of the model's graph, where that is known already.
    """
    assert model.encodings is not None
    found = []
    for name, item in (layer_costs(model.proto) if costs is None else costs).items():
        encoding = model.encodings.layers.get(name)
        scheme = model.encodings.scheme(name)
        weight = encoding.weight if encoding else None
        ends = {
            end: _range(tensor, made, observations)
            for end, tensor, made in (
                ("input", item.layer.input, encoding.input if encoding else None),
                ("output", item.layer.output, encoding.output if encoding else None),
            )
        }
        found.append(
            {
                "name": name,
                "operator": item.layer.operator,
                "scheme": scheme,
                "weights": item.weights,
                "bytes": item.bytes(scheme, weight.block if weight else 0),
                "macs_share": item.share,
                **ends,
            }
        )
    return found


def _range(tensor: str, encoding: Encoding | None, observations: Observations | None) -> dict[str, Any] | None:
    if encoding is None:
        return None
    seen = observations.tensors.get(tensor) if observations is not None else None
    observed = [seen.low, seen.high] if seen is not None else None
    return {"tensor": tensor, **asdict(encoding), "observed": observed}


def integer_share(layers: list[dict[str, Any]]) -> float:
    """Return the share of the multiply-accumulates that integer kernels do."""
    return float(sum(layer["macs_share"] for layer in layers if layer["scheme"] in INTEGER))


def as_text(data: Mapping[str, Any]) -> str:
    """Return what a terminal shows of a quantization's data."""
    layers = data["layers"]
    schemes = Counter(layer["scheme"] for layer in layers)
    kinds = ", ".join(f"{count} {scheme}" for scheme, count in sorted(schemes.items()))
    lines = [
        f"{len(layers)} layers: {kinds}; integer kernels do {integer_share(layers):.0%} of the multiply-accumulates.",
        f"Ranges from {data['origin']}.",
    ]
    if data["loss"]:
        lines.append(data["loss"]["sentence"])
    if data["coverage"]:
        lines += ["", *data["coverage"]["sentences"]]
    if data["mixed"]:
        lines += ["", data["mixed"]["sentence"]]
    if data["blame"]:
        lines += ["", data["blame"]["text"]]
    else:
        lines += ["", *_table(layers)]
    lines += ["", *data["notes"]] if data["notes"] else []
    return "\n".join(lines)


def _table(layers: list[dict[str, Any]]) -> list[str]:
    shown = layers[:_LONGEST_TABLE]
    width = max(len(layer["name"]) for layer in shown)
    lines = [f"{'layer':<{width}}  scheme   work   range of what it reads     range of what it writes"]
    for layer in shown:
        ends = "  ".join(f"{_in_words(layer[end]):<25}" for end in ("input", "output"))
        lines.append(f"{layer['name']:<{width}}  {layer['scheme']:<7} {layer['macs_share']:>5.1%}  {ends}".rstrip())
    if len(layers) > len(shown):
        lines.append(f"and {len(layers) - len(shown)} more")
    return lines


def _in_words(end: Mapping[str, Any] | None) -> str:
    return f"{end['low']:.4g} .. {end['high']:.4g}" if end else "-"
