"""Every rewrite on graphs of its own: the proven difference, what stays untouched, and twins that must be caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from converters.errors import UsageError, VerificationError
from converters.model.families import recognise
from converters.model.graph_reading import GraphReading
from converters.model.rewrites.base import GraphEdit, Rewrite
from converters.model.rewrites.depth_to_space_4d import block_swaps
from converters.model.rewrites.registry import REWRITES, apply_proven, find_rewrite, prove
from tests.model.small_graphs import adain, graph, inswapper, model, node, weights

PICTURE = {"x": [1, 8, 12, 10]}


def integers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def padded(opset: int = 17) -> onnx.ModelProto:
    if opset < 11:
        pad = node("Pad", ["x"], "y", mode="reflect", pads=[0, 0, 3, 1, 0, 0, 2, 4])
        return graph([pad], PICTURE, {"y": [1, 8, 17, 15]}, opset=opset)
    if opset >= 18:
        pad = node("Pad", ["x", "p", "", "axes"], "y", mode="reflect")
        constants = {"p": integers(3, 1, 2, 4), "axes": integers(-2, -1)}
        return graph([pad], PICTURE, {"y": [1, 8, 17, 15]}, constants, opset)
    pad = node("Pad", ["x", "p"], "y", mode="reflect")
    return graph([pad], PICTURE, {"y": [1, 8, 17, 15]}, {"p": integers(0, 0, 3, 1, 0, 0, 2, 4)}, opset)


def prelued() -> onnx.ModelProto:
    slope = np.linspace(-0.5, 1.5, 8, dtype=np.float32).reshape(8, 1, 1)
    return graph([node("PRelu", ["x", "slope"], "y")], PICTURE, {"y": PICTURE["x"]}, {"slope": slope})


def split(opset: int = 17) -> onnx.ModelProto:
    outputs = {"a": [1, 3, 12, 10], "b": [1, 5, 12, 10]}
    if opset < 13:
        return graph([node("Split", ["x"], ["a", "b"], axis=1, split=[3, 5])], PICTURE, outputs, opset=opset)
    return graph([node("Split", ["x", "s"], ["a", "b"], axis=1)], PICTURE, outputs, {"s": integers(3, 5)}, opset)


def split_evenly() -> onnx.ModelProto:
    outputs = {"a": [1, 3, 12, 10], "b": [1, 3, 12, 10], "c": [1, 2, 12, 10]}
    return graph([node("Split", ["x"], [*outputs], axis=1, num_outputs=3)], PICTURE, outputs, opset=18)


def gathered(opset: int = 17) -> onnx.ModelProto:
    constants = {"i": np.array(-2, np.int64)}
    return graph([node("Gather", ["x", "i"], "y", axis=1)], PICTURE, {"y": [1, 12, 10]}, constants, opset)


def shuffled(mode: str) -> onnx.ModelProto:
    return graph([node("DepthToSpace", ["x"], "y", blocksize=2, mode=mode)], PICTURE, {"y": [1, 2, 24, 20]})


def unshuffled() -> onnx.ModelProto:
    return graph([node("SpaceToDepth", ["x"], "y", blocksize=2)], PICTURE, {"y": [1, 32, 6, 5]})


def shuffled_by_transpose() -> onnx.ModelProto:
    nodes = [
        node("Reshape", ["x", "s6"], "six"),
        node("Transpose", ["six"], "turned", perm=[0, 1, 4, 2, 5, 3]),
        node("Reshape", ["turned", "s4"], "y"),
    ]
    constants = {"s6": integers(1, 2, 2, 2, 12, 10), "s4": integers(1, 2, 24, 20)}
    return graph(nodes, PICTURE, {"y": [1, 2, 24, 20]}, constants)


def pooled() -> onnx.ModelProto:
    return graph([node("AveragePool", ["x"], "y", kernel_shape=[12, 10])], PICTURE, {"y": [1, 8, 1, 1]})


def doubled() -> onnx.ModelProto:
    nodes = [
        node("Cast", ["x"], "wide", to=TensorProto.DOUBLE),
        node("Mul", ["wide", "factor"], "more"),
        node("Mul", ["more", "weight"], "weighted"),
        node("Cast", ["weighted"], "y", to=TensorProto.FLOAT),
    ]
    inputs = {**PICTURE, "weight": [1]}
    constants = {"factor": np.array([1.1], np.float64)}
    return graph(nodes, inputs, {"y": PICTURE["x"]}, constants, types={"weight": TensorProto.DOUBLE})


def shape_chain() -> onnx.ModelProto:
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "first"], "batch"),
        node("Unsqueeze", ["batch", "axes"], "batch1"),
        node("Concat", ["batch1", "rest"], "target", axis=0),
        node("Reshape", ["x", "target"], "y"),
    ]
    constants = {"first": np.array(0, np.int64), "axes": integers(0), "rest": integers(-1)}
    return graph(nodes, PICTURE, {"y": [1, 960]}, constants)


def normalised(opset: int = 17) -> onnx.ModelProto:
    constants = {"gain": weights(8), "offset": weights(8, seed=1)}
    return graph(
        [node("InstanceNormalization", ["x", "gain", "offset"], "y", epsilon=1e-5)],
        PICTURE,
        {"y": PICTURE["x"]},
        constants,
        opset,
    )


def modulated(transposed: bool = False, demodulated: bool = True) -> onnx.ModelProto:
    """StyleGAN's layer as torch exports it: five axes, demodulation, a batch of one."""
    outputs, inputs, side = 6, 8, 9
    nodes = [
        node("MatMul", ["source", "sw"], "flat"),
        node("Reshape", ["flat", "s5"], "style"),
        node("Mul", ["kernel", "style"], "soft"),
    ]
    name = "soft"
    if demodulated:
        nodes += [
            node("Pow", ["soft", "two"], "squares"),
            node("ReduceSum", ["squares", "sum_axes"], "sums", keepdims=0),
            node("Add", ["sums", "epsilon"], "guarded"),
            node("Sqrt", ["guarded"], "norm"),
            node("Reciprocal", ["norm"], "inverse"),
            node("Reshape", ["inverse", "d5"], "inverse5"),
            node("Mul", ["soft", "inverse5"], "hard"),
        ]
        name = "hard"
    constants = {
        "sw": weights(512, inputs, seed=4) * np.float32(0.05),
        "kernel": weights(1, outputs, inputs, 3, 3),
        "s5": integers(1, 1, inputs, 1, 1),
        "two": np.array(2, np.float32),
        "sum_axes": integers(2, 3, 4),
        "epsilon": np.array(1e-8, np.float32),
        "d5": integers(1, outputs, 1, 1, 1),
        "k4": integers(outputs, inputs, 3, 3),
        "p4": integers(inputs, outputs, 3, 3),
        "bias": weights(outputs, seed=5),
    }
    size = side
    if transposed:
        nodes += [node("Transpose", [name], "turned", perm=[0, 2, 1, 3, 4]), node("Reshape", ["turned", "p4"], "used")]
        nodes.append(node("ConvTranspose", ["picture", "used"], "y", strides=[2, 2]))
        size = 2 * side + 1
    else:
        nodes += [node("Reshape", [name, "k4"], "used"), node("Conv", ["picture", "used", "bias"], "y", pads=[1] * 4)]
    used = {item for made in nodes for item in made.input}
    constants = {key: value for key, value in constants.items() if key in used}
    edges = {"picture": [1, inputs, side, side], "source": [1, 512]}
    return graph(nodes, edges, {"y": [1, outputs, size, size]}, constants)


def with_emap_first() -> onnx.ModelProto:
    proto = adain()
    matrix = numpy_helper.from_array(numpy_helper.to_array(proto.graph.initializer[-1]).astype(np.float16), "emap")
    others = list(proto.graph.initializer)[:-1]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend([matrix, *others])
    return proto


CASES: list[tuple[str, str, Callable[[], onnx.ModelProto]]] = [
    ("reflect_pad", "opset 17", padded),
    ("reflect_pad", "opset 9", lambda: padded(9)),
    ("reflect_pad", "opset 20", lambda: padded(20)),
    ("prelu", "", prelued),
    ("split_to_slice", "opset 17", split),
    ("split_to_slice", "opset 11", lambda: split(11)),
    ("split_to_slice", "uneven rest", split_evenly),
    ("scalar_gather", "opset 17", gathered),
    ("scalar_gather", "opset 9", lambda: gathered(9)),
    ("depth_to_space_4d", "DCR", lambda: shuffled("DCR")),
    ("depth_to_space_4d", "CRD", lambda: shuffled("CRD")),
    ("depth_to_space_4d", "SpaceToDepth", unshuffled),
    ("depth_to_space_4d", "Transpose", shuffled_by_transpose),
    ("full_average_pool", "", pooled),
    ("double_to_float", "", doubled),
    ("fold_shapes", "", shape_chain),
    ("fp16_safe_statistics", "written out", adain),
    ("fp16_safe_statistics", "opset 18", lambda: adain(opset=18)),
    ("fp16_safe_statistics", "operator", normalised),
    ("fp16_safe_statistics", "operator, opset 19", lambda: normalised(19)),
    ("style_split", "", adain),
    ("modulated_convolution", "Conv", modulated),
    ("modulated_convolution", "without demodulation", lambda: modulated(demodulated=False)),
    ("modulated_convolution", "ConvTranspose", lambda: modulated(transposed=True)),
    ("emap_last", "", with_emap_first),
]


NAMES = [f"{identifier}, {variant}" if variant else identifier for identifier, variant, _ in CASES]


def test_every_rewrite_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(REWRITES)


@pytest.mark.parametrize(
    ("identifier", "variant", "build"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_rewrite_keeps_its_promise(identifier: str, variant: str, build: Callable[[], onnx.ModelProto]) -> None:
    del variant
    rewrite = REWRITES[identifier]
    proto = build()
    before = proto.SerializeToString(deterministic=True)
    rewritten = rewrite.apply(proto)
    assert proto.SerializeToString(deterministic=True) == before, "the input is never changed"
    assert rewritten.count == len(rewritten.nodes) > 0
    onnx.checker.check_model(rewritten.proto, full_check=True)
    changed, proofs = apply_proven(model(proto), [identifier])
    assert len(proofs) == 1
    assert proofs[0].relative <= rewrite.tolerance
    assert proofs[0].exact or not rewrite.claims_exact
    assert proofs[0].samples >= 2
    assert rewrite.apply(changed.proto).count == 0, "a second time finds nothing"
    assert [value.name for value in changed.proto.graph.input] == [value.name for value in proto.graph.input]
    assert [value.name for value in changed.proto.graph.output] == [value.name for value in proto.graph.output]


@pytest.mark.parametrize(
    ("identifier", "variant", "build"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_corrupted_rewrite_is_caught(identifier: str, variant: str, build: Callable[[], onnx.ModelProto]) -> None:
    """The same rewrite, then every output a little too large: `prove` must not let it pass."""
    del variant
    honest = REWRITES[identifier]
    proto = build()
    wrong = onnx.ModelProto()
    wrong.CopyFrom(honest.apply(proto).proto)
    wrong.graph.initializer.insert(0, numpy_helper.from_array(np.array(1.002, np.float32), "too_large"))
    for value in wrong.graph.output:
        for made in wrong.graph.node:
            made.output[:] = ["inner_" + name if name == value.name else name for name in made.output]
            made.input[:] = ["inner_" + name if name == value.name else name for name in made.input]
        wrong.graph.node.append(helper.make_node("Mul", ["inner_" + value.name, "too_large"], [value.name]))
    given = model(proto)
    with pytest.raises(VerificationError, match="promise"):
        prove(given, given.with_proto(wrong), rewrite=honest)


def test_a_wrong_rewrite_is_caught_although_it_looks_right() -> None:
    """Padding that repeats the edge instead of leaving it out: right shape, wrong rows."""

    def edit(graph_edit: GraphEdit) -> list[str]:
        pad = graph_edit.reading.nodes[0]
        copy = onnx.NodeProto()
        copy.CopyFrom(pad)
        copy.attribute[0].s = b"edge"
        graph_edit.replace(pad, [copy])
        return [pad.name]

    wrong = Rewrite("reflect_pad", "Wrong padding", "", 0.0, edit)
    given = model(padded())
    rewritten = wrong.apply(given.proto)
    with pytest.raises(VerificationError, match="bit-identical"):
        prove(given, given.with_proto(rewritten.proto), rewrite=wrong)


def test_a_rewrite_that_only_rounds_may_not_claim_to_be_exact() -> None:
    rewrite = REWRITES["fp16_safe_statistics"]
    given = model(adain())
    rewritten = rewrite.apply(given.proto)
    proof = prove(given, given.with_proto(rewritten.proto), rewrite=rewrite)
    assert not proof.exact
    with pytest.raises(VerificationError, match="promise"):
        prove(given, given.with_proto(rewritten.proto), rewrite=replace(rewrite, tolerance=0.0))


def test_given_samples_count_and_can_fail_a_proof() -> None:
    nodes = [node("Clip", ["x", "low", "high"], "y")]
    limits = {"low": np.array(-50, np.float32), "high": np.array(50, np.float32)}
    given = model(graph(nodes, PICTURE, {"y": PICTURE["x"]}, limits))
    loose = given.with_proto(graph([node("Identity", ["x"], "y")], PICTURE, {"y": PICTURE["x"]}))
    rewrite = REWRITES["prelu"]
    assert prove(given, loose, rewrite=rewrite).exact, "small values do not tell the two apart"
    large = {"x": np.full((1, 8, 12, 10), 60, np.float32)}
    with pytest.raises(VerificationError):
        prove(given, loose, [large], rewrite=rewrite)


def test_emap_stays_last_and_fp32_after_every_rewrite() -> None:
    proto = adain()
    changed, proofs = apply_proven(model(proto), list(REWRITES))
    assert {proof.rewrite for proof in proofs} == {"style_split", "fp16_safe_statistics"}
    last = changed.proto.graph.initializer[-1]
    assert (last.name, last.data_type, list(last.dims)) == ("emap", TensorProto.FLOAT, [512, 512])
    assert last.raw_data == proto.graph.initializer[-1].raw_data


def test_emap_comes_back_to_the_end_in_fp32() -> None:
    rewritten = REWRITES["emap_last"].apply(with_emap_first())
    last = rewritten.proto.graph.initializer[-1]
    assert (last.name, last.data_type) == ("emap", TensorProto.FLOAT)
    assert [tensor.name for tensor in rewritten.proto.graph.initializer].count("emap") == 1


def test_nothing_to_do_returns_the_very_graph() -> None:
    proto = prelued()
    for identifier in set(REWRITES) - {"prelu"}:
        assert REWRITES[identifier].apply(proto).proto is proto


def test_inswapper_has_the_published_node_count_after_padding_is_rewritten() -> None:
    """12 pads of one row become 6 nodes each, 2 pads of three rows 14 each (published: 226 -> 312 nodes)."""
    nodes, source = [], "x"
    for place in range(14):
        width = 3 if place in (0, 13) else 1
        nodes.append(node("Pad", [source, f"p{width}"], f"pad{place}", mode="reflect"))
        nodes.append(node("Slice", [f"pad{place}", f"s{width}", f"e{width}", "axes"], f"cut{place}"))
        source = f"cut{place}"
    nodes.append(node("Relu", [source], "y"))
    constants = {"axes": integers(2, 3)}
    for width in (1, 3):
        constants |= {
            f"p{width}": integers(0, 0, width, width, 0, 0, width, width),
            f"s{width}": integers(width, width),
            f"e{width}": integers(-width, -width),
        }
    proto = graph(nodes, PICTURE, {"y": PICTURE["x"]}, constants)
    rewritten = REWRITES["reflect_pad"].apply(proto)
    assert rewritten.count == 14
    assert len(rewritten.proto.graph.node) - len(proto.graph.node) == 312 - 226


def test_rewritten_inswapper_is_still_recognised() -> None:
    proto = inswapper(1024)
    rewritten = REWRITES["split_to_slice"].apply(proto)
    assert rewritten.count == 12
    found = recognise(REWRITES["fp16_safe_statistics"].apply(rewritten.proto).proto)
    assert found is not None
    assert found.id == "inswapper_128"


def test_padding_wider_than_the_picture_is_left_alone() -> None:
    pad = node("Pad", ["x", "p"], "y", mode="reflect")
    proto = graph([pad], {"x": [1, 1, 3, 3]}, {"y": [1, 1, 9, 3]}, {"p": integers(0, 0, 3, 0, 0, 0, 3, 0)})
    assert REWRITES["reflect_pad"].apply(proto).count == 0


def test_a_centred_tensor_that_is_used_elsewhere_is_left_alone() -> None:
    proto = adain()
    proto.graph.node.append(node("Relu", ["centred"], "extra"))
    proto.graph.output.append(helper.make_tensor_value_info("extra", 1, [1, 8, 12, 12]))
    assert REWRITES["fp16_safe_statistics"].apply(proto).count == 0


def test_unused_halves_of_weights_do_not_stay_behind() -> None:
    proto = adain()
    rewritten = REWRITES["style_split"].apply(proto).proto
    assert "sw" not in {tensor.name for tensor in rewritten.graph.initializer}
    before, after = (
        sum(int(np.prod(t.dims)) for t in item.graph.initializer if t.data_type == 1) for item in (proto, rewritten)
    )
    assert after == before


def test_pixel_shuffles_end_with_four_axes_at_most() -> None:
    for build in (lambda: shuffled("DCR"), lambda: shuffled("CRD"), unshuffled, shuffled_by_transpose):
        rewritten = REWRITES["depth_to_space_4d"].apply(build()).proto
        reading = GraphReading(rewritten)
        assert max(len(reading.shape(item.output[0]) or ()) for item in reading.nodes) == 4


@pytest.mark.parametrize("permutation", [(2, 0, 1), (3, 1, 0, 2), (0, 3, 5, 1, 2, 4), (5, 4, 3, 2, 1, 0), (0, 1, 2)])
def test_block_swaps_make_any_transpose(permutation: tuple[int, ...]) -> None:
    sizes = tuple(range(2, 2 + len(permutation)))
    value = np.arange(np.prod(sizes)).reshape(sizes)
    moved = value
    for shape in block_swaps(permutation, sizes):
        assert len(shape) == 4
        moved = moved.reshape(shape).transpose(0, 2, 1, 3)
    assert np.array_equal(moved.reshape(-1), value.transpose(permutation).reshape(-1))


def in_half_precision(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """Run a graph with every tensor in fp16."""
    half = onnx.ModelProto()
    half.CopyFrom(proto)
    for tensor in half.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for value in (*half.graph.input, *half.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    del half.graph.value_info[:]
    given = {name: array.astype(np.float16) for name, array in feeds.items()}
    with np.errstate(all="ignore"):
        return np.asarray(ReferenceEvaluator(half).run(None, given)[0], np.float32)


@pytest.mark.parametrize(("scale", "what"), [(2000.0, "squares overflow"), (0.0, "a constant picture divides 0 by 0")])
def test_statistics_break_in_fp16_and_are_safe_after_the_rewrite(scale: float, what: str) -> None:
    proto = adain()
    generator = np.random.default_rng(7)
    feeds = {
        "target": (generator.standard_normal((1, 3, 12, 12)) * scale / 8).astype(np.float32),
        "source": np.full((1, 512), 0.04, np.float32),
    }
    exact = np.asarray(ReferenceEvaluator(proto).run(None, feeds)[0])
    plain = in_half_precision(proto, feeds)
    safe = in_half_precision(REWRITES["fp16_safe_statistics"].apply(proto).proto, feeds)
    span = max(float(np.ptp(exact)), 1.0)
    broken = not np.all(np.isfinite(plain)) or float(np.max(np.abs(plain - exact))) > 0.2 * span
    assert broken, what
    assert np.all(np.isfinite(safe)), what
    assert float(np.max(np.abs(safe - exact))) < 0.02 * span, what


def test_unknown_rewrites_are_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="reflect_pad"):
        find_rewrite("reflectpad")
