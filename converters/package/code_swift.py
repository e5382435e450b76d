"""Swift for Core ML packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.package.code_words import class_name, edge_variables, numbers, numbers_words, pixels_words
from converters.package.code_words import places as channel_places
from converters.package.feeding import Fed, Feeding
from converters.package.source_input import SourceInput

_TYPES = {"float32": "Float", "float16": "Float16", "int32": "Int32"}

_VALUES_OF_PIXELS = """
    /// Pixels (RGBA) to values: value = pixel * scale + bias, one plane per channel.
    private static func values(
        of pixels: [UInt8], order: [Int], scale: [Float], bias: [Float], channelsLast: Bool
    ) -> [Float] {
        let count = pixels.count / 4
        var values = [Float](repeating: 0, count: 3 * count)
        for channel in 0..<3 {
            for place in 0..<count {
                let value = Float(pixels[4 * place + order[channel]]) * scale[channel] + bias[channel]
                values[channelsLast ? 3 * place + channel : channel * count + place] = value
            }
        }
        return values
    }
"""
_PIXELS_OF_VALUES = """
    /// Values to pixels (RGBA): pixel = (value - bias) / scale, clipped to 0...255.
    private static func pixels(
        of values: [Float], order: [Int], scale: [Float], bias: [Float], channelsLast: Bool
    ) -> [UInt8] {
        let count = values.count / 3
        var pixels = [UInt8](repeating: 255, count: 4 * count)
        for channel in 0..<3 {
            for place in 0..<count {
                let value = values[channelsLast ? 3 * place + channel : channel * count + place]
                let level = ((value - bias[channel]) / scale[channel]).rounded()
                pixels[4 * place + order[channel]] = UInt8(min(max(0, level), 255))
            }
        }
        return pixels
    }
"""


def swift(feeding: Feeding, source: SourceInput | None) -> str:
    """Return a class that runs a package, and how the source is made where the model wants an embedding."""
    given, got = edge_variables(feeding)
    stem = Path(feeding.file.removesuffix(".unverified")).stem
    lines = ["import CoreML", "import Foundation"]
    if any(fed.as_image for fed in feeding.inputs):
        lines.append("import CoreVideo")
    lines += [
        "",
        f"final class {class_name(feeding.family or stem)} {{",
        "    private let model: MLModel",
        "",
        f"    /// Xcode compiles the package to {stem}.mlmodelc when it is added to the app target.",
        f'    init(resource: String = "{stem}", bundle: Bundle = .main) throws {{',
        '        guard let url = bundle.url(forResource: resource, withExtension: "mlmodelc") else {',
        "            throw CocoaError(.fileNoSuchFile)",
        "        }",
        "        model = try MLModel(contentsOf: url, configuration: MLModelConfiguration())",
        "    }",
        "",
        "    /// - Parameters:",
    ]
    lines += [f"    ///   - {name}: {_taken(fed)}." for name, fed in zip(given, feeding.inputs, strict=True)]
    lines.append(
        f"    /// - Returns: "
        f"{'; '.join(f'{name}: {_given(fed)}' for name, fed in zip(got, feeding.outputs, strict=True))}."
    )
    parameters = ", ".join(f"{name}: {_parameter(fed)}" for name, fed in zip(given, feeding.inputs, strict=True))
    lines.append(f"    func run({parameters}) throws -> {_result(got, feeding.outputs)} {{")
    for name, fed in zip(given, feeding.inputs, strict=True):
        if fed.is_picture and not fed.as_image:
            lines += _call(f"{name}Values", "values", name, fed)
    lines.append("        let inputs: [String: MLFeatureValue] = [")
    for name, fed in zip(given, feeding.inputs, strict=True):
        lines += [f'            "{fed.name}": {_feature(name, fed)},']
    lines += [
        "        ]",
        "        let results = try model.prediction(from: MLDictionaryFeatureProvider(dictionary: inputs))",
    ]
    for name, fed in zip(got, feeding.outputs, strict=True):
        kind = "Int32" if fed.dtype == "int32" else "Float"
        lines += [
            f'        guard let {name}Array = results.featureValue(for: "{fed.name}")?.multiArrayValue else {{',
            "            throw CocoaError(.coderValueNotFound)",
            "        }",
            f"        let {name}Values = MLShapedArray<{kind}>(converting: {name}Array).scalars",
        ]
        if fed.is_picture:
            lines += _call(f"{name}Pixels", "pixels", f"{name}Values", fed)
    lines.append(f"        return {_returned(got, feeding.outputs)}")
    lines.append("    }")
    text = "\n".join(lines) + "\n"
    if any(fed.is_picture and not fed.as_image for fed in feeding.inputs):
        text += _VALUES_OF_PIXELS
    if any(fed.is_picture for fed in feeding.outputs):
        text += _PIXELS_OF_VALUES
    return f"{text}}}\n{_source(source)}"


def _taken(fed: Fed) -> str:
    if fed.as_image:
        return f"a picture of {fed.shape[-1]} x {fed.shape[-2]} pixels (kCVPixelFormatType_32BGRA)"
    return pixels_words(fed, "RGBA bytes") if fed.is_picture else numbers_words(fed)


def _given(fed: Fed) -> str:
    return pixels_words(fed, "RGBA bytes") if fed.is_picture else numbers_words(fed)


def _parameter(fed: Fed) -> str:
    if fed.as_image:
        return "CVPixelBuffer"
    return "[UInt8]" if fed.is_picture else "[Int32]" if fed.dtype == "int32" else "[Float]"


def _result(names: Sequence[str], outputs: Sequence[Fed]) -> str:
    kinds = ["[UInt8]" if fed.is_picture else "[Int32]" if fed.dtype == "int32" else "[Float]" for fed in outputs]
    if len(kinds) == 1:
        return kinds[0]
    return f"({', '.join(f'{name}: {kind}' for name, kind in zip(names, kinds, strict=True))})"


def _feature(name: str, fed: Fed) -> str:
    if fed.as_image:
        return f"MLFeatureValue(pixelBuffer: {name})"
    kind = _TYPES.get(fed.dtype, "Float")
    values = f"{name}Values" if fed.is_picture else name
    if kind == "Float16":
        values += ".map { Float16($0) }"
    shape = ", ".join(map(str, fed.shape))
    return f"MLFeatureValue(\n                shapedArray: MLShapedArray<{kind}>(scalars: {values}, shape: [{shape}]))"


def _returned(names: Sequence[str], outputs: Sequence[Fed]) -> str:
    values = [f"{name}Pixels" if fed.is_picture else f"{name}Values" for name, fed in zip(names, outputs, strict=True)]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _call(result: str, function: str, argument: str, fed: Fed) -> list[str]:
    """Return the lines that turn pixels into values or back; the tables say which channel is which."""
    order = ", ".join(map(str, channel_places(fed)))
    last = "true" if fed.channels_last else "false"
    return [
        f"        let {result} = Self.{function}( // the channels are {fed.colour}",
        f"            of: {argument}, order: [{order}], scale: [{numbers(fed.scale)}],",
        f"            bias: [{numbers(fed.bias)}], channelsLast: {last})",
    ]


def _source(source: SourceInput | None) -> str:
    if source is None or source.rule not in ("emap", "unit"):
        return ""
    unit = "let length = embedding.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()"
    if source.emap is None:
        return (
            "\n/// The `source` of a face: its embedding at length 1.\n"
            "func sourceVector(embedding: [Float]) -> [Float] {\n"
            f"    {unit}\n    return embedding.map {{ $0 / length }}\n}}\n"
        )
    emap = source.emap
    return (
        f"\n/// The `source` of a face: its embedding at length 1, times the matrix in {emap.file}.\n"
        "func sourceVector(embedding: [Float], emap url: URL) throws -> [Float] {\n"
        f"    {unit}\n"
        "    let data = try Data(contentsOf: url)\n"
        f"    var source = [Float](repeating: 0, count: {emap.columns})\n"
        "    data.withUnsafeBytes { bytes in\n"
        f"        for row in 0..<{emap.rows} {{\n"
        f"            for column in 0..<{emap.columns} {{\n"
        f"                let offset = {emap.offset} + 4 * (row * {emap.columns} + column)\n"
        "                source[column] += embedding[row] / length\n"
        "                    * bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)\n"
        "            }\n        }\n    }\n    return source\n}\n"
    )
