"""All rewrites by id, and applying them with proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from converters.errors import UsageError, did_you_mean
from converters.model.rewrites import (
    depth_to_space_4d,
    double_to_float,
    emap_last,
    fold_shapes,
    fp16_safe_statistics,
    full_average_pool,
    modulated_convolution,
    prelu,
    reflect_pad,
    scalar_gather,
    split_to_slice,
    style_split,
)
from converters.model.rewrites.base import Rewrite, Rewritten
from converters.model.rewrites.proof import Proof, compare, proof_feeds, prove, results_of

if TYPE_CHECKING:
    import onnx

    from converters.model.graph import Model
    from converters.runtimes.base import Arrays

# In the order in which they are best applied: later ones see what earlier ones made.
REWRITES: dict[str, Rewrite] = {
    module.REWRITE.id: module.REWRITE
    for module in (
        double_to_float,
        fold_shapes,
        emap_last,
        modulated_convolution,
        style_split,
        split_to_slice,
        scalar_gather,
        reflect_pad,
        prelu,
        full_average_pool,
        depth_to_space_4d,
        fp16_safe_statistics,
    )
}

__all__ = ["REWRITES", "Proof", "Rewrite", "Rewritten", "apply_proven", "find_rewrite", "prove"]


def find_rewrite(identifier: str) -> Rewrite:
    """Return the rewrite of that id.

    Raises:
        UsageError: there is none.
    """
    if identifier not in REWRITES:
        raise UsageError(f"There is no rewrite {identifier!r}.", "", did_you_mean(identifier, REWRITES))
    return REWRITES[identifier]


def apply_proven(
    model: Model, identifiers: Sequence[str], samples: Sequence[Arrays] = ()
) -> tuple[Model, tuple[Proof, ...]]:
    """Return the rewritten model and one proof for each rewrite that found something to do.

    Args:
        model: left unchanged.
        identifiers: of `REWRITES`; applied in the order that suits them.
        samples: real feeds; random ones are always added.

    Raises:
        UsageError: an unknown id.
        VerificationError: a rewrite changed the results by more than it claims.
    """
    wanted = {find_rewrite(identifier).id for identifier in identifiers}
    feeds = proof_feeds(model, samples)
    results: list[Arrays] = []
    proofs = []
    for rewrite in (REWRITES[identifier] for identifier in REWRITES if identifier in wanted):
        rewritten = rewrite.apply(model.proto)
        if not rewritten.count:
            continue
        changed = with_graph(model, rewritten.proto, f"{rewrite.title}: {rewritten.count} places.")
        before = results or results_of(model, feeds)
        results = results_of(changed, feeds)
        proofs.append(compare(before, results, rewrite=rewrite, nodes=rewritten.nodes))
        model = changed
    return model, tuple(proofs)


def with_graph(model: Model, proto: onnx.ModelProto, note: str) -> Model:
    """Return `model` with another graph, the types of its edges taken from there."""
    from converters.model.signature_from_graph import plain_signature

    plain = plain_signature(proto)
    types = {tensor.name: tensor.dtype for tensor in (*plain.inputs, *plain.outputs)}
    signature = replace(
        model.signature,
        inputs=tuple(replace(tensor, dtype=types.get(tensor.name, tensor.dtype)) for tensor in model.signature.inputs),
        outputs=tuple(
            replace(tensor, dtype=types.get(tensor.name, tensor.dtype)) for tensor in model.signature.outputs
        ),
    )
    return replace(model.with_proto(proto, note), signature=signature)
