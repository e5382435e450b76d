"""Loading ONNX files and their mistakes: shapes, versions, graphs, wrong kinds of file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.errors import BadInputError, CancelledError, SizesNeededError, StudioError, UnsupportedError, UsageError
from converters.model.source import SourceKind, load, sniff
from converters.model.static_shapes import infer_shapes, without_weights
from converters.progress import Progress
from tests.model.small_sources import run_onnx, small_proto, write_onnx, write_zip


def refusal(path: Path | str, kind: type[StudioError], **options: object) -> str:
    """Load, and return the sentence of the refusal, which must be exactly of `kind`."""
    with pytest.raises(kind) as caught:
        load(path, **options)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    return str(caught.value)


def test_a_plain_file_loads(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "anything.bin")
    model = load(path)
    assert sniff(path) is SourceKind.ONNX
    assert model.source.kind == "onnx"
    assert model.source.size == path.stat().st_size
    assert [tensor.static_shape for tensor in model.signature.inputs] == [(1, 3, 8, 8)]
    assert [tensor.static_shape for tensor in model.signature.outputs] == [(1, 16, 8, 8)]
    assert {value.name for value in model.proto.graph.value_info} == {"convolved"}
    assert model.proto.graph.initializer[-1].name == "emap"
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)
    assert np.array_equal(run_onnx(model.proto, input=x)[0], run_onnx(small_proto(), input=x)[0])


def test_a_file_called_demo_goes_before_the_built_in_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("demo").family == "demo_swapper"
    write_onnx(tmp_path / "demo")
    assert load("demo").family == ""


@pytest.mark.parametrize("opset", [7, 9, 13, onnx.defs.onnx_opset_version()])
def test_every_supported_opset(tmp_path: Path, opset: int) -> None:
    assert load(write_onnx(tmp_path / "m.onnx", small_proto(opset=opset))).opset == opset


@pytest.mark.parametrize("opset", [1, 6, 99])
def test_other_opsets_are_refused(tmp_path: Path, opset: int) -> None:
    sentence = refusal(write_onnx(tmp_path / "m.onnx", small_proto(opset=opset)), UnsupportedError)
    assert f"operator set {opset}" in sentence
    assert "Export it again" in sentence


def test_foreign_operators_are_named(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.node[1].op_type, proto.graph.node[1].domain = "FastGelu", "com.microsoft"
        proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    sentence = refusal(write_onnx(tmp_path / "m.onnx", small_proto(change=change)), UnsupportedError)
    assert "com.microsoft.FastGelu (1)" in sentence


def test_unused_foreign_operator_sets_are_dropped_and_said(tmp_path: Path) -> None:
    proto = small_proto(change=lambda p: p.opset_import.append(helper.make_opsetid("com.microsoft", 1)))
    model = load(write_onnx(tmp_path / "m.onnx", proto))
    assert [item.domain for item in model.proto.opset_import] == [""]
    assert any("com.microsoft" in note for note in model.notes)


def test_local_functions_are_written_out(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        body = [helper.make_node("Relu", ["x"], ["y"])]
        proto.functions.append(
            helper.make_function("own", "Activate", ["x"], ["y"], body, [helper.make_opsetid("", 13)])
        )
        proto.graph.node[1].op_type, proto.graph.node[1].domain = "Activate", "own"
        proto.opset_import.append(helper.make_opsetid("own", 1))

    model = load(write_onnx(tmp_path / "m.onnx", small_proto(change=change)))
    assert [node.op_type for node in model.proto.graph.node] == ["Conv", "Relu"]
    assert any("function" in note for note in model.notes)


def test_a_function_that_calls_itself_is_refused(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        body = [helper.make_node("Again", ["x"], ["y"], domain="own")]
        proto.functions.append(
            helper.make_function("own", "Again", ["x"], ["y"], body, [helper.make_opsetid("own", 1)])
        )
        proto.graph.node[1].op_type, proto.graph.node[1].domain = "Again", "own"
        proto.opset_import.append(helper.make_opsetid("own", 1))

    path = write_onnx(tmp_path / "m.onnx", small_proto(change=change))
    assert "calls itself" in refusal(path, BadInputError)


def test_batch_axis_becomes_one(tmp_path: Path) -> None:
    model = load(write_onnx(tmp_path / "m.onnx", small_proto(("N", 3, 8, 8))))
    assert model.signature.inputs[0].shape == (1, 3, 8, 8)
    assert "Input input fixed at 1x3x8x8 (batch of one)." in model.notes


@pytest.mark.parametrize("axis", [0, -1])
def test_sizes_below_one_count_as_dynamic(tmp_path: Path, axis: int) -> None:
    assert load(write_onnx(tmp_path / "m.onnx", small_proto((axis, 3, 8, 8)))).signature.inputs[0].shape[0] == 1


def test_free_picture_sizes_ask_for_a_shape(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "m.onnx", small_proto(("N", 3, "H", "W")))
    assert "Say the sizes: input=N,3,H,W" in refusal(path, SizesNeededError)
    model = load(path, shapes={"input": (1, 3, 12, 10)})
    assert model.signature.outputs[0].shape == (1, 16, 12, 10)


def test_two_inputs_share_a_named_axis(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "two",
        [value("a", 1, ["N", "W"]), value("b", 1, ["N", "W"])],
        [value("c", 1, None)],
    )
    path = write_onnx(tmp_path / "m.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    assert [t.shape for t in load(path, shapes={"a": (2, 5)}).signature.inputs] == [(2, 5), (2, 5)]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"inptu": (1, 3, 8, 8)}, "Did you mean 'input'?"),
        ({"input": (1, 4, 8, 8)}, "cannot be 1,4,8,8"),
        ({"input": (1, 3, 8)}, "cannot be 1,3,8"),
        ({"input": (1, 3, 0, 8)}, "no positive number"),
    ],
)
def test_shapes_that_do_not_fit(tmp_path: Path, shapes: dict[str, tuple[int, ...]], words: str) -> None:
    path = write_onnx(tmp_path / "m.onnx", small_proto(("N", 3, "H", "W")))
    assert words in refusal(path, UsageError, shapes=shapes)


def test_computed_shapes_become_constants_and_results_stay(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Concat", ["n", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    weights = [
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([-1], np.int64), "rest"),
        numpy_helper.from_array(np.eye(3, dtype=np.float32), "emap"),
    ]
    graph = helper.make_graph(nodes, "g", [value("x", 1, ["N", 3, 4])], [value("z", 1, [None, None])], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model = load(write_onnx(tmp_path / "m.onnx", proto))
    assert [node.op_type for node in model.proto.graph.node] == ["Constant", "Reshape", "Relu"]
    assert [tensor.name for tensor in model.proto.graph.initializer] == ["emap"]
    assert model.signature.outputs[0].shape == (1, 12)
    x = np.random.default_rng(0).standard_normal((1, 3, 4)).astype(np.float32)
    assert np.array_equal(run_onnx(model.proto, x=x)[0], run_onnx(proto, x=x)[0])


def test_data_dependent_output_is_said(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    node = helper.make_node("NonZero", ["x"], ["y"])
    graph = helper.make_graph([node], "g", [value("x", 1, [1, 4])], [value("y", 7, [2, None])])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model = load(write_onnx(tmp_path / "m.onnx", proto))
    assert any("depends on the data" in note for note in model.notes)
    assert not model.signature.outputs[0].is_static


def test_old_files_list_weights_as_inputs(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.ir_version = 3
        for tensor in proto.graph.initializer:
            proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))

    model = load(write_onnx(tmp_path / "m.onnx", small_proto(opset=7, change=change)))
    assert [tensor.name for tensor in model.signature.inputs] == ["input"]
    assert model.proto.graph.initializer[-1].name == "emap"


def test_unsorted_nodes_are_sorted(tmp_path: Path) -> None:
    proto = small_proto()
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes[::-1])
    model = load(write_onnx(tmp_path / "m.onnx", proto))
    assert [node.op_type for node in model.proto.graph.node] == ["Conv", "Relu"]


def test_half_and_double_precision_are_allowed(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Cast", ["w"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["x", "half"], ["y"]),
    ]
    inputs = [value("x", TensorProto.FLOAT16, [1, 4]), value("w", TensorProto.DOUBLE, [1])]
    graph = helper.make_graph(nodes, "g", inputs, [value("y", TensorProto.FLOAT16, [1, 4])])
    model = load(write_onnx(tmp_path / "m.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])))
    assert [tensor.dtype for tensor in model.signature.inputs] == ["float16", "float64"]


def _circle(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].input[0] = "output"


def _doubled(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].output[0] = "convolved"
    proto.graph.output[0].name = "convolved"


def _dangling(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].input[0] = "nothing"


def _bomb(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].dims[0] = 2**50


def _negative(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].dims[0] = -16


def _huge_picture(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 2**40


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_circle, "circle"),
        (_doubled, "more than one"),
        (_dangling, "which nothing computes"),
        (_bomb, "where"),
        (_negative, "negative size"),
        (_huge_picture, "GB"),
        (lambda p: p.graph.ClearField("node"), "Nothing in"),
        (lambda p: p.graph.ClearField("input"), "no inputs"),
        (lambda p: p.graph.ClearField("output"), "no outputs"),
        (lambda p: setattr(p, "ir_version", 0), "which version"),
        (lambda p: setattr(p.graph.node[1], "op_type", "Reluu"), "ONNX refuses"),
        (lambda p: p.graph.node[0].attribute.append(helper.make_attribute("pads", "x")), "ONNX refuses"),
        (lambda p: setattr(p.graph.initializer[0], "data_type", 99), "unknown type"),
    ],
)
def test_damaged_graphs(tmp_path: Path, change: object, words: str) -> None:
    path = write_onnx(tmp_path / "m.onnx", small_proto(change=change))  # type: ignore[arg-type]
    assert words in refusal(path, BadInputError)


def test_a_newer_format_version_is_refused(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "m.onnx", small_proto(change=lambda p: setattr(p, "ir_version", 99)))
    assert "format version 99" in refusal(path, UnsupportedError)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(small_proto().SerializeToString().replace(b"convolved", b"convo\xff\xfeed"))
    assert "not text" in refusal(path, BadInputError)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """Written byte by byte, because protobuf refuses to build what it refuses to read."""

    def field(number: int, content: bytes) -> bytes:
        length, size = len(content), b""
        while length > 127:
            size += bytes([length & 127 | 128])
            length >>= 7
        return bytes([number << 3 | 2]) + size + bytes([length]) + content

    graph = b""
    for _level in range(60):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08" + field(7, graph))
    assert "damaged" in refusal(path, BadInputError)


@pytest.mark.parametrize("kind", ["sequence", "optional", "string"])
def test_inputs_that_are_no_tensors_of_numbers(tmp_path: Path, kind: str) -> None:
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [1])
    types = {
        "sequence": helper.make_sequence_type_proto(tensor),
        "optional": helper.make_optional_type_proto(tensor),
        "string": helper.make_tensor_type_proto(TensorProto.STRING, [1]),
    }
    proto = small_proto(change=lambda p: p.graph.input.append(helper.make_value_info("more", types[kind])))
    assert "The input more" in refusal(write_onnx(tmp_path / "m.onnx", proto), UnsupportedError)


def test_large_weights_stay_out_of_checks(tmp_path: Path) -> None:
    """The copy for ONNX's own checks has no weights, so that models beyond 2 GB pass; shapes come out the same."""
    proto = small_proto()
    big = numpy_helper.from_array(np.zeros((512, 512), np.float32), "big")
    proto.graph.initializer.insert(0, big)
    proto.graph.node.append(helper.make_node("MatMul", ["flat", "big"], ["wide"]))
    proto.graph.input.append(helper.make_tensor_value_info("flat", 1, [1, 512]))
    proto.graph.output.append(helper.make_tensor_value_info("wide", 1, [None, None]))
    bare = without_weights(proto)
    assert bare.ByteSize() < 5000 < big.ByteSize()
    assert load(write_onnx(tmp_path / "m.onnx", proto)).signature.outputs[1].shape == (1, 512)
    assert infer_shapes(proto, "again") == []


WRONG_KINDS = {
    "empty": (b"", BadInputError, "is empty"),
    "photo": (b"\xff\xd8\xff\xe0" + bytes(100), BadInputError, "JPEG"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), BadInputError, "PNG"),
    "program": (b"\x7fELF" + bytes(100), BadInputError, "Linux program"),
    "text": (b"hello, this is a note\n", BadInputError, "text file"),
    "code": (b"import torch\n\ndef make():\n    return 1\n", BadInputError, "code:function"),
    "page": (b"\n<!DOCTYPE html><html><body>Download</body></html>", BadInputError, "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", BadInputError, "Git LFS pointer"),
    "gzip": (b"\x1f\x8b\x08" + bytes(50), UnsupportedError, "gzip"),
    "tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(50), BadInputError, "TensorFlow Lite"),
    "noise": (bytes(range(200, 256)) * 20, BadInputError, "no model that this program knows"),
    "cut": (small_proto().SerializeToString()[:-40], BadInputError, "damaged"),
}


@pytest.mark.parametrize("name", WRONG_KINDS)
def test_wrong_kinds_are_named(tmp_path: Path, name: str) -> None:
    data, kind, words = WRONG_KINDS[name]
    path = tmp_path / name
    path.write_bytes(data)
    assert words in refusal(path, kind)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none.onnx", BadInputError)
    assert "does not exist" in refusal(f"{tmp_path}/none.py:make", BadInputError, trust=True)
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in refusal(tmp_path / "pipe", BadInputError)
    hidden = write_onnx(tmp_path / "hidden.onnx")
    hidden.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        assert "permission denied" in refusal(hidden, BadInputError)
    finally:
        if is_root:
            os.seteuid(0)


def test_a_folder_with_one_model(tmp_path: Path) -> None:
    folder = tmp_path / "download" / "inner"
    folder.mkdir(parents=True)
    write_onnx(folder / "m.onnx")
    (folder / "README.md").write_text("a model")
    assert load(tmp_path / "download").source.name == "m.onnx"
    write_onnx(folder / "second.onnx")
    assert "holds 2 models" in refusal(tmp_path / "download", BadInputError)


def test_folders_without_a_model(tmp_path: Path) -> None:
    assert "holds no model" in refusal(tmp_path, BadInputError)
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    assert "SavedModel" in refusal(tmp_path, UnsupportedError)


def test_a_zip_with_one_model(tmp_path: Path) -> None:
    data = small_proto().SerializeToString()
    path = write_zip(tmp_path / "m.zip", {"folder/m.onnx": data, "folder/read.me": b"text"})
    model = load(path)
    assert (model.source.name, model.source.kind, model.source.size) == ("m.zip", "onnx", path.stat().st_size)
    assert any("m.onnx" in note for note in model.notes)
    both = write_zip(tmp_path / "both.zip", {"a.onnx": data, "b.onnx": data})
    assert "holds 2 models: a.onnx, b.onnx" in refusal(both, BadInputError)
    assert "holds no model" in refusal(write_zip(tmp_path / "none.zip", {"a.txt": b"text"}), BadInputError)


def test_work_can_be_cancelled(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "m.onnx")
    seen: list[str] = []
    load(path, progress=Progress(report=lambda message: seen.append(message.stage)))
    assert len(seen) >= 3
    for stop_at in range(len(seen)):
        asked = iter(range(1000))
        with pytest.raises(CancelledError):
            load(path, progress=Progress(is_cancelled=lambda asked=asked, at=stop_at: next(asked) >= at))
