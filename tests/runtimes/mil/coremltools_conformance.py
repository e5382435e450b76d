"""A pytest plugin: coremltools' own operator tests, their expected values compared with the reference executor's.

coremltools ships the tests that its authors run on Macs against Core ML. Away from a Mac they stop before comparing
anything; here the comparison is done with what the reference executor computes from the saved package.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from converters.runtimes.mil.coremltools_import import import_coremltools
from converters.runtimes.mil.program import MilProgram

import_coremltools()
from coremltools.converters.mil.mil.ops.tests import testing_utils  # noqa: E402

COUNTS: Counter[str] = Counter()

# Left out, by a pattern over "folder/file::Class::test[parameters]"; each with its reason.
EXCLUDED = {
    r"test_random\.py": "random numbers are not reproducible between runtimes",
    r"test_recurrent\.py": "GRU, LSTM and RNN are not implemented, and named so",
    r"::TestList": "lists are not implemented, and named so",
    r"TestFill::test_builder_to_backend_symbolic": "an output of unknown rank, which is refused as unsupported",
    r"test_states\.py": "state is not implemented, and named so",
    r"test_(ios17_)?invalid_indices": "expects the sentence of Core ML's own error",
    r"iOS15/test_image_resizing\.py::TestCropResize::test_builder_to_backend_smoke": (
        "normalised boxes far outside 0..1, which the operator's documentation forbids"
    ),
    r"iOS15/test_image_resizing\.py::TestResample.*'fp32'": "counts the casts that only half precision inserts",
    r"TestNormalizationLocalResponseNorm::test_builder_to_backend_smoke.*'fp32'": (
        "expects neighbouring channels to be ignored; the stress test, which compares with torch, is kept"
    ),
}


def _as_fed(value: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if hasattr(value, "convert"):  # a picture
        array = array[None, None] if array.ndim == 2 else array.transpose(2, 0, 1)[None]
    return array.astype(dtype).reshape([array.shape[axis] if size < 0 else size for axis, size in enumerate(shape)])


def compare(
    mlmodel: Any, input_key_values: dict[str, Any], expected_outputs: dict[str, Any] | None, **options: Any
) -> None:
    """Stand where coremltools compares a Mac's prediction: run the saved package and compare."""
    if mlmodel.get_spec().WhichOneof("Type") != "mlProgram" or expected_outputs is None:
        pytest.skip("no ML program, or no expected values")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mlpackage"
        mlmodel.save(str(path))
        program = MilProgram.load(path)
    feeds = {edge.name: _as_fed(input_key_values[edge.name], edge.shape, edge.dtype) for edge in program.inputs}
    types = [program.value_type(name).dtype for name in (*feeds, *program.intermediate_names)]
    half = "fp16" in types
    results = program.run(feeds, precision="fp16" if half else "fp32")
    for name, expected in expected_outputs.items():
        wanted, result = np.asarray(expected, np.float64), results[name].astype(np.float64)
        if options.get("also_compare_shapes", True):
            assert result.shape == wanted.shape, (name, result.shape, wanted.shape)
        finite = wanted[np.isfinite(wanted)]
        largest = float(np.abs(finite).max()) if finite.size else 0.0
        # coremltools' own limits: 1e-4 in single precision. In half precision it allows 0.5 whatever the values; here
        # it is a hundredth of the largest, which is ten roundings.
        absolute = 0.01 * largest if half else 1e-4 * max(1.0, largest)
        np.testing.assert_allclose(result, wanted, rtol=0.01 if half else 1e-4, atol=max(absolute, 1e-6))
    COUNTS["compared"] += 1
    for kind in program.operation_kinds():
        COUNTS[f"operator {kind}"] += 1


testing_utils.compare_backend = compare


def _identity(item: pytest.Item) -> str:
    return f"{item.path.parent.name}/{item.path.name}::{'::'.join(item.nodeid.split('::')[1:])}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what `EXCLUDED` names."""
    kept = [item for item in items if not any(re.search(pattern, _identity(item)) for pattern in EXCLUDED)]
    COUNTS["excluded"] = len(items) - len(kept)
    items[:] = kept


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many comparisons were made, and of which operators."""
    kinds = sorted(key.removeprefix("operator ") for key in COUNTS if key.startswith("operator "))
    terminalreporter.write_line(
        f"CONFORMANCE compared={COUNTS['compared']} excluded={COUNTS['excluded']} operators={len(kinds)}: "
        f"{' '.join(kinds)}"
    )
