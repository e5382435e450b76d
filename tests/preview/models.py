"""Models for previews."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
SWAPPER = DEMO / "swapper.onnx"


def write_worse_swapper(path: Path, noise: float = 0.12) -> Path:
    """Write the demo's swapper with noise on its weights: a candidate that visibly loses."""
    proto = onnx.load(SWAPPER)
    random = np.random.default_rng(0)
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 4:
            worse = values + noise * values.std() * random.standard_normal(values.shape).astype(values.dtype)
            tensor.CopyFrom(numpy_helper.from_array(worse.astype(values.dtype), tensor.name))
    onnx.save(proto, path)
    return path
