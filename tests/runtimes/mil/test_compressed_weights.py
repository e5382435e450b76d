"""Compressed weights of every kind that coremltools writes, against its own decompression and against torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.runtimes.mil.program import MilProgram
from tests.runtimes.mil.mil_packages import convert, decibels, quiet, relative_error, saved
from tests.runtimes.mil.test_networks import make, samples


def _config(make_config: Callable[[Any], Any]) -> Any:
    coreml = import_coremltools().optimize.coreml
    return coreml.OptimizationConfig(global_config=make_config(coreml))


def quantized(model: Any, **options: Any) -> Any:
    config = _config(lambda coreml: coreml.OpLinearQuantizerConfig(weight_threshold=32, **options))
    return import_coremltools().optimize.coreml.linear_quantize_weights(model, config)


def palettized(model: Any, **options: Any) -> Any:
    config = _config(lambda coreml: coreml.OpPalettizerConfig(weight_threshold=32, **options))
    return import_coremltools().optimize.coreml.palettize_weights(model, config)


def pruned(model: Any, **options: Any) -> Any:
    config = _config(lambda coreml: coreml.OpMagnitudePrunerConfig(weight_threshold=32, **options))
    return import_coremltools().optimize.coreml.prune_weights(model, config)


def joined(model: Any, second: Callable[..., Any], **options: Any) -> Any:
    """Prune, then compress what is left."""
    coreml = import_coremltools().optimize.coreml
    sparse = pruned(model, target_sparsity=0.5)
    if second is quantized:
        config = _config(lambda _coreml: coreml.OpLinearQuantizerConfig(weight_threshold=32, **options))
        return coreml.linear_quantize_weights(sparse, config, joint_compression=True)
    config = _config(lambda _coreml: coreml.OpPalettizerConfig(weight_threshold=32, **options))
    return coreml.palettize_weights(sparse, config, joint_compression=True)


# name: (deployment target, compression, operator that must appear, least decibels against the uncompressed net)
CASES: dict[str, tuple[str, Callable[[Any], Any], str, float]] = {
    "int8 symmetric, iOS 16": ("iOS16", quantized, "constexpr_affine_dequantize", 30),
    "int8 affine, iOS 16": ("iOS16", lambda m: quantized(m, mode="linear"), "constexpr_affine_dequantize", 30),
    "int8, iOS 17": ("iOS17", quantized, "constexpr_affine_dequantize", 30),
    "int8, iOS 18": ("iOS18", lambda m: quantized(m, mode="linear"), "constexpr_blockwise_shift_scale", 30),
    "int4 blocks, iOS 18": (
        "iOS18",
        lambda m: quantized(m, dtype="int4", granularity="per_block", block_size=2),
        "constexpr_blockwise_shift_scale",
        12,
    ),
    "uint4, iOS 18": (
        "iOS18",
        lambda m: quantized(m, dtype="uint4", mode="linear", granularity="per_channel"),
        "constexpr_blockwise_shift_scale",
        8,
    ),
    "palette 4 bits, iOS 16": ("iOS16", lambda m: palettized(m, mode="uniform", nbits=4), "constexpr_lut_to_dense", 8),
    "palette 6 bits, iOS 16": ("iOS16", lambda m: palettized(m, mode="uniform", nbits=6), "constexpr_lut_to_dense", 20),
    "palette 8 bits, iOS 17": ("iOS17", lambda m: palettized(m, mode="uniform", nbits=8), "constexpr_lut_to_dense", 30),
    "palette 2 bits, iOS 18": ("iOS18", lambda m: palettized(m, mode="uniform", nbits=2), "constexpr_lut_to_dense", 0),
    "palette 3 bits, iOS 18": ("iOS18", lambda m: palettized(m, mode="uniform", nbits=3), "constexpr_lut_to_dense", 3),
    "palette per group, iOS 18": (
        "iOS18",
        lambda m: palettized(m, mode="uniform", nbits=6, granularity="per_grouped_channel", group_size=4),
        "constexpr_lut_to_dense",
        20,
    ),
    "half pruned, iOS 16": ("iOS16", lambda m: pruned(m, target_sparsity=0.5), "constexpr_sparse_to_dense", 0),
    "half pruned, iOS 18": ("iOS18", lambda m: pruned(m, target_sparsity=0.5), "constexpr_sparse_to_dense", 0),
    "pruned and int8, iOS 18": ("iOS18", lambda m: joined(m, quantized), "constexpr_sparse_blockwise_shift_scale", 0),
    "pruned and palette, iOS 18": (
        "iOS18",
        lambda m: joined(m, palettized, mode="uniform", nbits=4),
        "constexpr_lut_to_sparse",
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_compressed_weights_are_what_coremltools_says(case: str, tmp_path: Path) -> None:
    """Run the compressed package, and the one that coremltools itself decompresses: they must agree."""
    target, compress, operator, least = CASES[case]
    ct = import_coremltools()
    net = make("swapper")
    inputs = samples(net)
    feeds = {f"x{index}": value.numpy() for index, value in enumerate(inputs)}
    model = convert(net, inputs, precision="fp32", minimum_deployment_target=getattr(ct.target, target))
    with quiet():
        compressed = compress(model)
        plain = ct.optimize.coreml.decompress_weights(compressed)
    program = MilProgram.load(saved(compressed, tmp_path / "compressed.mlpackage"))
    assert program.operation_kinds().get(operator, 0) > 0, program.operation_kinds()
    assert program.unsupported_operations() == []
    result = program.run(feeds)["y0"]
    oracle = MilProgram.load(saved(plain, tmp_path / "plain.mlpackage"))
    assert not any(kind.startswith("constexpr_") for kind in oracle.operation_kinds())
    assert relative_error(result, oracle.run(feeds)["y0"]) <= 1e-5
    with torch.no_grad():
        original = net(*inputs).numpy()
    assert decibels(result, original) > least
    assert relative_error(result, original) > 1e-5, "compression changed nothing: the test compares nothing"


def test_half_precision_weights_are_rounded_after_decompression(tmp_path: Path) -> None:
    net = make("recogniser")
    inputs = samples(net)
    with quiet():
        model = quantized(convert(net, inputs, precision="fp16"))
    program = MilProgram.load(saved(model, tmp_path / "net.mlpackage"))
    feeds = {"x0": inputs[0].numpy()}
    rounded, exact = program.run(feeds)["y0"], program.run(feeds, precision="fp32")["y0"]
    again = program.run(feeds)["y0"]
    assert np.array_equal(rounded, again), "switching the precision back and forth changed the result"
    assert decibels(rounded, exact) > 40
    assert relative_error(rounded, exact) > 1e-5


def test_a_changed_scale_is_noticed(tmp_path: Path) -> None:
    """The twin: decompression with another scale must not pass the comparison above."""
    net = make("swapper")
    inputs = samples(net)
    feeds = {f"x{index}": value.numpy() for index, value in enumerate(inputs)}
    model = convert(net, inputs, precision="fp32")
    with quiet():
        compressed = quantized(model)
    expected = MilProgram.load(saved(compressed, tmp_path / "right.mlpackage")).run(feeds)["y0"]
    spec = compressed.get_spec()
    changed = 0
    for operation in spec.mlProgram.functions["main"].block_specializations["CoreML6"].operations:
        if operation.type == "constexpr_affine_dequantize" and not changed:
            scale = operation.attributes["scale"]
            if scale.WhichOneof("value") == "immediateValue":
                numbers = scale.immediateValue.tensor.floats.values
                numbers[:] = [number * 1.1 for number in numbers]
                changed += 1
    assert changed == 1
    path = tmp_path / "right.mlpackage" / "Data" / "com.apple.CoreML" / "model.mlmodel"
    path.write_bytes(spec.SerializeToString())
    assert relative_error(MilProgram.load(tmp_path / "right.mlpackage").run(feeds)["y0"], expected) > 1e-4
