"""LiteRT sessions: our files and foreign ones, intermediate results, and damaged files that must not crash anything."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converters.errors import BadInputError
from converters.progress import Progress
from converters.registry import open_session
from converters.runtimes.base import Arrays
from converters.runtimes.onnx import open_proto
from converters.runtimes.tflite import TFLiteSession
from converters.targets import tflite_compress, tflite_litert
from converters.targets.base import Precision
from converters.targets.tflite import TFLiteExporter
from converters.targets.tflite_file import mapped, read_outline
from converters.targets.tflite_flatbuffer import Integers, Octets, Old, Record, References, Scalar, Table, Text, head
from converters.targets.tflite_label import write_labelled
from tests.tiny_models import tiny_swapper

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def swapper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swapper")
    return TFLiteExporter().export(tiny_swapper(), folder, Precision.FP32, {}, [], Progress()).path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the converter's own file, without our names and metadata."""
    path = tmp_path_factory.mktemp("foreign") / "converted.tflite"
    tflite_litert.convert(tiny_swapper(), path, "nhwc", Progress())
    return path


def feeds_of_swapper(seed: int = 3) -> Arrays:
    generator = np.random.default_rng(seed)
    return {
        "target": generator.random((1, 3, 32, 32), dtype=np.float32),
        "source": generator.standard_normal((1, 16), dtype=np.float32),
    }


def test_our_file_has_the_graphs_names_and_layout(swapper: Path) -> None:
    with open_session(swapper, threads=1) as session:
        assert session.runtime == "tflite"
        assert session.threads == 1
        assert [(spec.name, spec.shape, spec.dtype) for spec in session.inputs] == [
            ("target", (1, 3, 32, 32), "float32"),
            ("source", (1, 16), "float32"),
        ]
        assert [(spec.name, spec.shape) for spec in session.outputs] == [("output", (1, 3, 32, 32))]
        first, second = session.run(feeds_of_swapper())["output"], session.run(feeds_of_swapper(4))["output"]
        assert first.flags.c_contiguous
        assert np.abs(first - second).max() > 0.01
        np.testing.assert_array_equal(session.run(feeds_of_swapper())["output"], first)
    with pytest.raises(RuntimeError, match="closed"):
        session.run(feeds_of_swapper())


def test_a_foreign_file_is_taken_as_it_is(foreign: Path, swapper: Path) -> None:
    feeds = feeds_of_swapper()
    with TFLiteSession(foreign) as session:
        assert session.metadata is None
        assert [(spec.name, spec.shape) for spec in session.inputs] == [
            ("serving_default_args_0", (1, 32, 32, 3)),
            ("serving_default_args_1", (1, 16)),
        ]
        results = session.run(
            {
                "serving_default_args_0": feeds["target"].transpose(0, 2, 3, 1),
                "serving_default_args_1": feeds["source"],
            }
        )
    (picture,) = results.values()
    with TFLiteSession(swapper) as session:
        np.testing.assert_array_equal(session.run(feeds)["output"], picture.transpose(0, 3, 1, 2))
    with TFLiteSession(foreign) as session, pytest.raises(BadInputError, match="shape"):
        session.run({"serving_default_args_0": feeds["target"], "serving_default_args_1": feeds["source"]})


def test_intermediate_results_by_the_files_own_names(swapper: Path, tmp_path: Path) -> None:
    feeds = feeds_of_swapper()
    with TFLiteSession(swapper) as session:
        picture = session.run(feeds)["output"]
        values = session.run_all(feeds)
    np.testing.assert_array_equal(values["target"], feeds["target"].transpose(0, 2, 3, 1))
    np.testing.assert_allclose(values["output"].transpose(0, 3, 1, 2), picture, atol=1e-5)
    # an inner tensor has the value that the original graph computes
    model = tiny_swapper()
    proto = type(model.proto)()
    proto.CopyFrom(model.proto)
    proto.graph.output.add().CopyFrom(next(item for item in proto.graph.value_info if item.name == "styled_active"))
    with open_proto(proto, tmp_path) as original:
        inner = original.run(feeds)["styled_active"].transpose(0, 2, 3, 1)
    alike = [
        name for name, value in values.items() if value.shape == inner.shape and np.allclose(value, inner, atol=1e-3)
    ]
    assert alike
    assert not [name for name, value in values.items() if value.shape == inner.shape and np.allclose(value, -inner)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"TFL3", "no .tflite file"),
        (b"\x08\x00\x00\x00ONNX" + bytes(64), "no .tflite file"),
        (b"\xff\xff\xff\x7fTFL3" + bytes(64), "is damaged"),
        (b"\x08\x00\x00\x00TFL3" + bytes(64), "is damaged"),
    ],
)
def test_what_is_no_tflite_file_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=sentence):
        TFLiteSession(path)


def test_metadata_that_promises_too_much_is_refused(swapper: Path, tmp_path: Path) -> None:
    outline = read_outline(swapper)
    stored = json.loads(outline.metadata["ffstudio"])
    inputs = [(tensor.name, tensor.index) for tensor in outline.inputs]
    outputs = [(tensor.name, tensor.index) for tensor in outline.outputs]

    def relabelled(name: str, data: object) -> Path:
        path = tmp_path / name
        write_labelled(swapper, path, inputs, outputs, {"ffstudio": json.dumps(data)}, "")
        return path

    renamed = json.loads(json.dumps(stored))
    renamed["outputs"][0]["file_name"] = "other"
    with pytest.raises(BadInputError, match="lacks other"):
        TFLiteSession(relabelled("renamed.tflite", renamed))
    turned = json.loads(json.dumps(stored))
    turned["inputs"][0]["permutation"] = [0, 1, 2, 3]
    with pytest.raises(BadInputError, match="its metadata says otherwise"):
        TFLiteSession(relabelled("turned.tflite", turned))
    twice = json.loads(json.dumps(stored))
    twice["inputs"][0]["permutation"] = [0, 2, 2, 1]
    with pytest.raises(BadInputError, match="its metadata says otherwise"):
        TFLiteSession(relabelled("twice.tflite", twice))
    with TFLiteSession(relabelled("nonsense.tflite", ["nothing"])) as session:
        assert session.metadata is None


def test_labels_change_neither_weights_nor_results(foreign: Path, tmp_path: Path) -> None:
    outline = read_outline(foreign)
    path = tmp_path / "labelled.tflite"
    inputs = [("ß", outline.inputs[1].index), ("a:0", outline.inputs[0].index)]
    write_labelled(foreign, path, inputs, [("out", outline.outputs[0].index)], {"a": "1", "b": "zwei"}, "text")
    new = read_outline(path)
    assert new.description == "text"
    assert new.metadata["a"] == b"1"
    assert new.metadata["b"] == b"zwei"
    assert set(outline.metadata) <= set(new.metadata)
    assert [(tensor.name, tensor.shape) for tensor in new.inputs] == [("ß", (1, 16)), ("a:0", (1, 32, 32, 3))]
    assert path.read_bytes().endswith(foreign.read_bytes())
    feeds = feeds_of_swapper()
    arrays = (feeds["target"].transpose(0, 2, 3, 1), feeds["source"])
    with TFLiteSession(foreign) as session:
        (want,) = session.run(dict(zip((spec.name for spec in session.inputs), arrays, strict=True))).values()
    with TFLiteSession(path) as session:
        np.testing.assert_array_equal(session.run({"a:0": arrays[0], "ß": arrays[1]})["out"], want)
    # a second label replaces the first
    again = tmp_path / "again.tflite"
    write_labelled(path, again, inputs, [("out", outline.outputs[0].index)], {"a": "2"}, "other")
    assert read_outline(again).metadata["a"] == b"2"
    assert read_outline(again).metadata["b"] == b"zwei"


def test_an_inner_tensor_of_an_edges_name_moves_aside(foreign: Path, tmp_path: Path) -> None:
    inner = next(name for name in _tensor_names(foreign) if "serving_default" not in name)
    outline = read_outline(foreign)
    path = tmp_path / "labelled.tflite"
    inputs = [(tensor.name, tensor.index) for tensor in outline.inputs]
    write_labelled(foreign, path, inputs, [(inner, outline.outputs[0].index)], {}, "")
    names = _tensor_names(path)
    assert names.count(inner) == 1
    assert names.index(inner) == outline.outputs[0].index


def _tensor_names(path: Path) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_path=str(path)).get_tensor_details()
    return [detail["name"] for detail in sorted(details, key=lambda detail: detail["index"])]


def test_weights_behind_the_flatbuffer_move_into_it(tmp_path: Path) -> None:
    # the quantizer keeps weights behind the flatbuffer in files of more than 256 KiB
    converted, big = tmp_path / "converted.tflite", tmp_path / "big.tflite"
    edges = tflite_litert.convert(tiny_swapper(width=2048), converted, "nhwc", Progress())
    tflite_compress.compress(converted, big, Precision.FP16)
    assert _outside_offsets(big)
    outline = read_outline(big)
    path = tmp_path / "labelled.tflite"
    inputs = [(edge.binding.name, outline.inputs[edge.position].index) for edge in edges.inputs]
    write_labelled(big, path, inputs, [("output", outline.outputs[0].index)], {"ffstudio": "{}"}, "")
    assert not _outside_offsets(path)
    feeds = feeds_of_swapper()
    arrays = (feeds["target"].transpose(0, 2, 3, 1), feeds["source"])
    with TFLiteSession(big) as session:
        (want,) = session.run(dict(zip((spec.name for spec in session.inputs), arrays, strict=True))).values()
    with TFLiteSession(path) as session:
        np.testing.assert_array_equal(session.run({"target": arrays[0], "source": arrays[1]})["output"], want)


def _outside_offsets(path: Path) -> list[int]:
    data = mapped(path)
    buffers = Table(data, struct.unpack_from("<I", data, 0)[0]).tables(4)
    return [offset for buffer in buffers if (offset := buffer.scalar(1, "<Q")) > 1]


def test_a_head_can_be_read_back() -> None:
    old = bytes(range(64))
    front = head(
        Record(
            {
                0: Scalar("<I", 7),
                1: References((Record({1: Scalar("<b", -3)}), Old(12))),
                3: Text("ä"),
                4: Integers((1, -2)),
                6: Octets(b"12345"),
                7: Old(8),
            }
        ),
        b"TEST",
    )
    data = memoryview(front + old)
    table = Table(data, struct.unpack_from("<I", data, 0)[0])
    assert table.scalar(0, "<I") == 7
    assert table.text(3) == "ä"
    assert table.numbers(4, "<i") == (1, -2)
    assert bytes(table.octets(6)) == b"12345"
    assert table.vector(6, 1)[0] % 16 == 0
    assert table.target(7) == len(front) + 8
    assert len(front) % 64 == 0
    first, second = table.targets(1)
    assert Table(data, first).scalar(1, "<b") == -3
    assert second == len(front) + 12
    assert table.field(2) == 0
    assert table.table(2) is None
    assert table.vector(9, 4) == (0, 0)


def test_operator_kinds_are_those_of_the_schema() -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    from converters.targets import tflite_schema

    names = {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}
    by_inputs: dict[int, set[str]] = {}
    for code, inputs in tflite_schema.LEAST_INPUTS.items():
        by_inputs.setdefault(inputs, set()).add(names[code])
    assert names[tflite_schema.DEQUANTIZE] == "DEQUANTIZE"
    assert by_inputs[4] == {"STRIDED_SLICE", "ONE_HOT"}
    assert by_inputs[3] == {"PADV2", "SELECT", "SLICE", "TRANSPOSE_CONV", "SPLIT_V", "SCATTER_ND", "SELECT_V2"}
    assert {"ADD", "CONV_2D", "MIRROR_PAD", "GATHER_ND", "PRELU", "RESIZE_NEAREST_NEIGHBOR"} < by_inputs[2]
    assert {"CUSTOM", "CALL_ONCE", "WHILE", "VAR_HANDLE"}.isdisjoint(set().union(*by_inputs.values()))
    assert "DEQUANTIZE" in by_inputs[1]
    print({inputs: sorted(kinds) for inputs, kinds in by_inputs.items()})


# A child process opens and runs one file after the other and says what came of each.
CHILD = """
import sys
import numpy as np
from pathlib import Path
from converters.errors import BadInputError
from converters.runtimes.tflite import TFLiteSession
for name in sys.argv[1:]:
    print("open", name, flush=True)
    try:
        with TFLiteSession(Path(name), threads=1) as session:
            feeds = {spec.name: np.zeros([max(size, 1) for size in spec.shape], spec.dtype) for spec in session.inputs}
            session.run(feeds)
        outcome = "ran"
    except BadInputError:
        outcome = "refused"
    except MemoryError:
        outcome = "too large"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    print("done", outcome, flush=True)
"""


def mutated(content: bytes, generator: random.Random) -> bytes:
    """Return a truncated copy, or one with flipped bits."""
    if generator.random() < 0.25:
        return content[: generator.randrange(len(content))]
    copy = bytearray(content)
    for _ in range(generator.choice([1, 1, 2, 8])):
        copy[generator.randrange(len(copy))] ^= 1 << generator.randrange(8)
    return bytes(copy)


def outcomes(folder: Path, contents: list[bytes]) -> dict[str, list[int]]:
    """Open every content in child processes; return the numbers of the contents by what came of them."""
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.tflite")
        paths[-1].write_bytes(content)
    found: dict[str, list[int]] = {}
    while paths:
        batch = paths[:200]
        child = subprocess.run(
            [sys.executable, "-c", CHILD, *map(str, batch)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=240,
            check=False,
        )
        lines = [line for line in child.stdout.splitlines() if line.startswith(("open ", "done "))]
        done = [line.removeprefix("done ") for line in lines if line.startswith("done ")]
        for path, outcome in zip(batch, done, strict=False):
            found.setdefault(outcome, []).append(int(path.stem))
        opened = sum(line.startswith("open ") for line in lines)
        if opened > len(done):
            found.setdefault(f"crashed ({child.returncode})", []).append(int(batch[len(done)].stem))
        else:
            assert child.returncode == 0, child.returncode
        paths = paths[opened:]
    return found


def judge(found: dict[str, list[int]], count: int) -> None:
    print({outcome: len(numbers) for outcome, numbers in found.items()})
    assert sum(map(len, found.values())) == count
    unexpected = {outcome: numbers for outcome, numbers in found.items() if outcome not in ("ran", "refused")}
    assert not unexpected, unexpected


def test_damaged_files_are_refused_or_run(swapper: Path, tmp_path: Path) -> None:
    generator = random.Random(11)
    judge(outcomes(tmp_path, [mutated(swapper.read_bytes(), generator) for _ in range(200)]), 200)


def test_a_crash_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashing = CHILD.replace("with TFLiteSession", "import os; os.abort()\n        with TFLiteSession")
    monkeypatch.setattr(sys.modules[__name__], "CHILD", crashing)
    found = outcomes(tmp_path, [b"1", b"2"])
    assert found == {"crashed (-6)": [0, 1]} or all(name.startswith("crashed") for name in found)
    with pytest.raises(AssertionError, match="crashed"):
        judge(found, 2)


@pytest.mark.fuzz
@pytest.mark.parametrize("precision", list(Precision))
def test_thousands_of_damaged_files(tmp_path: Path, precision: Precision) -> None:
    out, files = tmp_path / "out", tmp_path / "files"
    out.mkdir()
    files.mkdir()
    path = TFLiteExporter().export(tiny_swapper(), out, precision, {}, [], Progress()).path
    generator = random.Random(5)
    judge(outcomes(files, [mutated(path.read_bytes(), generator) for _ in range(2000)]), 2000)
