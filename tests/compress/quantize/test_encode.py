"""Encodings from ranges and settings: the rules that people write, what is said when they cannot be kept, and speed."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import numpy as np
import onnx
import pytest

from converters.compress.quantize.edges import first_layers, last_layers
from converters.compress.quantize.encode import encode, encoding_of, make_encodings
from converters.compress.quantize.encodings import Encodings, Scheme
from converters.compress.quantize.layers import find_layers
from converters.compress.quantize.observe import Observations, observe
from converters.compress.quantize.policies import Policy
from converters.compress.quantize.qdq import build_qdq
from converters.compress.quantize.settings import (
    PARAMETERS,
    QuantizeSettings,
    options_of,
    parse_layers,
    parse_ranges,
    rules_text,
    settings_from,
)
from converters.errors import UsageError
from converters.model.families import families
from converters.model.graph import Model
from tests.compress.quantize.drawn import DrawnSample, drawn_samples
from tests.tiny_models import tiny_swapper

ENCODER, STYLE, DECODER = "Conv:encoded", "Gemm:style", "Conv:drawn"


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_swapper()


@pytest.fixture(scope="module")
def seen(model: Model) -> Observations:
    return observe(model, drawn_samples(model, 6))


def schemes(encodings: Encodings) -> dict[str, str]:
    return {name: layer.scheme.value for name, layer in encodings.layers.items()}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ends", [(-1.0, 3.0), (0.0, 6.0), (-2.0, 0.0), (0.5, 0.7), (-1e-3, 5e4), (0.0, 0.0)])
def test_an_encoding_covers_its_range_and_holds_zero_exactly(
    ends: tuple[float, float], bits: int, symmetric: bool
) -> None:
    encoding = encoding_of(*ends, bits, symmetric)
    assert encoding.scale > 0
    assert encoding.lowest <= encoding.zero_point <= encoding.highest
    assert encoding.symmetric == (encoding.zero_point == 0 and (symmetric or bits == 16))
    assert encoding.scale == float(np.float32(encoding.scale))
    points = np.array([*ends, 0.0], np.float32)
    back = encoding.dequantize(encoding.quantize(points))
    assert back[2] == 0
    assert np.abs(back - points).max() <= encoding.scale * 0.5001 + 1e-6 * np.abs(points).max()
    span = max(ends[1], 0) - min(ends[0], 0)
    if span:
        assert encoding.scale < 2.01 * span / (2**bits - 1)
    halved = replace(encoding, scale=encoding.scale / 2)
    if span:
        assert np.abs(halved.dequantize(halved.quantize(points)) - points).max() > encoding.scale


def test_layers_get_the_ranges_that_were_seen(model: Model, seen: Observations) -> None:
    made = make_encodings(model, seen, QuantizeSettings(policy=Policy.MIN_MAX))
    assert schemes(made) == {ENCODER: "w8a8", STYLE: "w8a8", DECODER: "w8a8"}
    for layer in find_layers(model.proto):
        encoding = made.layers[layer.name]
        for own, tensor in ((encoding.input, layer.input), (encoding.output, layer.output)):
            assert own is not None
            assert own.low == min(seen.tensors[tensor].low, 0)
            assert own.high == max(seen.tensors[tensor].high, 0)
    assert made.origin == "min-max ranges of 6 samples"
    build_qdq(model, made)


def test_later_rules_win_and_speak_of_names_operators_and_edges(model: Model, seen: Observations) -> None:
    def made(rules: str, scheme: Scheme = Scheme.W8A8) -> dict[str, str]:
        settings = QuantizeSettings(scheme=scheme, layers=parse_layers(rules))
        return schemes(make_encodings(model, seen, settings))

    assert made("Conv=w8,*drawn=float") == {ENCODER: "w8", STYLE: "w8a8", DECODER: "float"}
    assert made("*drawn=float,Conv=w8") == {ENCODER: "w8", STYLE: "w8a8", DECODER: "w8"}
    assert made("first=w8a16,last=dynamic") == {ENCODER: "w8a16", STYLE: "w8a8", DECODER: "dynamic"}
    assert made("*=w4,Gemm:style=float", Scheme.FLOAT) == {ENCODER: "w4", STYLE: "float", DECODER: "w4"}
    assert made("ConvTranspose=w8") == {ENCODER: "w8a8", STYLE: "w8a8", DECODER: "w8a8"}


@pytest.mark.parametrize(
    "name",
    [
        "conv,1",
        "last",
        "first",
        "Conv",
        "Gemm",
        "a=w8,b",
        " a\t\n",
        "100%",
        "%2C",
        "%12",
        "a[0]*",
        "*",
        "ä\u00a0ö",
        "=",
        ",",
    ],
)
def test_layers_of_all_names_can_be_spoken_of(model: Model, seen: Observations, name: str) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    (style,) = [node for node in proto.graph.node if node.name == STYLE]
    style.name = name
    odd = model.with_proto(proto)
    kept = {name: Scheme.FLOAT, DECODER: Scheme.W8}
    settings = settings_from(options_of(QuantizeSettings(layers=kept, ranges={name: (-1.0, 0.5)})))
    assert settings.layers == kept
    assert settings.ranges == {name: (-1.0, 0.5)}
    found = make_encodings(odd, seen, replace(settings, ranges={}))
    assert schemes(found) == {ENCODER: "w8a8", name: "float", DECODER: "w8"}
    again = dict(parse_layers(rules_text({layer: each.scheme for layer, each in found.layers.items()})))
    assert make_encodings(odd, seen, QuantizeSettings(Scheme.W4, layers=again)).layers == found.layers


def test_a_familys_words_mean_edges_whatever_layers_are_called(model: Model, seen: Observations) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    (style,) = [node for node in proto.graph.node if node.name == STYLE]
    style.name = "last"
    demo = replace(model.with_proto(proto), family="demo_swapper")
    assert schemes(make_encodings(demo, seen, QuantizeSettings())) == {ENCODER: "w8", "last": "w8a8", DECODER: "w8"}


def test_what_is_written_by_hand_needs_no_escapes_where_none_are_meant() -> None:
    assert parse_layers("%12=w8,/a%zz = float,50%=w4") == {"%12": Scheme.W8, "/a%zz": Scheme.FLOAT, "50%": Scheme.W4}
    assert parse_layers("a%2cb%20c=w8") == {"a,b c": Scheme.W8}


def test_a_rule_for_nothing_names_what_there_is(model: Model, seen: Observations) -> None:
    with pytest.raises(UsageError, match=r"no layer is called 'Conv:drwan'.*Did you mean 'Conv:drawn'"):
        make_encodings(model, seen, QuantizeSettings(layers={"Conv:drwan": Scheme.W8}))
    with pytest.raises(UsageError, match=r"reads or writes a tensor 'stile'.*Did you mean 'style'"):
        make_encodings(model, seen, QuantizeSettings(ranges={"stile": (0, 1)}))


def test_a_range_by_hand_is_used_widened_to_zero(model: Model, seen: Observations) -> None:
    settings = QuantizeSettings(ranges={"style": (0.5, 2.0), "drawn": (-1.0, 1.5)})
    made, notes = encode(model, seen, settings)
    style, drawn = made.layers[STYLE].output, made.layers[DECODER].output
    assert style is not None
    assert drawn is not None
    assert (style.low, style.high) == (0.0, 2.0)
    assert (drawn.low, drawn.high) == (-1.0, 1.5)
    assert any("style was widened to 0" in note for note in notes)
    assert made.origin.endswith("2 set by hand")
    plain = make_encodings(model, seen, QuantizeSettings())
    assert plain.layers[STYLE].output != style
    _, notes = encode(model, seen, replace(settings, scheme=Scheme.W8))
    assert any("without effect" in note for note in notes)


def test_what_was_not_seen_keeps_float_activations(model: Model, seen: Observations) -> None:
    made, notes = encode(model, None, QuantizeSettings())
    assert set(schemes(made).values()) == {"w8"}
    assert any("no range was observed: Conv:encoded, Gemm:style, Conv:drawn" in note for note in notes)
    tensors = {name: tensor for name, tensor in seen.tensors.items() if name != "style"}
    made, notes = encode(model, replace(seen, tensors=tensors), QuantizeSettings())
    assert schemes(made) == {ENCODER: "w8a8", STYLE: "w8", DECODER: "w8a8"}
    by_hand = QuantizeSettings(ranges={"style": (-1, 1)})
    assert schemes(make_encodings(model, replace(seen, tensors=tensors), by_hand))[STYLE] == "w8a8"
    assert set(schemes(make_encodings(model, None, QuantizeSettings(scheme=Scheme.DYNAMIC))).values()) == {"dynamic"}


def test_constant_tensors_and_layers_that_never_fire_are_said_and_still_run(model: Model) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    for node in proto.graph.node:  # a Relu right behind the encoder, which a large negative bias keeps silent
        if node.op_type == "LeakyRelu":
            node.op_type = "Relu"
            del node.attribute[:]
        if node.name == ENCODER:
            node.input.append("encoder.bias")
    bias = onnx.numpy_helper.from_array(np.full(8, -1e4, np.float32), "encoder.bias")
    proto.graph.initializer.insert(0, bias)
    silent = model.with_proto(proto)
    samples = [
        DrawnSample(sample.name, {**sample.feeds, "source": np.full((1, 16), 2.5, np.float32)})
        for sample in drawn_samples(silent, 2)
    ]
    seen = observe(silent, samples)
    for policy in Policy:
        made, notes = encode(silent, seen, QuantizeSettings(policy=policy))
        assert any("writes active never fired" in note for note in notes)
        assert any("source was 2.5 everywhere" in note for note in notes)
        output = made.layers[ENCODER].output
        assert output is not None
        assert (output.low, output.high) == (0.0, 1.0)
        build_qdq(silent, made)


def test_shared_weights_and_replaced_ones_are_each_layers_own(model: Model, seen: Observations) -> None:
    doubled = {"decoder.weight": np.full((3, 8, 3, 3), 0.25, np.float32)}
    made = make_encodings(model, seen, QuantizeSettings(), doubled)
    weight = made.layers[DECODER].weight
    assert weight is not None
    assert weight.scale == pytest.approx([0.25 / 127] * 3)
    assert made.replaced.keys() == doubled.keys()
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    proto.graph.node.append(onnx.helper.make_node("Conv", ["styled_active", "decoder.weight"], ["second"], "second"))
    proto.graph.output.add().name = "second"
    twin = model.with_proto(proto)
    both = observe(twin, drawn_samples(twin, 2))
    settings = QuantizeSettings(layers={"second": Scheme.W4, DECODER: Scheme.W8}, weight_block=0)
    made = make_encodings(twin, both, settings)
    first, second = made.layers[DECODER].weight, made.layers["second"].weight
    assert first is not None
    assert second is not None
    assert (first.bits, second.bits) == (8, 4)
    build_qdq(twin, made)


def test_a_transposed_convolution_keeps_float_activations(model: Model) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    weight = np.random.default_rng(0).standard_normal((3, 2, 2, 2)).astype(np.float32)
    proto.graph.initializer.insert(0, onnx.numpy_helper.from_array(weight, "up.weight"))
    proto.graph.node.append(onnx.helper.make_node("ConvTranspose", ["output", "up.weight"], ["larger"], "up"))
    proto.graph.output.add().name = "larger"
    changed = model.with_proto(proto)
    made, notes = encode(changed, observe(changed, drawn_samples(changed, 2)), QuantizeSettings())
    assert schemes(made)["up"] == "w8"
    assert any("transposed convolutions" in note and "up" in note for note in notes)


def test_edges_are_those_next_to_pictures_and_outputs(model: Model) -> None:
    layers = find_layers(model.proto)
    assert first_layers(model, layers) == {ENCODER}
    assert last_layers(model, layers) == {DECODER}


def test_families_keep_what_they_need_unless_told_otherwise(model: Model, seen: Observations) -> None:
    known = families()["demo_swapper"]
    assert known.quantize == {"first": "w8", "last": "w8"}
    demo = replace(model, family="demo_swapper")
    made, notes = encode(demo, seen, QuantizeSettings())
    assert schemes(made) == {ENCODER: "w8", STYLE: "w8a8", DECODER: "w8"}
    assert any("models of this kind" in note for note in notes)
    assert set(schemes(make_encodings(demo, seen, QuantizeSettings(families_defaults=False))).values()) == {"w8a8"}
    over = QuantizeSettings(layers={"last": Scheme.W8A8})
    assert schemes(make_encodings(demo, seen, over))[DECODER] == "w8a8"
    assert schemes(make_encodings(demo, seen, QuantizeSettings(scheme=Scheme.FLOAT)))[DECODER] == "float"


def test_every_familys_rules_are_schemes() -> None:
    for known in families().values():
        for pattern, word in known.quantize.items():
            assert pattern
            assert word in tuple(Scheme)


def test_settings_come_back_from_their_options() -> None:
    assert settings_from({}) == QuantizeSettings()
    assert settings_from({item.name: item.default for item in PARAMETERS}) == QuantizeSettings()
    settings = QuantizeSettings(
        Scheme.W8A16,
        Policy.PERCENTILE,
        99.5,
        True,
        {"/a=b/*": Scheme.W8, "last": Scheme.FLOAT},
        {"x:0": (-1.25, 1e-3), "y": (0.0, 3.0)},
        False,
        0,
    )
    assert settings_from(options_of(settings)) == settings
    again = parse_layers("a=w8, b=float ,a=w4,")
    assert list(again.items()) == [("b", Scheme.FLOAT), ("a", Scheme.W4)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "w9a9"}, "scheme cannot be"),
        ({"policy": "best"}, "policy cannot be"),
        ({"percentile": 20.0}, "between"),
        ({"layers": "Conv"}, "pattern=scheme"),
        ({"layers": "Conv=dinamic"}, r"no scheme for Conv\. Did you mean 'dynamic'"),
        ({"ranges": "x=1"}, "no range for x"),
        ({"ranges": "x=2:1"}, "holds nothing"),
        ({"ranges": "x=nan:1"}, "holds nothing"),
        ({"ranges": "=1:2"}, "tensor=low:high"),
        ({"weight_block": -1}, "between"),
    ],
)
def test_options_that_make_no_sense_are_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_from(options)  # type: ignore[arg-type]


def test_ranges_are_read_with_signs_and_exponents() -> None:
    assert parse_ranges("a=-1e-3:2.5,b:0=0:1") == {"a": (-1e-3, 2.5), "b:0": (0.0, 1.0)}


def test_encodings_take_milliseconds(model: Model, seen: Observations) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        make_encodings(model, seen, QuantizeSettings())
        return time.perf_counter() - start

    assert statistics.median(seconds() for _ in range(5)) < 0.2
