"""The ONNX project's own backend node tests against the importer.

Each test's graph is imported twice: with every input alive, and with all inputs but the first baked in as initializers,
which is how weights, shapes, axes and scales appear in real models (layers instead of functions, and constant folding).
The first is refused where a parameter such as Reshape's shape is then only known when the model runs; whatever is not
refused must be right, and at least one of the variants must have run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest

from converters.errors import BadInputError, StudioError, UnsupportedError
from converters.torch_import.importer import import_model
from tests.torch_import.backend_cases import Arrays, as_array, baked, check, collect

# Operators without a builder, and why. Every one of them must be refused by name.
OPERATORS = {
    "text": "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer LabelEncoder",
    "sequences and optionals are no tensors": "SequenceInsert SequenceMap SplitToSequence OptionalGetElement "
    "OptionalHasElement SequenceEmpty SequenceLength SequenceAt",
    "control flow": "Loop Scan",
    "recurrent: no picture model has it": "GRU LSTM RNN LinearAttention",
    "random numbers": "Bernoulli RandomUniformLike",
    "spectra of sound, no picture model has it": "DFT STFT MelWeightMatrix",
    "integer arithmetic of quantized operators; QDQ graphs are supported": "ConvInteger MatMulInteger QLinearConv "
    "QLinearMatMul",
    "no model of the families has it": "BitCast Col2Im DeformConv ImageDecoder MaxUnpool RoiAlign TensorScatter Unique",
    "classic machine learning": "ArrayFeatureExtractor Binarizer TreeEnsemble",
    "training": "Adagrad Adam Momentum Gradient",
    "preview operator set": "FlexAttention",
}
# Operators that run by their ONNX function body, which cannot be had when optional inputs before others are absent.
BODIES_WITH_GAPS = ("Attention", "CausalConvWithState")
STORAGE_TYPES = ("FLOAT8", "FLOAT4", "INT4", "INT2")  # UINT4 and UINT2 contain these names
UNROUNDED_SIZES = (
    "test_resize_downsample_scales_linear_align_corners",
    "test_resize_downsample_scales_cubic_align_corners",
)
LIVE_CONDITIONS = ("test_if", "test_if_seq", "test_if_opt")
TRAINING = ("test_batchnorm_example_training_mode", "test_batchnorm_epsilon_training_mode", "test_training_dropout")


@dataclass
class Case:
    """One of the tests, with its values as arrays."""

    name: str
    model: onnx.ModelProto
    feeds: Arrays
    expected: list[np.ndarray]
    rtol: float
    atol: float


def _operators(nodes: Any) -> set[str]:
    names = set()
    for node in nodes:
        names.add(node.op_type)
        for attribute in node.attribute:
            names |= _operators(attribute.g.node)
    return names


def exclusion(case: Any) -> str:
    """Return why a test is not expected to pass, or ""."""
    graph = case.model.graph
    used = _operators(graph.node)
    for reason, names in OPERATORS.items():
        hit = used & set(names.split())
        if hit:
            return f"{', '.join(sorted(hit))}: {reason}"
    types = [value.type for value in (*graph.input, *graph.output)]
    if any(not kind.HasField("tensor_type") for kind in types):
        return "sequences and optionals are no tensors"
    element_types = {onnx.TensorProto.DataType.Name(kind.tensor_type.elem_type) for kind in types}
    if "STRING" in element_types:
        return "text"
    small = [name for name in element_types if any(part in name for part in STORAGE_TYPES)]
    if small:
        return f"{', '.join(sorted(small))}: a storage type that torch cannot compute with"
    if case.name in UNROUNDED_SIZES:
        return "ONNX Runtime, which the importer follows, counts whole output pixels in align_corners"
    if case.name in LIVE_CONDITIONS:
        return "control flow that depends on the data"
    if any(case.name.startswith(name) for name in TRAINING):
        return "training mode; the importer builds evaluation mode"
    if any(item.version < 7 for item in case.model.opset_import if item.domain == ""):
        return "operator set older than 7"
    return ""


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    return collect()


def _case(raw: Any) -> Case:
    inputs, outputs = raw.data_sets[0]
    names = [value.name for value in raw.model.graph.input]
    feeds = {name: as_array(value) for name, value in zip(names, inputs, strict=True)}
    rtol, atol = raw.rtol, raw.atol
    kinds = {value.dtype.name for value in feeds.values()}
    if "bfloat16" in kinds:  # two units in the last place; the sums are not made in the same order
        rtol, atol = max(rtol, 2.0**-6), max(atol, 1e-3)
    elif "float16" in kinds:
        rtol, atol = max(rtol, 2.0**-9), max(atol, 1e-4)
    return Case(raw.name, raw.model, feeds, [as_array(value) for value in outputs], rtol, atol)


def _has_gap(case: Case) -> bool:
    return any(node.op_type in BODIES_WITH_GAPS and "" in node.input for node in case.model.graph.node)


def _variants(case: Case) -> list[onnx.ModelProto]:
    names = list(case.feeds)
    return [case.model, baked(case.model, names[1:], case.feeds), baked(case.model, names, case.feeds)]


def _is_run_time_refusal(error: StudioError) -> bool:
    return "only known when the model runs" in str(error) or "depends on the data" in str(error)


def test_every_supported_operator_passes(cases: list[Any], backend_counts: dict[str, int]) -> None:
    passed, gaps, failures = 0, 0, []
    runs = {"alive": 0, "baked": 0}
    for raw in cases:
        if exclusion(raw):
            continue
        case = _case(raw)
        if _has_gap(case):
            gaps += 1
            continue
        ran = 0
        for kind, model in zip(("alive", "baked", "constant"), _variants(case), strict=True):
            if ran and (kind == "constant" or case.name.endswith("_expanded")):
                continue  # everything folded, and function bodies spelled out: once is enough
            try:
                check(model, case.feeds, case.expected, case.rtol, case.atol)
            except StudioError as error:
                if not _is_run_time_refusal(error):
                    failures.append(f"{case.name} ({kind}): {error}")
            except Exception as error:
                failures.append(f"{case.name} ({kind}): {type(error).__name__} {str(error)[:300]}")
            else:
                ran += 1
                runs[kind] = runs.get(kind, 0) + 1
        if not ran:
            failures.append(f"{case.name}: refused in every variant")
        passed += bool(ran)
    backend_counts["tests passed"] = passed - len({line.split()[0] for line in failures})
    backend_counts["with all inputs alive"] = runs["alive"]
    backend_counts["with baked weights"] = runs["baked"]
    backend_counts["not run because a function body needs an absent input"] = gaps
    assert not failures, "\n".join(failures)
    assert passed >= 1450  # an exclusion that grows by accident must not go unseen


def test_every_exclusion_is_refused_with_a_sentence(cases: list[Any], backend_counts: dict[str, int]) -> None:
    excluded = [raw for raw in cases if exclusion(raw)]
    backend_counts["excluded"] = len(excluded)
    accepted = []
    for raw in excluded:
        if any(raw.name.startswith(name) for name in (*TRAINING, *UNROUNDED_SIZES)):
            continue  # refused only when the training flag is a constant; see the next test
        try:
            import_model(raw.model)
        except (UnsupportedError, BadInputError):
            continue
        accepted.append(f"{raw.name}: excluded because {exclusion(raw)}, yet it imports")
    assert not accepted, "\n".join(accepted)


def test_training_mode_is_refused(cases: list[Any]) -> None:
    wanted = [raw for raw in cases if any(raw.name.startswith(name) for name in TRAINING)]
    wanted = [raw for raw in wanted if not raw.name.endswith("_expanded")]
    assert wanted
    for raw in wanted:
        case = _case(raw)
        with pytest.raises(UnsupportedError, match="training mode"):
            import_model(baked(case.model, list(case.feeds)[1:], case.feeds))


@pytest.mark.parametrize(
    "name", ["test_resize_upsample_scales_linear", "test_conv_with_strides_padding", "test_gemm_all_attributes"]
)
def test_a_wrong_expectation_is_noticed(cases: list[Any], name: str) -> None:
    """The twin: the same comparison fails when the expected values are off by one percent."""
    case = _case(next(raw for raw in cases if raw.name == name))
    model = _variants(case)[1]
    check(model, case.feeds, case.expected, case.rtol, case.atol)
    with pytest.raises(AssertionError):
        check(model, case.feeds, [value * 1.01 for value in case.expected], case.rtol, case.atol)
