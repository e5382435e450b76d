"""Families are recognised from structure, never from names, and what cannot be told apart says so."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import helper

from converters.model.families import Family, best_match, families, family, recognise
from converters.model.fingerprint import fingerprint
from converters.model.signature import Role
from tests.model.small_graphs import graph, inswapper, node, stand_in, weights

FACEFUSION_MODELS = 72
ALL = list(families().values())
# inswapper and its kind have a topology of their own, tested below
GENERIC = [known for known in ALL if not known.id.startswith("inswapper")]


@pytest.fixture(scope="module")
def standin(shared: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("standin", shared / "tools" / "inswapper_standin.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def representative(known: Family) -> Family:
    """The family that is recognised for a group of models with one structure."""
    found = family(known.same_as) if known.same_as else known
    assert found is not None
    return found


def test_all_published_models_are_listed() -> None:
    ours = [known for known in ALL if known.kind != "deep swapper" and known.vendor]
    with_release = [
        known for known in ours if not known.id.startswith(("ultraface", "yunet_n", "pfld", "retinaface_m", "demo_"))
    ]
    assert len(with_release) == FACEFUSION_MODELS
    kinds = {known.kind for known in ALL}
    assert {"swapper", "detector", "landmarker", "recogniser", "masker", "enhancer", "lip syncer"} <= kinds
    assert {"expression restorer", "age modifier", "frame enhancer", "content analyser", "deep swapper"} <= kinds


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.id)
def test_every_entry_has_roles_and_consistent_facts(known: Family) -> None:
    assert known.inputs
    assert known.outputs
    assert known.title
    assert known.kind
    for tensor in (*known.inputs, *known.outputs):
        if tensor.role is Role.IMAGE:
            assert tensor.colour is not None
            assert tensor.layout in ("NCHW", "NHWC")
            assert len(tensor.mean) == len(tensor.std) == 3
            assert tensor.value_range is not None
            lows = [-mean / std for mean, std in zip(tensor.mean, tensor.std, strict=True)]
            assert tensor.value_range[0] == pytest.approx(min(lows), abs=1e-4)
        if tensor.shape is not None and tensor.layout:
            assert len(tensor.layout) == len(tensor.shape)
    assert (known.structure is None) == bool(known.same_as)
    if known.same_as:
        assert known.id in representative(known).alternatives
    if "Non-Commercial" in known.licence:
        assert known.commercial is False


@pytest.mark.parametrize("known", GENERIC, ids=lambda known: known.id)
def test_a_graph_with_the_published_structure_is_recognised(known: Family) -> None:
    assert recognise(stand_in(known, representative(known))) is representative(known)


@pytest.mark.parametrize(
    ("width", "half", "expected"),
    [
        (1024, False, "inswapper_128"),
        (1024, True, "inswapper_128_fp16"),
        (128, False, "demo_swapper"),
        (512, False, "inswapper_like"),
    ],
)
def test_inswapper_is_told_by_its_width_and_precision(width: int, half: bool, expected: str) -> None:
    found = recognise(inswapper(width, half))
    assert found is not None
    assert found.id == expected


def test_inswapper_without_emap_is_still_inswapper() -> None:
    proto = inswapper(1024)
    del proto.graph.initializer[-1]
    found = recognise(proto)
    assert found is not None
    assert found.id == "inswapper_128"
    assert fingerprint(proto).numbers["orphan_512x512"] == 0


def test_five_style_blocks_are_no_inswapper() -> None:
    proto = inswapper(1024)
    centred = [place for place, item in enumerate(proto.graph.node) if item.op_type == "Sub"]
    proto.graph.node[centred[0]].op_type = "Add"
    assert recognise(proto) is None


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("ultraface_version-RFB-320.onnx", "ultraface_rfb_320"),
        ("pfld.onnx", "pfld"),
        ("yunet_n_dynamic.onnx", "yunet_n"),
    ],
)
def test_real_files_are_recognised_under_any_name(shared: Path, tmp_path: Path, file: str, expected: str) -> None:
    renamed = tmp_path / "gfpgan_1.4.onnx"
    shutil.copyfile(shared / "models" / file, renamed)
    proto = onnx.load(str(renamed))
    proto.graph.name = "arcface_w600k_r50"
    proto.producer_name = "simswap_256"
    found = recognise(proto)
    assert found is not None
    assert found.id == expected


def test_ultraface_without_its_dilated_convolutions_is_the_slim_one(shared: Path) -> None:
    proto = onnx.load(str(shared / "models" / "ultraface_version-RFB-320.onnx"))
    for item in proto.graph.node:
        for attribute in item.attribute:
            if attribute.name == "dilations":
                attribute.ints[:] = [1, 1]
    found = recognise(proto)
    assert found is not None
    assert found.id == "ultraface_slim_320"


def test_the_stand_in_is_of_the_inswapper_kind(standin: ModuleType) -> None:
    proto = standin.build(64)
    for item in proto.graph.node:  # names of nodes say nothing
        item.name = ""
    found = recognise(proto)
    assert found is not None
    assert found.id == "inswapper_like"
    numbers = fingerprint(proto).numbers
    assert numbers["centrings"] == 12
    assert numbers["centring_width"] == 64
    assert numbers["orphan_512x512"] == 1


def test_a_random_network_is_recognised_as_nothing() -> None:
    layers = [node("Conv", ["input", "w0"], "h0", pads=[1, 1, 1, 1])]
    layers += [node("Conv", [f"h{place}", "w"], f"h{place + 1}", pads=[1, 1, 1, 1]) for place in range(30)]
    layers.append(node("Conv", ["h30", "w1"], "output", pads=[1, 1, 1, 1]))
    constants = {"w0": weights(16, 3, 3, 3), "w": weights(16, 16, 3, 3), "w1": weights(3, 16, 3, 3)}
    for side in (96, 128, 256, 512):
        proto = graph(layers, {"input": [1, 3, side, side]}, {"output": [1, 3, side, side]}, constants)
        assert best_match(proto) is None


def test_a_vector_network_is_recognised_as_nothing() -> None:
    proto = graph([node("MatMul", ["x", "w"], "y")], {"x": [1, 512]}, {"y": [1, 512]}, {"w": weights(512, 512)})
    assert recognise(proto) is None


def test_ambiguous_groups_name_their_alternatives() -> None:
    hyperswap = family("hyperswap_1a_256")
    assert hyperswap is not None
    assert set(hyperswap.alternatives) == {"hyperswap_1b_256", "hyperswap_1c_256"}
    upscaler = family("clear_reality_x4")
    assert upscaler is not None
    assert {"remacri_x4", "ultra_sharp_x4"} <= set(upscaler.alternatives)


def test_edges_are_bound_by_shape_where_names_differ() -> None:
    known = family("simswap_256")
    assert known is not None
    proto = stand_in(known, known)
    for value, name in zip(proto.graph.input, ("latent", "picture"), strict=True):
        for item in proto.graph.node:
            item.input[:] = [name if old == value.name else old for old in item.input]
        value.name = name
    match = best_match(proto)
    assert match is not None
    assert match.family is known
    assert match.inputs["latent"].role is Role.EMBEDDING
    assert match.inputs["picture"].role is Role.IMAGE


def test_counting_never_reads_weights() -> None:
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["x", "w"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", 1, [1, 3, 8, 8])],
            [helper.make_tensor_value_info("y", 1, None)],
            [onnx.TensorProto(name="w", data_type=1, dims=[8, 3, 3, 3])],
        )
    )
    assert fingerprint(proto).numbers["parameters"] == np.prod([8, 3, 3, 3])
