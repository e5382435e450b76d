"""What was seen of a model on some samples, as blocks that merge exactly and are kept between runs.

A block is known by the graph and by the digests of its samples. Those of a new set that lie in it are reused; only
samples that are new have to be run.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.cache import Cache
from converters.compress.quantize.encodings import Floats
from converters.compress.quantize.histogram import BINS, Channels, Histogram

if TYPE_CHECKING:
    import onnx

_VERSION = 1
_GROUP = "observations"
_DIGEST_LENGTH = 64


@dataclass
class Block:
    """What was seen on some samples. Grows in place.

    Attributes:
        axes: of each tensor's channels, by name.
        digests: of the samples.
        histograms, channels: by tensor.
        ranges: of each sample, tensors (in the order of `axes`) x (lowest, highest).
    """

    axes: Mapping[str, int]
    digests: list[str]
    histograms: dict[str, Histogram]
    channels: dict[str, Channels]
    ranges: list[Floats]

    @classmethod
    def empty(cls, axes: Mapping[str, int]) -> Block:
        """Return a block of no samples."""
        return cls(axes, [], {name: Histogram() for name in axes}, {}, [])

    def merge(self, other: Block) -> None:
        """Take in what another block of the same tensors saw on other samples."""
        self.digests += other.digests
        self.ranges += other.ranges
        for name in self.axes:
            self.histograms[name].merge(other.histograms[name])
            if name in other.channels:
                self.channels.setdefault(name, Channels.empty(len(other.channels[name].low))).merge(
                    other.channels[name]
                )


def graph_digest(proto: onnx.ModelProto) -> str:
    """Return the sha256 of what a graph computes with: operator sets, nodes, weights; hexadecimal."""
    digest = hashlib.sha256()
    for item in (*proto.opset_import, *proto.functions, *proto.graph.input, *proto.graph.output, *proto.graph.node):
        _update(digest, item.SerializeToString(deterministic=True))
    for tensor in (*proto.graph.initializer, *proto.graph.sparse_initializer):
        _update(digest, tensor.SerializeToString(deterministic=True))
    return digest.hexdigest()


def _update(digest: Any, content: bytes) -> None:
    digest.update(len(content).to_bytes(8, "little"))
    digest.update(content)


class ObservationsCache:
    """The blocks of one graph that are kept; with no folder, nothing is.

    Args:
        folder: of the cache.
        proto: the graph.
        axes: the tensors that are observed.
    """

    def __init__(self, folder: Path | None, proto: onnx.ModelProto, axes: Mapping[str, int]) -> None:
        self._cache = Cache(folder) if folder is not None else None
        self._axes = axes
        known = _known(proto, axes) if folder is not None else ""
        self._group = f"{_GROUP}-{hashlib.sha256(known.encode()).hexdigest()[:32]}"

    def contents(self) -> dict[str, tuple[str, ...]]:
        """Return the digests of every block's samples by the block's key."""
        found = {}
        for key in self._cache.keys(self._group) if self._cache else ():
            block = self.load(key)
            if block is not None:
                found[key] = tuple(block.digests)
        return found

    def load(self, key: str) -> Block | None:
        """Return a block; None, and forgotten, where it is not one."""
        stored = self._cache.get(self._group, key) if self._cache else None
        if stored is None or self._cache is None:
            return None
        try:
            return _unpacked(stored, self._axes)
        except (ValueError, KeyError, IndexError, TypeError, OverflowError, EOFError, OSError, zipfile.BadZipFile):
            self._cache.remove(self._group, key)
            return None

    def save(self, block: Block) -> None:
        """Keep a block, where that is possible."""
        if self._cache is not None and block.digests:
            key = hashlib.sha256("".join(sorted(block.digests)).encode()).hexdigest()
            self._cache.put(self._group, key, _packed(block))


def _known(proto: onnx.ModelProto, axes: Mapping[str, int]) -> str:
    """Return what observations depend on besides samples."""
    import onnxruntime

    return f"{_VERSION} {BINS} {onnxruntime.__version__} {graph_digest(proto)} {json.dumps(dict(axes))}"


def usable(contents: Mapping[str, Sequence[str]], wanted: Collection[str]) -> list[str]:
    """Return keys of blocks that share no sample and hold none but wanted ones, the largest first."""
    missing, chosen = set(wanted), []
    for key in sorted(contents, key=lambda key: (-len(contents[key]), key)):
        if contents[key] and missing.issuperset(contents[key]):
            missing.difference_update(contents[key])
            chosen.append(key)
    return chosen


def _packed(block: Block) -> bytes:
    """Return a block as an .npz: plain arrays and a list of numbers as text."""
    cropped = {name: block.histograms[name].cropped() for name in block.axes}
    about = {
        "digests": block.digests,
        "tensors": [
            {
                "name": name,
                "first": cropped[name][1],
                "bins": len(cropped[name][0]),
                "exponent": histogram.exponent,
                "zeros": histogram.zeros,
                "low": histogram.low,
                "high": histogram.high,
                "total": histogram.total,
                "channels": len(block.channels[name].low),
                "channel_count": block.channels[name].count,
            }
            for name, histogram in ((name, block.histograms[name]) for name in block.axes)
        ],
    }
    file = io.BytesIO()
    np.savez_compressed(
        file,
        allow_pickle=False,
        about=np.frombuffer(json.dumps(about).encode(), np.uint8),
        counts=np.concatenate([counts for counts, _ in cropped.values()]),
        channel_low=np.concatenate([block.channels[name].low for name in block.axes]),
        channel_high=np.concatenate([block.channels[name].high for name in block.axes]),
        channel_total=np.concatenate([block.channels[name].total for name in block.axes]),
        ranges=np.stack(block.ranges),
    )
    return file.getvalue()


def _unpacked(stored: bytes, axes: Mapping[str, int]) -> Block:
    """Return what `_packed` wrote; whatever else this is given ends in one of the errors `load` expects."""
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        counts = arrays["counts"].astype(np.int64)
        low, high = arrays["channel_low"].astype(np.float32), arrays["channel_high"].astype(np.float32)
        total, ranges = arrays["channel_total"].astype(np.float64), arrays["ranges"].astype(np.float32)
    block = Block.empty(axes)
    block.digests = [str(digest) for digest in about["digests"]]
    block.ranges = list(ranges)
    is_sound = (
        [tensor["name"] for tensor in about["tensors"]] == list(axes)
        and ranges.shape == (len(block.digests), len(axes), 2)
        and all(len(digest) == _DIGEST_LENGTH for digest in block.digests)
        and len(set(block.digests)) == len(block.digests)
        and bool(np.isfinite(ranges).all())
    )
    if not is_sound:
        raise ValueError("not a block of this graph")
    bin_place = channel_place = 0
    for tensor in about["tensors"]:
        name, first, bins, size = (tensor[key] for key in ("name", "first", "bins", "channels"))
        histogram = Histogram(
            exponent=int(tensor["exponent"]),
            zeros=int(tensor["zeros"]),
            low=float(tensor["low"]),
            high=float(tensor["high"]),
            total=int(tensor["total"]),
        )
        own = counts[bin_place : bin_place + bins]
        histogram.counts[first : first + bins] = own
        if int(histogram.counts.sum()) != histogram.total or max(-histogram.low, histogram.high) >= histogram.reach:
            raise ValueError(f"the histogram of {name} is not whole")
        part = slice(channel_place, channel_place + size)
        if min(len(own) - bins, len(low[part]) - size, len(high[part]) - size, len(total[part]) - size) < 0:
            raise ValueError(f"the channels of {name} are not whole")
        block.histograms[name] = histogram
        block.channels[name] = Channels(low[part], high[part], total[part], int(tensor["channel_count"]))
        bin_place, channel_place = bin_place + bins, channel_place + size
    return block
