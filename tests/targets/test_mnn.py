"""MNN: files that exist, run and agree, in every precision; and none of the wheel's telemetry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.errors import BadInputError, UnsupportedError, UsageError
from converters.measure.reference import verify, write_references
from converters.progress import Progress
from converters.runtimes.mnn import MnnSession
from converters.runtimes.mnn_file import read_outline
from converters.runtimes.onnx import open_proto
from converters.samples import verification_samples
from converters.targets.base import Precision
from converters.targets.metadata import ArtifactMetadata
from converters.targets.mnn import MnnExporter
from tests.tiny_models import tiny_swapper

PROJECT = Path(__file__).resolve().parents[2]
# int8 files need Encodings: test_mnn_quantize.py.
PRECISIONS = [precision for precision in MnnExporter.precisions if precision is not Precision.INT8]


def export(folder: Path, precision: Precision = Precision.FP32, **options: int) -> Path:
    folder.mkdir(exist_ok=True)
    return MnnExporter().export(tiny_swapper(), folder, precision, dict(options), [], Progress()).path


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_file_draws_the_same_pictures(tmp_path: Path, precision: Precision) -> None:
    model = tiny_swapper()
    path = export(tmp_path / "out", precision)
    samples = verification_samples(model.signature, [], 3)
    with open_proto(model.proto, tmp_path) as original:
        write_references(original, samples, tmp_path / "reference", 60, Progress(), [precision])
    with MnnExporter().open_session(path) as session:
        verification = verify(session, tmp_path / "reference", precision, 60, Progress())
    assert verification.passed, verification.failures
    assert verification.samples == len(samples)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_file_with_one_wrong_weight_tensor_fails(tmp_path: Path, precision: Precision) -> None:
    model = tiny_swapper()
    with open_proto(model.proto, tmp_path) as original:
        samples = verification_samples(model.signature, [], 2)
        write_references(original, samples, tmp_path / "reference", 60, Progress(), [precision])
    wrong = tiny_swapper()
    for tensor in wrong.proto.graph.initializer:
        if tensor.name == "decoder.weight":
            values = np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=0)  # red, green and blue change places
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    (tmp_path / "out").mkdir()
    path = MnnExporter().export(wrong, tmp_path / "out", precision, {}, [], Progress()).path
    with MnnExporter().open_session(path) as session:
        assert not verify(session, tmp_path / "reference", precision, 60, Progress()).passed


def test_precisions_shrink_the_file(tmp_path: Path) -> None:
    sizes = {}
    for precision in PRECISIONS:
        folder = tmp_path / precision
        folder.mkdir()
        model = tiny_swapper(width=96)
        sizes[precision] = MnnExporter().export(model, folder, precision, {}, [], Progress()).path.stat().st_size
        assert [file.name for file in folder.iterdir()] == ["model.mnn"]
    assert sizes[Precision.FP16] < 0.75 * sizes[Precision.FP32]
    assert sizes[Precision.INT8_WEIGHTS] < 0.6 * sizes[Precision.FP32]
    assert sizes[Precision.INT4_WEIGHTS] < sizes[Precision.INT8_WEIGHTS]


def test_metadata_names_and_order(tmp_path: Path) -> None:
    path = export(tmp_path / "out")
    metadata = ArtifactMetadata.from_text(read_outline(path).business_code)
    assert metadata is not None
    assert metadata.source_sha256 == "0" * 64
    assert metadata.signature == tiny_swapper().signature
    with MnnSession(path) as session:
        assert [spec.name for spec in session.inputs] == ["target", "source"]  # MNN itself sorts them by name


def test_inputs_survive_repeated_runs(tmp_path: Path) -> None:
    model = tiny_swapper()
    feeds = verification_samples(model.signature, [], 1)[0].feeds
    with MnnSession(export(tmp_path / "out")) as session:
        first, second = session.run(feeds), session.run(feeds)
    assert np.array_equal(first["output"], second["output"])


def test_wrong_feeds_are_refused(tmp_path: Path) -> None:
    with MnnSession(export(tmp_path / "out")) as session:
        good = verification_samples(tiny_swapper().signature, [], 1)[0].feeds
        with pytest.raises(BadInputError, match="needs the input source"):
            session.run({"target": good["target"]})
        with pytest.raises(BadInputError, match="has no input sauce"):
            session.run({**good, "sauce": good["source"]})
        with pytest.raises(BadInputError, match="has shape"):
            session.run({**good, "target": good["target"][:, :, :8]})
        with pytest.raises(BadInputError, match="has no output"):
            session.run(good, ["picture"])
    with pytest.raises(RuntimeError, match="closed"):
        session.run(good)


def test_unknown_options_and_control_flow_are_said_before_work() -> None:
    exporter = MnnExporter()
    with pytest.raises(UsageError, match="Did you mean 'weight_block'"):
        exporter.check(tiny_swapper(), Precision.FP32, {"weight_blocks": 8})
    model = tiny_swapper()
    model.proto.graph.node.add(op_type="Loop")
    with pytest.raises(UnsupportedError, match="control flow"):
        exporter.check(model, Precision.FP32, {})


def open_and_run(paths: list[str]) -> str:
    """Return a program that opens and runs every file and prints one letter for each: refused or ran."""
    return (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from converters.errors import StudioError\n"
        "from converters.runtimes.mnn import MnnSession\n"
        "from converters.samples import verification_samples\n"
        "from tests.tiny_models import tiny_swapper\n"
        "feeds = verification_samples(tiny_swapper().signature, [], 1)[0].feeds\n"
        f"for path in {paths!r}:\n"
        "    print(path, flush=True)\n"
        "    try:\n"
        "        with MnnSession(Path(path)) as session:\n"
        "            session.run(feeds)\n"
        "        print('ran', flush=True)\n"
        "    except StudioError:\n"
        "        print('refused', flush=True)\n"
    )


def test_damaged_files_are_refused_or_run_or_end_their_own_process_only(tmp_path: Path) -> None:
    """Truncated files never reach MNN. Of those with flipped bits it may crash on a few, in a process of their own."""
    (tmp_path / "out").mkdir()
    model = tiny_swapper(width=32)  # mostly weights, as real ones are
    data = MnnExporter().export(model, tmp_path / "out", Precision.FP32, {}, [], Progress()).path.read_bytes()
    generator = np.random.default_rng(0)
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number in range(200):
        damaged = bytearray(data)
        if number % 2:
            del damaged[int(generator.integers(len(damaged))) :]
        else:
            for place in generator.integers(len(damaged), size=1 + number % 7):
                damaged[place] ^= 1 << int(generator.integers(8))
        (folder / f"{number:03}.mnn").write_bytes(bytes(damaged))
    waiting = [str(file) for file in sorted(folder.iterdir())]
    outcomes: dict[str, str] = {}
    while waiting:
        done = subprocess.run(
            [sys.executable, "-c", open_and_run(waiting), str(PROJECT)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line in ("ran", "refused") or line in waiting]
        for path, outcome in zip(lines[::2], [*lines[1::2], "crashed"], strict=False):
            outcomes[path] = outcome
        assert done.returncode <= 0, done.stderr  # anything but a clean end or a signal is an error that is not typed
        waiting = [path for path in waiting if path not in outcomes]
    crashed = [path for path, outcome in outcomes.items() if outcome == "crashed"]
    assert len(outcomes) == 200
    assert all(outcomes[path] == "refused" for path in outcomes if int(Path(path).stem) % 2)
    assert len(crashed) <= 10, crashed
    assert sum(outcome == "ran" for outcome in outcomes.values()) >= 20  # flipped bits inside weights are no damage


def test_the_logging_module_of_the_wheel_is_never_imported(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from tests.targets.test_mnn import export\n"
        "from converters.runtimes.mnn import MnnSession\n"
        "MnnSession(export(Path(sys.argv[2]))).close()\n"
        "found = [name for name in sys.modules if name.startswith(('MNN.tools', 'aliyun', 'log'))]\n"
        "print('FOUND', found)\n"
        "assert not [name for name in found if name != 'logging' and not name.startswith('logging.')], found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(PROJECT), str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "FOUND" in done.stdout
