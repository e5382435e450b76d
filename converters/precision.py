"""How numbers are kept in an artifact; a module of its own because recipes need it before anything heavy is loaded."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """How numbers are kept in an artifact."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8_WEIGHTS = "int8-weights"
    INT4_WEIGHTS = "int4-weights"
    INT8_DYNAMIC = "int8-dynamic"
    PALETTE = "palette"
    INT8 = "int8"
    """As the model's Encodings say, layer by layer."""
