"""LPIPS: how different two pictures look to people, in one number and as a map of where.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018; alex, version 0.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from converters.builtin import LPIPS_WEIGHTS
from converters.closing import Closing
from converters.measure.pictures import AnyPicture, require_pair
from converters.runtimes.base import default_threads

LEAST_SIDE = 32
"""AlexNet's last layers have nothing left to see in smaller pictures."""
_BYTES, _FLOATS = "uint8", "float32"


class Lpips(Closing):
    """The measure, ready to run; use as a context manager, native memory is freed when the block ends.

    Args:
        threads: of ONNX Runtime's pool; None for `default_threads`.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or default_threads()
        self._sessions: dict[str, Any] = {}

    def distance(self, a: AnyPicture, b: AnyPicture) -> float:
        """Return how different two pictures look: 0 for equal ones, about 0.1 visibly, 0.7 beyond recognition.

        Args:
            a, b: height x width x 3, RGB, uint8 or 0..1, of one size from 32 x 32.

        Raises:
            BadInputError: unequal sizes, too small, or values that are not finite.
        """
        return float(self._run(["distance"], a, b)[0][0])

    def map(self, a: AnyPicture, b: AnyPicture) -> tuple[float, npt.NDArray[np.float32]]:
        """Return the distance and where it comes from.

        Args:
            a, b: as for `distance`.

        Returns:
            The distance, and height x width of float32 from 0: each layer's differences, enlarged and summed. Its mean
            is near the distance, not equal to it: enlarging weighs pixels at the edge a little differently.

        Raises:
            BadInputError: as `distance` does.
        """
        distance, spatial = self._run(["distance", "map"], a, b)
        return float(distance[0]), spatial[0]

    def close(self) -> None:
        """Free native memory; the next call opens the graph again."""
        self._sessions.clear()

    def _run(self, outputs: list[str], a: AnyPicture, b: AnyPicture) -> list[npt.NDArray[np.float32]]:
        require_pair(a, b, LEAST_SIDE, "LPIPS")
        kind = _BYTES if a.dtype == b.dtype == np.uint8 else _FLOATS
        feeds = {"a": a[None], "b": b[None]}
        if kind == _FLOATS:
            feeds = {name: _on_byte_scale(picture) for name, picture in feeds.items()}
        found: list[npt.NDArray[np.float32]] = self._session(kind).run(outputs, feeds)
        return found

    def _session(self, kind: str) -> Any:
        if kind not in self._sessions:
            self._sessions[kind] = _open(kind, self._threads)
        return self._sessions[kind]


def _on_byte_scale(picture: AnyPicture) -> npt.NDArray[np.float32]:
    return picture.astype(np.float32) if picture.dtype == np.uint8 else np.multiply(picture, 255, dtype=np.float32)


def _open(kind: str, threads: int) -> Any:
    import onnx
    import onnxruntime

    proto = onnx.load(LPIPS_WEIGHTS)
    if kind == _FLOATS:
        for value in proto.graph.input:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin take the cores from whatever else runs, a swapper for one: with a second session at work
    # on two cores every call took three times as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
    )
