"""Seeded random Resize nodes in every mode, against ONNX Runtime."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from converters.torch_import.importer import import_model, summary
from converters.torch_import.ops.resize_weights import Axis
from tests.torch_import.small_graphs import run_onnx

COUNT = 600
TOLERANCE = 1e-4  # torch and ONNX Runtime compute coordinates in float32, in different orders


@dataclass(frozen=True)
class Drawn:
    """One random Resize of a (1, C, H, W) tensor."""

    opset: int
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    sizes: tuple[int, ...]
    attributes: dict[str, Any]

    @property
    def wanted(self) -> tuple[int, ...]:
        if self.sizes:
            return self.sizes
        return tuple(int(np.float32(a) * np.float32(b)) for a, b in zip(self.shape, self.scales, strict=True))

    def is_settled(self) -> bool:
        """Whether the specification and ONNX Runtime agree on what this node means.

        Left out: empty results; an inexact scale that keeps an axis's size (ONNX Runtime then copies), the crop
        region along an axis whose scale is one; nearest positions within rounding of a tie.
        """
        scales = self.scales or tuple(b / a for a, b in zip(self.shape, self.sizes, strict=True))
        axes = [Axis(*values) for values in zip(self.shape, self.wanted, scales, strict=True)]
        mode = self.attributes.get("coordinate_transformation_mode", "asymmetric")
        for axis in axes[2:]:
            if axis.wanted < 1 or (axis.wanted == axis.size and axis.scale != 1):
                return False
            if mode == "tf_crop_and_resize" and axis.scale == 1:
                return False
            is_exact = axis.scale in (0.5, 1.0, 2.0, 3.0) and mode not in ("align_corners", "tf_crop_and_resize")
            if self.attributes["mode"] == "nearest" and not is_exact:
                region = (-0.1, 0.8) if axis is axes[2] else (0.2, 1.1)
                places = Axis(axis.size, axis.wanted, axis.scale, region).coordinates(mode) * 2
                if np.any(np.abs(places - np.round(places)) < 1e-3):
                    return False
        return True

    def model(self) -> onnx.ModelProto:
        initializers = [numpy_helper.from_array(np.array([1, 1, *self.scales[2:]], np.float32), "scales")]
        inputs = ["x", "scales"]
        if self.opset > 10:
            region = [0, 0, -0.1, 0.2, 1, 1, 0.8, 1.1] if "extrapolation_value" in self.attributes else []
            initializers.append(numpy_helper.from_array(np.array(region, np.float32), "roi"))
            inputs = ["x", "roi", "scales"]
        if self.sizes:
            initializers[0] = numpy_helper.from_array(np.array([], np.float32), "scales")
            initializers.append(numpy_helper.from_array(np.array(self.sizes, np.int64), "sizes"))
            inputs = ["x", "roi", "scales", "sizes"]
        graph = helper.make_graph(
            [helper.make_node("Resize", inputs, ["y"], **self.attributes)],
            "resize",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            initializers,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def draw(rng: random.Random) -> Drawn:
    opset = rng.choice([10, 11, 13, 18, 19])
    shape = (1, rng.choice([1, 3]), rng.randint(1, 13), rng.randint(1, 13))
    attributes: dict[str, Any] = {"mode": rng.choice(["nearest", "linear", "cubic"][: 3 if opset > 10 else 2])}
    scales = (1, 1, *(rng.choice([0.5, 2.0, 3.0, 1.0, 1.5, 0.7, 1.3, 2.37, 0.33]) for _ in range(2)))
    if opset == 10:
        return Drawn(opset, shape, scales, (), attributes)
    modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    mode = rng.choice([*modes, "half_pixel_symmetric"] if opset >= 19 else modes)
    attributes["coordinate_transformation_mode"] = mode
    if attributes["mode"] == "nearest":
        attributes["nearest_mode"] = rng.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if attributes["mode"] == "cubic":
        attributes.update(cubic_coeff_a=rng.choice([-0.75, -0.5]), exclude_outside=rng.choice([0, 1]))
    if mode == "tf_crop_and_resize":
        attributes["extrapolation_value"] = 9.0
    elif opset >= 18 and attributes["mode"] != "nearest" and rng.random() < 0.4:
        attributes["antialias"] = 1
    sizes = (1, shape[1], rng.randint(1, 20), rng.randint(1, 20)) if rng.random() < 0.5 else ()
    return Drawn(opset, shape, () if sizes else scales, sizes, attributes)


def drawn(count: int, seed: int = 0) -> list[Drawn]:
    rng = random.Random(seed)
    found: list[Drawn] = []
    while len(found) < count:
        candidate = draw(rng)
        if candidate.is_settled():
            found.append(candidate)
    return found


def difference(node: Drawn, shift: float = 0.0) -> tuple[float, bool]:
    """Return the largest difference to ONNX Runtime, and whether torch's own interpolation was used."""
    picture = np.random.default_rng(1).standard_normal(node.shape).astype(np.float32)
    model = node.model()
    module = import_model(model)
    with torch.no_grad():
        result = module(torch.from_numpy(picture) + shift)[0].numpy()
    wanted = run_onnx(model, {"x": picture})[0]
    assert result.shape == wanted.shape, node
    return float(np.abs(result - wanted).max()), any("interpolate" in name for name in summary(module))


def test_random_resizes_agree_with_onnx_runtime() -> None:
    nodes = drawn(COUNT)
    results = [(node, *difference(node)) for node in nodes]
    wrong = [f"{node} differs by {size}" for node, size, _ in results if not size < TOLERANCE]
    assert not wrong, "\n".join(wrong)
    by_torch = sum(is_torch for _, _, is_torch in results)
    assert 0.1 * COUNT < by_torch < 0.9 * COUNT  # both ways of building are covered
    assert (
        len({(node.attributes["mode"], node.attributes.get("coordinate_transformation_mode")) for node in nodes}) >= 18
    )


def test_a_shifted_picture_is_noticed() -> None:
    """The twin: pictures brighter by a thousandth fail the same limit."""
    assert all(difference(node, shift=1e-3)[0] >= TOLERANCE for node in drawn(20) if "antialias" not in node.attributes)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_the_aspect_ratio_is_kept(policy: str) -> None:
    sizes = numpy_helper.from_array(np.array([14, 7], np.int64), "sizes")
    node = helper.make_node(
        "Resize", ["x", "", "", "sizes"], ["y"], mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 12, 9])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [sizes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    picture = np.random.default_rng(0).standard_normal((1, 2, 12, 9)).astype(np.float32)
    result = import_model(model)(torch.from_numpy(picture))[0].numpy()
    np.testing.assert_allclose(result, run_onnx(model, {"x": picture})[0], atol=TOLERANCE)
