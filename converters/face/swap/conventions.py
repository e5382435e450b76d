"""What each family of swappers takes and gives, as one record: bound by name, with the family's facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from converters.errors import UnsupportedError
from converters.face.tensors import is_picture, with_family_facts
from converters.model.families import FamilyTensor, families
from converters.model.families import family as family_called
from converters.model.signature import Role, Signature, TensorInfo

TARGET: Final = "target"
SOURCE: Final = "source"
# Where the source is a picture, the alignment of that picture is not always the target's.
_SOURCE_TEMPLATES: Final = {"blendswap_256": "arcface_112_v2"}


@dataclass(frozen=True)
class Convention:
    """How to feed one swapper.

    Attributes:
        family: id.
        template: the alignment of target crops.
        target: the picture that is drawn into.
        source: the embedding or picture of who appears.
        image: the output that is the drawing.
        mask: the output that says where to believe it, None for none.
        source_template: the alignment of the source picture, "" where the source is an embedding.
        emap: the embedding goes through emap.
        converter: family of the network that the raw embedding goes through, "" for none.
        unit: the vector is brought to length 1 (after the converter, where there is one).
    """

    family: str
    template: str
    target: TensorInfo
    source: TensorInfo
    image: TensorInfo
    mask: TensorInfo | None
    source_template: str
    emap: bool
    converter: str
    unit: bool

    @property
    def target_is_unit(self) -> bool:
        """Whether a target's embedding is mixed in at length 1 (all but those that take raw vectors)."""
        return self.unit or self.emap


def convention_of(signature: Signature, family: str, name: str) -> Convention:
    """Return how to feed a swapper.

    Args:
        signature: names and shapes at least; roles, colours and normalisation are the family's where it has none.
        family: id of a swapper in resources/families.json.
        name: of the file, for errors.

    Raises:
        UnsupportedError: the family is no swapper, or the edges do not correspond to it.
    """
    known = family_called(family)
    if known is None or known.kind != "swapper":
        what = f"is {known.title}, a {known.kind}" if known else "is of no known family of swappers"
        swappers = sorted(each.id for each in families().values() if each.kind == "swapper")
        raise UnsupportedError(
            f"{name} {what}.",
            "How a swapper is fed cannot be guessed.",
            f"Name its family if it is one of: {', '.join(swappers)}.",
        )
    inputs = _bound(signature.inputs, known.inputs)
    outputs = _bound(signature.outputs, known.outputs)
    if len(signature.inputs) != 2 or not {TARGET, SOURCE} <= set(inputs) or "" not in outputs:
        edges = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in (*signature.inputs, *signature.outputs))
        raise UnsupportedError(
            f"{name} does not have the inputs and outputs of {known.title}.", f"It has {edges}.", "Check the family."
        )
    source = inputs[SOURCE]
    words = [word.strip() for word in known.embedding.split(",")]
    return Convention(
        family=family,
        template=known.template,
        target=inputs[TARGET],
        source=source,
        image=outputs[""],
        mask=outputs.get("mask"),
        source_template=_SOURCE_TEMPLATES.get(family, known.template) if source.role is Role.IMAGE else "",
        emap="emap" in words,
        converter=next((word for word in words if word.startswith("crossface_")), ""),
        unit="unit" in words,
    )


def _bound(tensors: Sequence[TensorInfo], known: Sequence[FamilyTensor]) -> dict[str, TensorInfo]:
    """Return the graph's tensors by what they are: "target" and "source"; "" for the drawing, "mask"."""
    bound: dict[str, TensorInfo] = {}
    for fact in known:
        key = fact.name if fact.name in (TARGET, SOURCE) else "mask" if fact.role is Role.MASK else ""
        fitting = [tensor for tensor in tensors if _could_be(tensor, fact)]
        found = [tensor for tensor in fitting if tensor.name == key] or [
            tensor for tensor in fitting if tensor.name not in (TARGET, SOURCE)
        ]
        free = [tensor for tensor in found if tensor.name not in {taken.name for taken in bound.values()}]
        # two inputs alike and neither named: which is the target would be a guess
        if len(free) == 1 or (free and key not in (TARGET, SOURCE)):
            bound[key] = with_family_facts(free[0], fact)
    return bound


def _could_be(tensor: TensorInfo, fact: FamilyTensor) -> bool:
    """Whether a tensor is this one by its shape, whatever its name: artifacts of other programs rename edges."""
    if fact.role is Role.IMAGE and not is_picture(tensor):
        return False
    shape = fact.shape or ()
    return len(tensor.shape) == len(shape) and all(
        not isinstance(have, int) or not isinstance(want, int) or have == want
        for have, want in zip(tensor.shape, shape, strict=True)
    )
