"""Kotlin for .tflite files in LiteRT's Interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.package.code_words import (
    class_name,
    edge_variables,
    number,
    numbers,
    numbers_words,
    pixels_words,
)
from converters.package.feeding import Fed, Feeding
from converters.package.source_input import SourceInput

SIGNATURE = "serving_default"
_BYTES = {
    **{"float64": 8, "float32": 4, "float16": 2},
    **{"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1},
}
_HALF = "android.util.Half"
_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
_PUT = {"int8": "put({}.toByte())", "uint8": "put({}.toByte())", "int16": "putShort({}.toShort())"}
_GET = {
    "int8": "{0}.get(it).toInt()",
    "uint8": "({0}.get(it).toInt() and 255)",
    "int16": "{0}.getShort(2 * it).toInt()",
}


def kotlin(feeding: Feeding, source: SourceInput | None) -> str:
    """Return a class that runs a file, and how the source is made where the model wants an embedding."""
    given, got = edge_variables(feeding)
    stem = Path(feeding.file.removesuffix(".unverified")).stem
    lines = [
        "import java.io.File",
        "import java.nio.ByteBuffer",
        "import java.nio.ByteOrder",
        *(["import kotlin.math.sqrt"] if source is not None and source.rule in ("emap", "unit") else []),
        "import org.tensorflow.lite.Interpreter",
        "",
        f"/** Runs {feeding.file}: copy it from the app's assets to a file first. */",
        f"class {class_name(feeding.family or stem)}(file: File, threads: Int = 4) : AutoCloseable {{",
        "    private val interpreter = Interpreter(file, Interpreter.Options().setNumThreads(threads))",
        "",
        "    /**",
    ]
    lines += [f"     * @param {name} {_words(fed)}." for name, fed in zip(given, feeding.inputs, strict=True)]
    returned = "; ".join(f"{name}: {_words(fed)}" for name, fed in zip(got, feeding.outputs, strict=True))
    lines += [f"     * @return {returned}.", "     */"]
    parameters = ", ".join(f"{name}: {_type(fed)}" for name, fed in zip(given, feeding.inputs, strict=True))
    several = len(got) > 1
    lines.append(f"    fun run({parameters}): {'Result' if several else _type(feeding.outputs[0])} {{")
    for name, fed in zip(given, feeding.inputs, strict=True):
        lines += [f"        {line}" for line in _put(name, fed)]
    for name, fed in zip(got, feeding.outputs, strict=True):
        lines.append(f"        val {name}Buffer = buffer({fed.count * _BYTES[fed.dtype]})")
    lines += [
        "        interpreter.runSignature(",
        f"            mapOf({_pairs(given, feeding.inputs)}),",
        f"            mapOf({_pairs(got, feeding.outputs)}),",
        f'            "{SIGNATURE}",',
        "        )",
    ]
    for name, fed in zip(got, feeding.outputs, strict=True):
        lines += [f"        {line}" for line in _get(name, fed)]
    answer = f"Result({', '.join(got)})" if several else got[0]
    lines.append(f"        return {answer}")
    lines += ["    }", "", "    override fun close() = interpreter.close()", ""]
    lines.append("    private fun buffer(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())")
    if several:
        fields = ", ".join(f"val {name}: {_type(fed)}" for name, fed in zip(got, feeding.outputs, strict=True))
        lines += ["", f"    class Result({fields})"]
    lines.append("}")
    return "\n".join(lines) + "\n" + _source(source)


def _words(fed: Fed) -> str:
    return pixels_words(fed, "as Bitmap.getPixels gives them (ARGB)") if fed.is_picture else numbers_words(fed)


def _type(fed: Fed) -> str:
    if fed.is_picture:
        return "IntArray"
    if fed.codes or fed.dtype.startswith("float"):
        return "FloatArray"
    return "LongArray" if fed.dtype == "int64" else "IntArray"


def _pairs(names: Sequence[str], feds: Sequence[Fed]) -> str:
    return ", ".join(f'"{fed.name}" to {name}Buffer' for name, fed in zip(names, feds, strict=True))


def _shifts(fed: Fed) -> str:
    return "intArrayOf(0, 8, 16)" if fed.colour == "BGR" else "intArrayOf(16, 8, 0)"


def _tables(name: str, fed: Fed) -> list[str]:
    return [
        f"val {name}Shift = {_shifts(fed)} // the channels are {fed.colour}",
        f"val {name}Scale = floatArrayOf({numbers(fed.scale, 'f')})",
        f"val {name}Bias = floatArrayOf({numbers(fed.bias, 'f')})",
    ]


def _put(name: str, fed: Fed) -> list[str]:
    size = fed.count * _BYTES[fed.dtype]
    lines = [f"val {name}Buffer = buffer({size})"]
    if not fed.is_picture:
        lines.append(f"for (number in {name}) {name}Buffer.{_put_call(fed, 'number')}")
        return [*lines, f"{name}Buffer.rewind()"]
    value = f"(pixel shr {name}Shift[channel] and 255) * {name}Scale[channel] + {name}Bias[channel]"
    loops = ["for (pixel in {0}) {{", "for (channel in 0..2) {{"]
    outer, inner = (each.format(name) for each in (loops if fed.channels_last else reversed(loops)))
    return [
        *_tables(name, fed),
        *lines,
        f"{outer} // {fed.layout}: {'channels last' if fed.channels_last else 'one plane per channel'}",
        f"    {inner}",
        f"        {name}Buffer.{_put_call(fed, value)}",
        "    }",
        "}",
        f"{name}Buffer.rewind()",
    ]


def _put_call(fed: Fed, value: str) -> str:
    if fed.codes:
        low, high = _LIMITS[fed.dtype]
        scale, zero = number(fed.codes["scale"]), int(fed.codes["zero_point"])
        inner = f"({value})" if " " in value else value
        code = f"(Math.round({inner} / {scale}f) + {zero}).coerceIn({low}, {high})"
        return _PUT[fed.dtype].format(code)
    if fed.dtype == "int32":
        return f"putInt({value})"
    if fed.dtype == "int64":
        return f"putLong({value})"
    if fed.dtype == "float32":
        return f"putFloat({value})"
    if fed.dtype == "float16":
        return f"putShort({_HALF}.toHalf({value}))"
    if fed.dtype == "float64":
        return f"putDouble(({value}).toDouble())"
    return f"put({value}.toByte())"


def _get(name: str, fed: Fed) -> list[str]:
    read = f"{name}Buffer.getFloat(4 * it)"
    if fed.codes:
        code = _GET[fed.dtype].format(f"{name}Buffer")
        read = f"({code} - {int(fed.codes['zero_point'])}) * {number(fed.codes['scale'])}f"
    elif fed.dtype == "float16":
        read = f"{_HALF}.toFloat({name}Buffer.getShort(2 * it))"
    elif fed.dtype == "float64":
        read = f"{name}Buffer.getDouble(8 * it).toFloat()"
    elif fed.dtype == "int64":
        return [f"val {name} = LongArray({fed.count}) {{ {name}Buffer.getLong(8 * it) }}"]
    elif fed.dtype == "int32":
        return [f"val {name} = IntArray({fed.count}) {{ {name}Buffer.getInt(4 * it) }}"]
    elif fed.dtype in ("int8", "uint8", "bool"):
        return [f"val {name} = IntArray({fed.count}) {{ {name}Buffer.get(it).toInt() }}"]
    if not fed.is_picture:
        return [f"val {name} = FloatArray({fed.count}) {{ {read} }}"]
    plane = fed.width * fed.height
    index = "3 * place + channel" if fed.channels_last else f"channel * {plane} + place"
    return [
        *_tables(name, fed),
        f"val {name}Values = FloatArray({fed.count}) {{ {read} }}",
        f"val {name} = IntArray({plane}) {{ place ->",
        "    var pixel = 255 shl 24",
        "    for (channel in 0..2) {",
        f"        val level = ({name}Values[{index}] - {name}Bias[channel]) / {name}Scale[channel]",
        f"        pixel = pixel or (Math.round(level).coerceIn(0, 255) shl {name}Shift[channel])",
        "    }",
        "    pixel",
        "}",
    ]


def _source(source: SourceInput | None) -> str:
    if source is None or source.rule not in ("emap", "unit"):
        return ""
    unit = "val length = sqrt(embedding.fold(0f) { sum, number -> sum + number * number })"
    if source.emap is None:
        return (
            "\n/** The `source` of a face: its embedding at length 1. */\n"
            "fun sourceVector(embedding: FloatArray): FloatArray {\n"
            f"    {unit}\n    return FloatArray(embedding.size) {{ embedding[it] / length }}\n}}\n"
        )
    emap = source.emap
    return (
        f"\n/** The `source` of a face: its embedding at length 1, times the matrix in {emap.file}. */\n"
        "fun sourceVector(embedding: FloatArray, emap: File): FloatArray {\n"
        f"    {unit}\n"
        "    val matrix = ByteBuffer.wrap(emap.readBytes()).order(ByteOrder.LITTLE_ENDIAN)\n"
        f"    val source = FloatArray({emap.columns})\n"
        f"    for (row in 0 until {emap.rows}) {{\n"
        f"        for (column in 0 until {emap.columns}) {{\n"
        f"            source[column] += embedding[row] / length * matrix.getFloat({emap.offset} + "
        f"4 * (row * {emap.columns} + column))\n"
        "        }\n    }\n    return source\n}\n"
    )
