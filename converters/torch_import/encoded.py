"""Write Encodings into the torch view of a Model, with operators of our own that a converter can translate.

The operators are exact: run in torch, a marked module computes what the reference graph computes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own spelling
from torch import fx, nn

from converters.compress.quantize.encodings import Encoding, Encodings, Scheme
from converters.compress.quantize.layers import find_layers, with_replaced
from converters.errors import UnsupportedError
from converters.model.graph import Model
from converters.torch_import.encoded_weights import StoredWeight, stored_bias, stored_weight
from converters.torch_import.importer import import_model

NAMESPACE = "facefusion_studio"
ROUNDED = f"{NAMESPACE}::rounded"
ENCODED_WEIGHT = f"{NAMESPACE}::encoded_weight"
_FUNCTIONS = {
    nn.Conv1d: F.conv1d,
    nn.Conv2d: F.conv2d,
    nn.Conv3d: F.conv3d,
    nn.ConvTranspose1d: F.conv_transpose1d,
    nn.ConvTranspose2d: F.conv_transpose2d,
    nn.ConvTranspose3d: F.conv_transpose3d,
}


def marked_module(model: Model, encodings: Encodings) -> fx.GraphModule:
    """Return the torch view of a quantized Model.

    Raises:
        UnsupportedError: a layer of the Encodings cannot be found in the torch view.
    """
    _operators()
    layers = {layer.name: layer for layer in find_layers(model.proto)}
    wanted = [layers[name] for name, own in encodings.layers.items() if own.scheme is not Scheme.FLOAT]
    module = import_model(with_replaced(model.proto, encodings) if encodings.replaced else model.proto)
    written = {node.meta["onnx_name"]: node for node in module.graph.nodes if "onnx_name" in node.meta}
    calls = {layer.name: _call(module, written.get(layer.result)) for layer in wanted}
    missing = [name for name, node in calls.items() if node is None]
    if missing:
        raise _not_found(missing)
    # What layers write is rounded first: a layer that reads it rounds what is left, as the reference does.
    for layer in wanted:
        output = encodings.layers[layer.name].output
        if output is not None:
            if layer.output not in written:
                raise _not_found([layer.name])
            _round_result(module.graph, written[layer.output], output)
    rounded: dict[tuple[fx.Node, Encoding], fx.Node] = {}
    layer_of = {calls[layer.name]: layer for layer in wanted}
    for node in list(module.graph.nodes):
        if node not in layer_of:
            continue
        layer = layer_of[node]
        encoding = encodings.layers[layer.name]
        if encoding.input is not None:
            _round_input(module.graph, node, encoding.input, rounded)
        stored = stored_weight(model, encodings, layer)
        bias = stored_bias(model, encodings, layer)
        _replace(module, node, _EncodedLayer(module.get_submodule(str(node.target)), stored, bias))
    module.recompile()
    return module


def _call(module: fx.GraphModule, node: fx.Node | None) -> fx.Node | None:
    """Return the call of the torch layer that an ONNX node became, given what computes the node's result."""
    result = node
    while node is not None and (node is result or "onnx_name" not in node.meta):
        if node.op == "call_module":
            kind = type(module.get_submodule(str(node.target)))
            if kind in _FUNCTIONS or kind is nn.Linear:
                return node
        node = node.args[0] if node.args and isinstance(node.args[0], fx.Node) else None
    return None


def _not_found(names: list[str]) -> UnsupportedError:
    return UnsupportedError(
        f"Core ML cannot quantize {', '.join(names)}: the torch view has no such layer.",
        "Its matrix product is written in a way that torch's layers do not cover.",
        "Leave it float.",
    )


def _rounding(graph: fx.Graph, source: fx.Node, encoding: Encoding) -> fx.Node:
    if encoding.bits != 8:
        raise ValueError(f"Core ML has no activations of {encoding.bits} bits")
    operator = torch.ops.facefusion_studio.rounded.default
    return graph.call_function(operator, (source, float(np.float32(encoding.scale)), encoding.zero_point))


def _round_result(graph: fx.Graph, node: fx.Node, encoding: Encoding) -> None:
    readers = list(node.users)
    with graph.inserting_after(node):
        result = _rounding(graph, node, encoding)
    for reader in readers:
        reader.replace_input_with(node, result)


def _round_input(
    graph: fx.Graph, node: fx.Node, encoding: Encoding, rounded: dict[tuple[fx.Node, Encoding], fx.Node]
) -> None:
    """Round what a layer reads; several readers share one pair of operators."""
    source = node.args[0]
    assert isinstance(source, fx.Node)
    if (source, encoding) not in rounded:
        with graph.inserting_before(node):
            rounded[source, encoding] = _rounding(graph, source, encoding)
    node.args = (rounded[source, encoding], *node.args[1:])


def _replace(module: fx.GraphModule, node: fx.Node, layer: nn.Module) -> None:
    """Put `layer` into the place of the one that `node` calls; the old one may have other callers."""
    target = f"encoded_{node.name}"
    module.add_submodule(target, layer)
    node.target = target


class _EncodedLayer(nn.Module):
    """A layer whose weights come from codes and scales when it runs."""

    def __init__(self, layer: nn.Module, stored: StoredWeight, bias: npt.NDArray[np.float32] | None) -> None:
        super().__init__()
        self.codes: torch.Tensor
        self.scale: torch.Tensor
        self.bias: torch.Tensor | None
        self.register_buffer("codes", torch.from_numpy(stored.codes))
        self.register_buffer("scale", torch.from_numpy(stored.scale))
        self.bits = stored.bits
        if tuple(stored.codes.shape) != tuple(getattr(layer, "weight").shape):  # noqa: B009 - Module's are typed loosely
            raise ValueError(f"{stored.layer}: codes of {stored.codes.shape} for weights of another shape")
        self.register_buffer("bias", None if bias is None else torch.from_numpy(bias))
        self._layer = [layer]  # in a list, so that its float weights are no part of the new module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        layer: Any = self._layer[0]
        weight = torch.ops.facefusion_studio.encoded_weight(self.codes, self.scale, self.bits)
        if isinstance(layer, nn.Linear):
            return F.linear(x, weight, self.bias)
        function: Any = _FUNCTIONS[type(layer)]
        options = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            options["output_padding"] = layer.output_padding
        result: torch.Tensor = function(x, weight, self.bias, groups=layer.groups, **options)
        return result


@cache
def _operators() -> Any:
    """Define our operators in torch, once; the library must stay alive."""
    library: Any = torch.library.Library(NAMESPACE, "DEF")  # type: ignore[no-untyped-call]
    library.define("rounded(Tensor x, float scale, int zero_point) -> Tensor")
    library.define("encoded_weight(Tensor codes, Tensor scale, int bits) -> Tensor")
    library.impl("rounded", _rounded, "CompositeExplicitAutograd")
    library.impl("encoded_weight", _encoded_weight, "CompositeExplicitAutograd")
    return library


def _rounded(x: torch.Tensor, scale: float, zero_point: int) -> torch.Tensor:
    unit = torch.tensor(scale, dtype=torch.float32)
    codes = (torch.round(x / unit) + zero_point).clamp(-128, 127)
    return (codes - zero_point) * unit


def _encoded_weight(codes: torch.Tensor, scale: torch.Tensor, bits: int) -> torch.Tensor:
    del bits
    for axis, (size, have) in enumerate(zip(codes.shape, scale.shape, strict=True)):
        if have not in (1, size):
            scale = scale.repeat_interleave(size // have, axis)
    return codes.to(torch.float32) * scale
