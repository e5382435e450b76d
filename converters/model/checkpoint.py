"""State dicts out of .pth, .ckpt, .tar and .safetensors files, however they are wrapped."""

from __future__ import annotations

import argparse
import collections
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.errors import BadInputError, StudioError, UnsupportedError
from converters.model.archive import check_contents
from converters.model.pickle_contents import refusal
from converters.model.sniffing import LEGACY_TORCH_MAGIC, open_source
from converters.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

State = dict[str, "Tensor"]

# Where checkpoints keep the network, most specific first: averaged weights are the better ones.
WRAPPINGS = (
    "params_ema",
    "g_ema",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
    "params",
    "generator",
    "netG",
    "net",
    "network",
    "backbone",
    "pfld_backbone",
    "plfd_backbone",
    "weights",
)
# What wrappers put before every key.
_PREFIXES = ("module", "model", "_orig_mod", "net", "network", "netG", "generator", "backbone", "G")
_DEEPEST = 4
_MOST_CANDIDATES = 64


@dataclass(frozen=True)
class Candidate:
    """A state dict found in a checkpoint, and how it was wrapped ("" or "params_ema, module.")."""

    state: State
    wrapping: str

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor by key."""
        return {key: tuple(value.shape) for key, value in self.state.items()}


def read_checkpoint(path: Path, progress: Progress) -> list[Candidate]:
    """Return the state dicts in a PyTorch checkpoint, the likeliest first. Nothing is unpickled unsafely.

    Raises:
        UnsafeInputError: a whole network, foreign objects, or an attack.
        BadInputError: damaged, or no tensors in it.
    """
    import torch

    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        check_contents(path, progress)
    elif not _is_legacy_torch(path):
        raise refusal(path)
    progress("Reading the weights")
    with torch.serialization.safe_globals(_inert_classes()), warnings.catch_warnings():
        # Storages of before torch 2.0 are announced as deprecated although reading them is supported.
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
        except pickle.UnpicklingError as error:
            raise refusal(path) from error
        except StudioError:
            raise
        except Exception as error:
            # A damaged pickle makes the safe unpickler raise nearly anything: KeyError, struct.error, RuntimeError, …
            raise BadInputError(
                f"{path.name} is a damaged PyTorch checkpoint ({type(error).__name__}).",
                "A download or copy may have been cut short.",
                "Fetch it again.",
            ) from error
    return _candidates(content, path)


def read_safetensors(path: Path) -> list[Candidate]:
    """Return the state dict in a safetensors file.

    Raises:
        BadInputError: damaged, or no tensors in it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise BadInputError(f"{path.name} is a damaged safetensors file: {error}.", "", "Fetch it again.") from error
    return _candidates(state, path)


def _is_legacy_torch(path: Path) -> bool:
    with open_source(path) as file:
        return LEGACY_TORCH_MAGIC in file.read(24)


def _inert_classes() -> list[Any]:
    """Return classes that training scripts leave in checkpoints and that hold plain values only."""
    import numpy as np
    from numpy._core.multiarray import scalar

    kinds = [getattr(np.dtypes, name) for name in dir(np.dtypes) if name.endswith("DType") and name != "ObjectDType"]
    return [
        argparse.Namespace,
        collections.defaultdict,
        np.dtype,
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),
        *kinds,
    ]


def _candidates(content: object, path: Path) -> list[Candidate]:
    found: list[Candidate] = []
    for state, wrapping in _states(content, (), 0):
        if len(found) >= _MOST_CANDIDATES:
            break
        _check_storage(state, path)
        found.append(Candidate(state, ", ".join(wrapping)))
        found.extend(
            Candidate(inner, ", ".join((*wrapping, *prefixes))) for inner, prefixes in _without_prefixes(state)
        )
    if not found:
        raise BadInputError(
            f"{path.name} holds no weights.",
            "It may be the state of an optimiser or a training log.",
            "Give the checkpoint of the network.",
        )
    return found[:_MOST_CANDIDATES]


def _states(content: object, wrapping: tuple[str, ...], depth: int) -> Iterator[tuple[State, tuple[str, ...]]]:
    """Yield every dict of tensors in `content`, known wrappings first."""
    from torch import Tensor

    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    for key in sorted(named, key=lambda k: WRAPPINGS.index(k) if k in WRAPPINGS else len(WRAPPINGS)):
        if isinstance(named[key], Mapping):
            yield from _states(named[key], (*wrapping, key), depth + 1)
    state = {key: value.detach() for key, value in named.items() if isinstance(value, Tensor)}
    if any(value.ndim for value in state.values()):
        yield state, wrapping


def _without_prefixes(state: State) -> Iterator[tuple[State, tuple[str, ...]]]:
    """Yield `state` with common prefixes taken off, one after another, and its parts under known prefixes."""
    prefixes: tuple[str, ...] = ()
    current = state
    for _level in range(_DEEPEST):
        heads = {key.partition(".")[0] for key in current if "." in key}
        known = [head for head in _PREFIXES if head in heads]
        if not known:
            return
        head = known[0]
        current = {key[len(head) + 1 :]: value for key, value in current.items() if key.startswith(f"{head}.")}
        prefixes = (*prefixes, f"{head}.")
        yield current, prefixes


def _check_storage(state: State, path: Path) -> None:
    """Refuse tensors that claim more elements than their memory holds: a hostile file's way to fill memory."""
    import torch

    for key, value in state.items():
        if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
            raise UnsupportedError(
                f"The tensor {key!r} of {path.name} is sparse, quantized or on another device.",
                "",
                "Save plain float weights.",
            )
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise BadInputError(f"The tensor {key!r} of {path.name} claims more values than the file holds.")
