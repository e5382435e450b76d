"""C++ for .mnn files, and the Kotlin that calls it on Android."""

from __future__ import annotations

from pathlib import Path

from converters.package.code_words import class_name, edge_variables, numbers, numbers_words, pixels_words
from converters.package.code_words import places as channel_places
from converters.package.feeding import Fed, Feeding
from converters.package.source_input import SourceInput

_TYPES = {"float32": "float", "int32": "int32_t", "uint8": "uint8_t", "int8": "int8_t"}

_HEAD = """#include <MNN/Interpreter.hpp>
#include <MNN/Tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
"""


def cpp(feeding: Feeding, source: SourceInput | None) -> str:
    """Return a class that runs a file, and how the source is made where the model wants an embedding."""
    given, got = edge_variables(feeding)
    name = class_name(feeding.family or Path(feeding.file).stem)
    inputs = list(zip(given, feeding.inputs, strict=True))
    outputs = list(zip(got, feeding.outputs, strict=True))
    lines = [
        f"class {name} {{",
        "public:",
        f"    explicit {name}(const std::string& path, int threads = 4)",
        "        : net_(MNN::Interpreter::createFromFile(path.c_str())) {",
        '        if (!net_) throw std::runtime_error("cannot open " + path);',
        "        MNN::BackendConfig precision;",
        "        precision.precision = MNN::BackendConfig::Precision_High; // Precision_Low computes in fp16 "
        "where it can",
        "        MNN::ScheduleConfig config;",
        "        config.type = MNN_FORWARD_CPU;",
        "        config.numThread = threads;",
        "        config.backendConfig = &precision;",
        "        session_ = net_->createSession(config);",
        '        if (!session_) throw std::runtime_error("MNN cannot run " + path);',
        "    }",
        "",
    ]
    lines += [f"    // {variable}: {_words(fed)}" for variable, fed in (*inputs, *outputs)]
    parameters = [f"const {_type(fed)}* {variable}" for variable, fed in inputs]
    parameters += [f"{_type(fed)}* {variable}" for variable, fed in outputs]
    lines.append(f"    void run({', '.join(parameters)}) {{")
    for variable, fed in inputs:
        lines += [f"        {line}" for line in _put(variable, fed)]
    lines.append('        if (net_->runSession(session_) != MNN::NO_ERROR) throw std::runtime_error("MNN stopped");')
    for variable, fed in outputs:
        lines += [f"        {line}" for line in _get(variable, fed)]
    lines += [
        "    }",
        "",
        "private:",
        "    std::unique_ptr<MNN::Interpreter> net_;",
        "    MNN::Session* session_ = nullptr; // belongs to net_",
        "};",
    ]
    return f"{_HEAD}\n" + "\n".join(lines) + "\n" + _source(source)


def jni(feeding: Feeding) -> tuple[str, str]:
    """Return C++ that Kotlin can call, and the Kotlin: direct buffers in and out."""
    given, got = edge_variables(feeding)
    name = class_name(feeding.family or Path(feeding.file).stem)
    edges = [*zip(given, feeding.inputs, strict=True), *zip(got, feeding.outputs, strict=True)]
    names = [variable for variable, _ in edges]
    arguments = ",\n        ".join(
        f"static_cast<{_type(fed)}*>(env->GetDirectBufferAddress({variable}))" for variable, fed in edges
    )
    bridge = f"""#include <jni.h>

extern "C" JNIEXPORT jlong JNICALL
Java_com_example_{name}_create(JNIEnv* env, jobject, jstring path) {{
    const char* text = env->GetStringUTFChars(path, nullptr);
    std::string plain(text);
    env->ReleaseStringUTFChars(path, text);
    return reinterpret_cast<jlong>(new {name}(plain));
}}

extern "C" JNIEXPORT void JNICALL
Java_com_example_{name}_run(JNIEnv* env, jobject, jlong net, {", ".join(f"jobject {each}" for each in names)}) {{
    reinterpret_cast<{name}*>(net)->run(
        {arguments});
}}

extern "C" JNIEXPORT void JNICALL
Java_com_example_{name}_release(JNIEnv*, jobject, jlong net) {{
    delete reinterpret_cast<{name}*>(net);
}}
"""
    buffers = ", ".join(f"{variable}: ByteBuffer" for variable in names)
    sizes = "\n".join(f" * @param {variable} {_bytes(fed)} bytes" for variable, fed in edges)
    caller = f"""package com.example

import java.nio.ByteBuffer

/**
 * All buffers are direct (ByteBuffer.allocateDirect) and in native order; pictures are RGBA bytes, as
 * Bitmap.copyPixelsToBuffer gives them for ARGB_8888.
{sizes}
 */
class {name} : AutoCloseable {{
    private var net = 0L

    fun load(path: String) {{ net = create(path) }}
    fun run({buffers}) = run(net, {", ".join(names)})
    override fun close() {{ release(net); net = 0L }}

    private external fun create(path: String): Long
    private external fun run(net: Long, {buffers})
    private external fun release(net: Long)

    private companion object {{
        init {{ System.loadLibrary("app") }} // the library that holds the C++ above
    }}
}}
"""
    return bridge, caller


def _bytes(fed: Fed) -> int:
    if fed.is_picture:
        return 4 * fed.width * fed.height
    return fed.count * (1 if fed.dtype in ("uint8", "int8") else 4)


def _words(fed: Fed) -> str:
    return pixels_words(fed, "RGBA bytes") if fed.is_picture else numbers_words(fed)


def _type(fed: Fed) -> str:
    return "uint8_t" if fed.is_picture else _TYPES.get(fed.dtype, "float")


def _dimensions(fed: Fed) -> str:
    return "MNN::Tensor::TENSORFLOW" if fed.is_picture and fed.channels_last else "MNN::Tensor::CAFFE"


def _tables(variable: str, fed: Fed) -> list[str]:
    order = ", ".join(map(str, channel_places(fed)))
    return [
        f"static const int {variable}Order[] = {{{order}}}; // the channels are {fed.colour}",
        f"static const float {variable}Scale[] = {{{numbers(fed.scale, 'f')}}};",
        f"static const float {variable}Bias[] = {{{numbers(fed.bias, 'f')}}};",
    ]


def _index(fed: Fed) -> str:
    return "3 * place + channel" if fed.channels_last else f"channel * {fed.width * fed.height} + place"


def _put(variable: str, fed: Fed) -> list[str]:
    lines = [
        f'MNN::Tensor* {variable}Device = net_->getSessionInput(session_, "{fed.name}");',
        f"MNN::Tensor {variable}Host({variable}Device, {_dimensions(fed)});",
    ]
    if fed.is_picture:
        lines = [
            *_tables(variable, fed),
            *lines,
            f"float* {variable}Values = {variable}Host.host<float>();",
            "for (int channel = 0; channel < 3; ++channel) {",
            f"    for (int place = 0; place < {fed.width * fed.height}; ++place) {{",
            f"        {variable}Values[{_index(fed)}] =",
            f"            {variable}[4 * place + {variable}Order[channel]] * {variable}Scale[channel] + "
            f"{variable}Bias[channel];",
            "    }",
            "}",
        ]
    else:
        kind = _type(fed)
        lines.append(f"std::memcpy({variable}Host.host<{kind}>(), {variable}, {fed.count} * sizeof({kind}));")
    return [*lines, f"{variable}Device->copyFromHostTensor(&{variable}Host);"]


def _get(variable: str, fed: Fed) -> list[str]:
    lines = [
        f'MNN::Tensor* {variable}Device = net_->getSessionOutput(session_, "{fed.name}");',
        f"MNN::Tensor {variable}Host({variable}Device, {_dimensions(fed)});",
        f"{variable}Device->copyToHostTensor(&{variable}Host);",
    ]
    if not fed.is_picture:
        kind = _type(fed)
        return [*lines, f"std::memcpy({variable}, {variable}Host.host<{kind}>(), {fed.count} * sizeof({kind}));"]
    return [
        *_tables(variable, fed),
        *lines,
        f"const float* {variable}Values = {variable}Host.host<float>();",
        f"for (int place = 0; place < {fed.width * fed.height}; ++place) {{",
        f"    {variable}[4 * place + 3] = 255;",
        "    for (int channel = 0; channel < 3; ++channel) {",
        f"        const float value = {variable}Values[{_index(fed)}];",
        f"        const float level = (value - {variable}Bias[channel]) / {variable}Scale[channel];",
        f"        {variable}[4 * place + {variable}Order[channel]] =",
        "            static_cast<uint8_t>(std::lround(std::min(std::max(0.0f, level), 255.0f)));",
        "    }",
        "}",
    ]


def _source(source: SourceInput | None) -> str:
    if source is None or source.rule not in ("emap", "unit"):
        return ""
    length = (
        "    float length = 0;\n"
        "    for (float number : embedding) length += number * number;\n"
        "    length = std::sqrt(length);\n"
    )
    if source.emap is None:
        return (
            "\n// The source of a face: its embedding at length 1.\n"
            "std::vector<float> sourceVector(std::vector<float> embedding) {\n"
            f"{length}    for (float& number : embedding) number /= length;\n    return embedding;\n}}\n"
        )
    emap = source.emap
    return (
        f"\n// The source of a face: its embedding at length 1, times the matrix in {emap.file}.\n"
        "std::vector<float> sourceVector(const std::vector<float>& embedding, const std::string& emap) {\n"
        f"{length}"
        f"    std::vector<float> matrix({emap.rows} * {emap.columns});\n"
        "    std::ifstream file(emap, std::ios::binary);\n"
        f"    file.seekg({emap.offset});\n"
        "    file.read(reinterpret_cast<char*>(matrix.data()), matrix.size() * sizeof(float));\n"
        '    if (!file) throw std::runtime_error("cannot read " + emap);\n'
        f"    std::vector<float> source({emap.columns}, 0.0f);\n"
        f"    for (int row = 0; row < {emap.rows}; ++row) {{\n"
        f"        for (int column = 0; column < {emap.columns}; ++column) {{\n"
        f"            source[column] += embedding[row] / length * matrix[row * {emap.columns} + column];\n"
        "        }\n    }\n    return source;\n}\n"
    )
