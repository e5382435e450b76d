"""What speaks against each kind of file for a source, and what making it needs: asked before anything is made."""

from __future__ import annotations

from typing import Any

from converters.memory import available_memory
from converters.parameters import checked_options
from converters.progress import Progress
from converters.recipe import Recipe
from converters.registry import exporter, step
from converters.stages import load_source, memory_estimate


def check_targets(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Ask each target what it cannot express of a source, without converting anything.

    What calibration decides (which layer gets which scheme) is not known yet: int8 is judged by the rest.

    Args:
        arguments: "source", "shapes", "trust", "sha256", as `load_source` takes them; "steps", "requests": plain data
            of step and target requests; the steps are carried out, so these should be quick.
        progress: told about every target.

    Returns:
        "problems": by the request's name the sentences that speak against it, [] when the target can try; "memory":
        by target the bytes its worker is expected to need; "available": bytes of memory that new work may use.

    Raises:
        StudioError: as loading and the steps do; a target that is not available here has its reason as a problem.
    """
    recipe = Recipe.from_json({"version": 1, "steps": arguments["steps"], "targets": arguments["requests"]})
    model = load_source(arguments, progress)
    for request in recipe.steps:
        model = step(request.step).run(model, request.options, progress).model
    problems: dict[str, list[str]] = {}
    for place, wanted in enumerate(recipe.targets):
        target = exporter(wanted.target)
        progress("Asking the targets", place / len(recipe.targets), target.title)
        reason = target.unavailable()
        if reason:
            problems[wanted.name] = [reason]
            continue
        options = checked_options(target.parameters, wanted.options, wanted.target)
        problems[wanted.name] = target.objections(model, wanted.precision, options)
    targets = dict.fromkeys(request.target for request in recipe.targets)
    return {
        "problems": problems,
        "memory": {target: memory_estimate(model, target) for target in targets},
        "available": available_memory(),
    }
