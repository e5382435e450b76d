"""Everything there is to say about a model before anything is done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from converters.model.checks.finding import Finding
from converters.model.cost import Cost, measure_cost
from converters.model.doctor import examine
from converters.model.families import Family, family
from converters.model.signature import Signature

if TYPE_CHECKING:
    from converters.model.graph import Model, SourceInfo

_HEAVIEST = 10


@dataclass(frozen=True)
class Inspection:
    """What a model is, what it costs, what will not survive.

    Attributes:
        source: where it came from.
        signature: with roles.
        family: the recognised family, None for an unknown model.
        cost: parameters, multiply-accumulates, memory.
        findings: of the doctor, errors first.
        notes: what was done while loading.
        open_axes: as of the Model.
    """

    source: SourceInfo
    signature: Signature
    family: Family | None
    cost: Cost
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    open_axes: Mapping[str, tuple[int | str, ...] | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; family as {} when unknown, the cost with all layers."""
        known: dict[str, Any] = {}
        if self.family is not None:
            names = ("id", "title", "kind", "stage", "vendor", "licence", "commercial", "template", "embedding")
            known = {name: getattr(self.family, name) for name in names}
            known["size"] = list(self.family.size) if self.family.size else None
            known["alternatives"] = list(self.family.alternatives)
            known["hazards"] = list(self.family.hazards)
        return {
            "source": asdict(self.source),
            "signature": self.signature.to_json(),
            "family": known,
            "cost": self.cost.to_json(),
            "heaviest": [layer.name for layer in self.cost.heaviest(_HEAVIEST)],
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
            "open_axes": {name: dims and list(dims) for name, dims in self.open_axes.items()},
        }


def inspect(model: Model) -> Inspection:
    """Return everything that can be said about a model without running it."""
    return Inspection(
        source=model.source,
        signature=model.signature,
        family=family(model.family),
        cost=measure_cost(model.proto),
        findings=examine(model),
        notes=model.notes,
        open_axes=model.open_axes,
    )
