"""The recipe's targets as a person chooses them: for each target some precisions, and one set of options for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from converters.parameters import Value
from converters.precision import Precision
from converters.recipe import Recipe, TargetRequest
from studio.catalogue import Catalogue, TargetInfo


def precisions_of(recipe: Recipe, target: str) -> tuple[Precision, ...]:
    """Return the precisions that a recipe asks for of one target."""
    return tuple(request.precision for request in recipe.targets if request.target == target)


def options_of(recipe: Recipe, target: str) -> dict[str, Value]:
    """Return the options of a target's requests together."""
    options: dict[str, Value] = {}
    for request in recipe.targets:
        if request.target == target:
            options.update(request.options)
    return options


def relevant(target: TargetInfo, precision: Precision, options: Mapping[str, Value]) -> dict[str, Value]:
    """Return the options that say something about files of a precision: not defaults, not those of other precisions.

    What the target does not know is kept: it is the engine that says so.
    """
    known = {parameter.name: parameter for parameter in target.parameters}
    return {
        name: value
        for name, value in options.items()
        if name not in known
        or (value != known[name].default and (not known[name].precisions or precision in known[name].precisions))
    }


def with_precisions(
    catalogue: Catalogue, recipe: Recipe, target: str, precisions: Collection[Precision]
) -> tuple[TargetRequest, ...]:
    """Return a recipe's requests with these precisions of one target, in the catalogue's order."""
    info = catalogue.target(target)
    options = options_of(recipe, target)
    wanted = [
        TargetRequest(target, precision, relevant(info, precision, options))
        for precision in info.precisions
        if precision in precisions
    ]
    return _in_order(catalogue, [request for request in recipe.targets if request.target != target], wanted)


def with_option(
    catalogue: Catalogue, recipe: Recipe, target: str, name: str, value: Value
) -> tuple[TargetRequest, ...]:
    """Return a recipe's requests with one option of a target, in those files that it has an effect on."""
    info = catalogue.target(target)
    options = {**options_of(recipe, target), name: value}
    return tuple(
        replace(request, options=relevant(info, request.precision, options)) if request.target == target else request
        for request in recipe.targets
    )


def _in_order(
    catalogue: Catalogue, others: Sequence[TargetRequest], wanted: Sequence[TargetRequest]
) -> tuple[TargetRequest, ...]:
    order = {target.name: place for place, target in enumerate(catalogue.targets)}
    return tuple(sorted([*others, *wanted], key=lambda request: order.get(request.target, len(order))))
