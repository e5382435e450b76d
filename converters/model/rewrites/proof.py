"""How much a rewrite changes results: both graphs side by side in ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.errors import VerificationError
from converters.model.rewrites.base import Rewrite

if TYPE_CHECKING:
    from converters.model.graph import Model
    from converters.runtimes.base import Array, Arrays

_DRAWN_PICTURES = 1


@dataclass(frozen=True)
class Proof:
    """Two graphs compared.

    Attributes:
        rewrite: id of the rewrite, "" when there was none.
        nodes: titles of the nodes that were rewritten.
        largest_difference: largest absolute difference of any output element.
        relative: largest difference of an output as a part of that output's largest magnitude.
        samples: feeds compared.
        exact: whether not a single bit differed (zeros of either sign count as equal).
    """

    rewrite: str
    nodes: tuple[str, ...]
    largest_difference: float
    relative: float
    samples: int
    exact: bool

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if self.exact:
            return f"Bit-identical on {self.samples} samples."
        return (
            f"Largest difference {self.largest_difference:.3g} ({self.relative:.2g} of the largest value) "
            f"on {self.samples} samples."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def prove(
    before: Model,
    after: Model,
    samples: Sequence[Arrays] = (),
    *,
    rewrite: Rewrite | None = None,
    nodes: tuple[str, ...] = (),
) -> Proof:
    """Run both models on a drawn picture, noise and the given samples; return how much they differ.

    Args:
        before, after: with the same inputs and outputs, static; an input of another float type is cast.
        samples: real feeds of `before`.
        rewrite: its claim is held against the result.
        nodes: titles for the proof.

    Raises:
        VerificationError: outputs differ in shape, or by more than the rewrite claims.
    """
    feeds = proof_feeds(before, samples)
    return compare(results_of(before, feeds), results_of(after, feeds), rewrite=rewrite, nodes=nodes)


def proof_feeds(model: Model, samples: Sequence[Arrays]) -> list[Arrays]:
    """Return what a proof runs: a drawn picture, noise, and the given samples."""
    from converters.measure.parity import SampleKind
    from converters.samples import verification_samples

    drawn = verification_samples(model.signature, [], _DRAWN_PICTURES)
    return [
        *(sample.feeds for sample in drawn if sample.kind in (SampleKind.REAL, SampleKind.RANDOM)),
        *samples,
    ]


def compare(
    old: Sequence[Arrays], new: Sequence[Arrays], *, rewrite: Rewrite | None = None, nodes: tuple[str, ...] = ()
) -> Proof:
    """Compare the outputs of two models on the same feeds; as `prove` otherwise."""
    title = f"The rewrite {rewrite.title!r}" if rewrite is not None else "The second graph"
    largest, relative, exact = 0.0, 0.0, True
    for name in old[0]:
        if any(name not in item or item[name].shape != first[name].shape for first, item in zip(old, new, strict=True)):
            raise VerificationError(f"{title} changed the shape of the output {name}.")
        scale = max(_largest(item[name]) for item in old)
        for first, second in zip(old, new, strict=True):
            difference = _difference(first[name], second[name])
            exact = exact and difference == 0.0
            largest = max(largest, difference)
            relative = max(relative, difference / scale if scale else float(difference > 0))
    proof = Proof(rewrite.id if rewrite else "", nodes, largest, relative, len(old), exact)
    if rewrite is not None and (relative > rewrite.tolerance or not np.isfinite(relative)):
        claim = (
            "bit-identical results" if rewrite.claims_exact else f"at most {rewrite.tolerance:g} of the largest value"
        )
        raise VerificationError(
            f"{title} does not keep its promise of {claim}.", proof.sentence, "Convert without this rewrite."
        )
    return proof


def results_of(model: Model, feeds: Sequence[Arrays]) -> list[Arrays]:
    """Run a model in ONNX Runtime; feeds are cast to the types of its inputs."""
    from converters.runtimes.onnx import open_proto

    with tempfile.TemporaryDirectory() as folder, open_proto(model.proto, Path(folder)) as session:
        types = {spec.name: spec.dtype for spec in session.inputs}
        return [
            session.run({name: array.astype(types[name]) for name, array in feed.items() if name in types})
            for feed in feeds
        ]


def _largest(array: Array) -> float:
    """Return the largest finite magnitude."""
    values = np.abs(array.astype(np.float64))
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else 0.0


def _difference(first: Array, second: Array) -> float:
    """Return the largest absolute difference; values that are equal, NaN and infinities included, differ by 0."""
    left, right = first.astype(np.float64), second.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    if same.all():
        return 0.0
    gap = np.abs(left[~same] - right[~same])
    return float("inf") if not np.all(np.isfinite(gap)) else float(gap.max())
