"""What the two engines that make `.tflite` files have in common."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from converters.errors import StudioError
from converters.model.signature import TensorInfo
from converters.targets.metadata import EdgeBinding

CHANNEL_LAST = (0, 2, 3, 1)
_LONGEST_REASON = 300
_HEADINGS = ("While executing", "Original traceback", "File ", "Exception encountered", "Call arguments")
_NESTED_ERROR = re.compile(r"\w+Error: ")


class EngineError(Exception):
    """An engine could not convert a model; the text is its reason, in a sentence."""


@dataclass(frozen=True)
class Edge:
    """An input or output of a file that an engine wrote.

    Attributes:
        binding: with the ONNX graph's name as the name in the file, which it gets at last.
        position: among the inputs or outputs of the engine's own file.
    """

    binding: EdgeBinding
    position: int


@dataclass(frozen=True)
class Edges:
    """Inputs and outputs of a file that an engine wrote, in the ONNX graph's order."""

    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]


def is_picture(tensor: TensorInfo) -> bool:
    """Whether a tensor has channels that a phone wants last: four axes, unless they are known to be others."""
    return len(tensor.shape) == 4 and tensor.layout in ("", "NCHW")


def permutation_of(tensor: TensorInfo, layout: str) -> tuple[int, ...]:
    """Return the permutation of a tensor at the edge of a file whose pictures are kept as `layout`."""
    return CHANNEL_LAST if layout == "nhwc" and is_picture(tensor) else tuple(range(len(tensor.shape)))


def reason_of(error: BaseException) -> str:
    """Return the line of a converter's message that says most, shortened: what a nested error says, or no heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.endswith(":") and not line.startswith(_HEADINGS)]
    nested = [line for line in telling if _NESTED_ERROR.match(line)]
    text = (nested[-1:] or telling or lines or [""])[0]
    name = type(error).__name__
    text = text if not text or _NESTED_ERROR.match(text) else f"{name}: {text}"
    return text[:_LONGEST_REASON] or name


@contextlib.contextmanager
def third_party(what: str) -> Iterator[None]:
    """Run a converter: its warnings are its own business, its failures become an EngineError.

    Its countless small objects are left uncollected meanwhile: the collector's passes over the objects of torch, jax
    and a traced graph cost almost half of the import's time and a tenth of a conversion's, and find almost nothing.

    Args:
        what: the subject of the sentence on a failure.

    Raises:
        EngineError: anything went wrong inside, `sys.exit` included, except what this program itself raises.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings(), _no_bar_thread():
            for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning, UserWarning, RuntimeWarning):
                warnings.simplefilter("ignore", category)
            yield
    except (StudioError, EngineError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise EngineError(f"{what} failed ({reason_of(error)}).") from error
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _no_bar_thread() -> Iterator[None]:
    """Keep progress bars, which nobody sees here, from starting a thread that lives on."""
    if importlib.util.find_spec("tqdm") is None:
        yield
        return
    from tqdm import tqdm

    interval = tqdm.monitor_interval
    tqdm.monitor_interval = 0
    try:
        yield
    finally:
        tqdm.monitor_interval = interval
