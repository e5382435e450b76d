"""Apply exact rewrites of a graph, each with its largest difference shown."""

from __future__ import annotations

from typing import ClassVar

from converters.compress.base import Step, StepResult
from converters.model.graph import Model
from converters.parameters import Parameter, Value
from converters.progress import Progress


class Rewrite(Step):
    """Apply rewrites by id; all that the doctor advises for this model unless told which."""

    name: ClassVar[str] = "rewrite"
    title: ClassVar[str] = "Rewriting the graph"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("only", "", "Comma-separated ids of rewrites, as `inspect` shows them; empty for all advised ones."),
    )

    def _run(self, model: Model, options: dict[str, Value], progress: Progress) -> StepResult:
        from converters.model.doctor import examine
        from converters.model.rewrites.registry import apply_proven

        named = [word.strip() for word in str(options["only"]).split(",") if word.strip()]
        wanted = named or list(dict.fromkeys(finding.rewrite for finding in examine(model) if finding.rewrite))
        progress(self.title, 0.1, ", ".join(wanted))
        rewritten, proofs = apply_proven(model, wanted)
        notes = tuple(f"Rewrite {proof.rewrite}: {len(proof.nodes)} nodes. {proof.sentence}" for proof in proofs)
        return StepResult(rewritten, bool(proofs), notes or ("No rewrite found anything to do.",))
