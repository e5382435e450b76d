"""The tables of TFLite's schema (schema.fbs) that this program reads or writes, by slot."""

# KINDS: for each slot a struct format, or "" for what is pointed to. The other names are slots.
MODEL_KINDS = ("<I", "", "", "", "", "", "", "", "", "")
MODEL_CODES, MODEL_GRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS, MODEL_METADATA, MODEL_SIGNATURES = 1, 2, 3, 4, 6, 7
GRAPH_KINDS = ("", "", "", "", "", "<i")
GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS = 0, 1, 2, 3
TENSOR_KINDS = ("", "<b", "<I", "", "", "<b", "", "", "<b", "", "<I")
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_SHAPE_SIGNATURE = 0, 1, 2, 3, 7
CODE_OLD, CODE_NEW = 0, 3
OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS = 0, 1, 2
OPERATOR_OPTIONS, OPERATOR_CUSTOM_OPTIONS, OPERATOR_INTERMEDIATES = 4, 5, 8
OPERATOR_LARGE_OPTIONS, OPERATOR_LARGE_SIZE, OPERATOR_OPTIONS_2 = 9, 10, 12
BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE = 0, 1, 2
METADATA_NAME, METADATA_BUFFER = 0, 1
SIGNATURE_INPUTS, SIGNATURE_OUTPUTS, SIGNATURE_KEY = 0, 1, 2
MAP_NAME, MAP_INDEX = 0, 1

# numpy's name and size in bytes by TensorType; the types not named here have no numpy counterpart.
TENSOR_TYPES = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    3: ("uint8", 1),
    4: ("int64", 8),
    6: ("bool", 1),
    7: ("int16", 2),
    8: ("complex64", 8),
    9: ("int8", 1),
    10: ("float64", 8),
    11: ("complex128", 16),
    12: ("uint64", 8),
    15: ("uint32", 4),
    16: ("uint16", 2),
}

# BuiltinOperator: how many inputs a kernel reads without asking. Kinds that are not listed are left to the runtime.
DEQUANTIZE = 6
_ONE = (1, 2, 5, 6, 8, 11, 14, 17, 19, 20, 21, 22, 25, 28, 47, 59, 66, 73, 75, 76, 77, 87, 88, 92, 98, 101, 104, 108)
_ONE_MORE = (109, 111, 114, 116, 117, 150)
_TWO = (0, 3, 4, 7, 9, 18, 23, 34, 36, 39, 40, 41, 42, 48, 49, 54, 55, 56, 57, 58, 61, 62, 63, 69, 70, 71, 72, 74, 78)
_TWO_MORE = (79, 81, 82, 84, 86, 89, 90, 97, 99, 100, 105, 107, 126, 128, 130)
_THREE = (60, 64, 65, 67, 102, 122, 123)
_FOUR = (45, 85)
LEAST_INPUTS = {
    **dict.fromkeys((*_ONE, *_ONE_MORE), 1),
    **dict.fromkeys((*_TWO, *_TWO_MORE), 2),
    **dict.fromkeys(_THREE, 3),
    **dict.fromkeys(_FOUR, 4),
}
