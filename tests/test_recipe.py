"""Recipes: round trip, refusal of what is not known, defaults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converters.errors import BadInputError, UsageError
from converters.recipe import Recipe, StepRequest, TargetRequest, VerificationRequest
from converters.targets.base import Precision

FULL = Recipe(
    source="swapper.onnx",
    source_sha256="ab" * 32,
    shapes={"input": (1, 3, 64, 64)},
    steps=(StepRequest("simplify"), StepRequest("rewrite", {"only": "prelu"})),
    targets=(TargetRequest("mnn", Precision.FP16), TargetRequest("coreml", Precision.FP32, {"minimum_os": "iOS17"})),
    verification=VerificationRequest(samples=3, seconds=5.0, images="crops"),
)


def test_a_recipe_survives_json() -> None:
    assert Recipe.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"target": []}, "Did you mean 'targets'?"),
        ({"version": 2}, "version 2"),
        ({"version": None}, "version None"),
        ({"steps": {}}, "steps cannot be {}"),
        ({"steps": [{"step": "simplify", "option": {}}]}, "Did you mean 'options'?"),
        ({"steps": [{}]}, "lacks the key 'step'"),
        ({"targets": [{"target": "mnn", "precision": "fp61"}]}, "Did you mean 'fp16'?"),
        ({"targets": [{"target": "mnn", "options": {"weight_block": []}}]}, "weight_block cannot be []"),
        ({"targets": ["mnn"]}, "must be an object"),
        ({"source": {"shapes": {"input": [1, "3"]}}}, "positive whole numbers"),
        ({"verification": {"samples": 0}}, "at least 1"),
        ({"verification": {"seconds": True}}, "cannot be True"),
        ({"verification": {"seconds": float("nan")}}, "between 0 and"),
        ({"verification": {"seconds": 10**400}}, "between 0 and"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Recipe.from_json({"version": 1, **change})
    assert sentence in str(caught.value)


def test_trust_is_never_taken_from_a_recipe() -> None:
    with pytest.raises(UsageError, match="trust"):
        Recipe.from_json({"version": 1, "source": {"path": "factory.py:make", "trust": True}})


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    for name, text in (("empty", ""), ("broken", "{"), ("deep", "[" * 100_000)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BadInputError, match="no JSON"):
            Recipe.read(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        Recipe.read(tmp_path / "missing")
    (tmp_path / "list").write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match="must be an object"):
        Recipe.read(tmp_path / "list")
