"""The open project: changes and undo, models, files, what is missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from converters.errors import BadInputError, DestinationError, StudioError, UsageError
from converters.fingerprints import sha256_of
from converters.precision import Precision
from converters.recipe import Recipe, TargetRequest
from studio import locations, work_folders
from studio.document import Document
from studio.missing import Missing, MissingKind
from tests.studio.projects import made_file, take_model, write_model


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FFSTUDIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "work" / "faces.onnx")
    return tmp_path / "work" / "faces.onnx"


def steps(document: Document) -> list[str]:
    return [step.step for step in document.project.recipe.steps]


# --- changes ---------------------------------------------------------------------------------------------------------


def test_every_change_of_the_recipe_is_undone_and_done_again(document: Document, model: Path, qtbot: QtBot) -> None:
    take_model(document, model)
    recipes = [document.project.recipe]
    with qtbot.waitSignal(document.recipe_changed):
        document.set_step("quantize", {"scheme": "w8a8"}, "Choose a scheme")
    recipes.append(document.project.recipe)
    document.set_step("prune", {"amount": 0.5}, "Prune")
    recipes.append(document.project.recipe)
    document.set_targets([TargetRequest("mnn", Precision.INT8)], "Choose MNN")
    recipes.append(document.project.recipe)
    document.set_step("quantize", None, "Do not quantize")
    recipes.append(document.project.recipe)
    assert steps(document) == ["prune"]
    assert document.undo_stack.undoText() == "Do not quantize"
    for recipe in reversed(recipes[:-1]):
        with qtbot.waitSignals([document.recipe_changed, document.state_changed]):
            document.undo_stack.undo()
        assert document.project.recipe == recipe
    assert not document.is_dirty
    assert not document.undo_stack.canUndo()
    for recipe in recipes[1:]:
        document.undo_stack.redo()
        assert document.project.recipe == recipe
    assert document.is_dirty


def test_steps_stand_in_the_order_in_which_they_make_sense(document: Document) -> None:
    for step in ("quantize", "simplify", "qat", "distill", "prune", "rewrite"):
        document.set_step(step, {}, step)
    assert steps(document) == ["simplify", "rewrite", "prune", "distill", "quantize", "qat"]
    document.set_step("prune", {"amount": 1}, "Change")
    assert steps(document) == ["simplify", "rewrite", "prune", "distill", "quantize", "qat"]
    options = document.step_options("prune")
    assert options == {"amount": 1}
    options["amount"] = 2
    assert document.step_options("prune") == {"amount": 1}, "options are copies"
    assert document.step_options("nothing") is None


def test_moving_a_handle_is_one_step_of_undo(document: Document, model: Path) -> None:
    take_model(document, model)
    for amount in (1, 2, 3):
        document.set_step("prune", {"amount": amount}, "Amount", merge="amount")
    document.set_step("prune", {"amount": 4}, "Other", merge="other")
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    assert document.step_options("prune") == {"amount": 3}
    document.undo_stack.undo()
    assert document.step_options("prune") is None
    document.set_step("prune", {"amount": 1}, "Amount", merge="amount")
    document.set_step("prune", None, "Amount", merge="amount")
    assert document.undo_stack.count() == 0, "there and back is no change"


def test_what_is_equal_is_no_change_and_sources_go_another_way(document: Document, model: Path, qtbot: QtBot) -> None:
    take_model(document, model)
    with qtbot.assertNotEmitted(document.recipe_changed):
        document.edit("Nothing", replace(document.project.recipe))
    assert document.undo_stack.count() == 0
    for recipe in (Recipe(source="other"), replace(document.project.recipe, shapes={"x": (1,)})):
        with pytest.raises(ValueError, match="set_source"):
            document.edit("A bug", recipe)


# --- models ----------------------------------------------------------------------------------------------------------


def test_a_model_alone_is_nothing_to_lose(document: Document, model: Path, qtbot: QtBot) -> None:
    assert (document.title, document.inspection, document.is_trusted) == ("", None, False)
    signals = [document.source_changed, document.inspection_changed, document.recipe_changed]
    with qtbot.waitSignals(signals):
        document.set_source(str(model), sha256_of(model), {"family": "swapper"}, {}, True)
    assert (document.title, document.inspection, document.is_trusted) == ("faces.onnx", {"family": "swapper"}, True)
    assert not document.is_dirty
    document.new()
    assert (document.title, document.inspection, document.is_trusted) == ("", None, False)


def test_other_sizes_and_another_place_keep_everything(document: Document, model: Path, tmp_path: Path) -> None:
    take_model(document, model)
    document.set_step("prune", {"amount": 1}, "Prune")
    document.set_files([made_file(document.work_folder / "a.mnn")])
    identity, files = document.project.identity, document.project.files
    take_model(document, model, {"x": (2, 3)})
    copy = tmp_path / "copy.onnx"
    shutil.copy(model, copy)
    take_model(document, copy, {"x": (2, 3)})
    assert (document.project.identity, document.project.files) == (identity, files)
    document.undo_stack.undo()
    recipe = document.project.recipe
    assert (recipe.steps, recipe.shapes, recipe.source) == ((), {"x": (2, 3)}, str(copy)), "undo leaves the source"


def test_the_same_file_with_other_contents_keeps_the_recipe_only(document: Document, model: Path) -> None:
    take_model(document, model)
    document.set_step("prune", {"amount": 1}, "Prune")
    document.set_files([made_file(document.work_folder / "a.mnn")])
    identity = document.project.identity
    write_model(model, "trained further")
    take_model(document, model)
    assert document.project.identity == identity
    assert steps(document) == ["prune"]
    assert document.project.files == ()
    assert not document.undo_stack.canUndo()
    assert document.project.recipe.source_sha256 == sha256_of(model)


def test_another_model_begins_another_project(document: Document, model: Path, tmp_path: Path) -> None:
    take_model(document, model)
    document.set_step("prune", {"amount": 1}, "Prune")
    document.save(tmp_path / "work" / "p")
    before = (tmp_path / "work" / "p.ffstudio").read_bytes()
    write_model(tmp_path / "other.onnx", "other")
    take_model(document, tmp_path / "other.onnx")
    assert document.path is None
    assert (steps(document), document.project.files, document.is_dirty) == ([], (), False)
    assert (tmp_path / "work" / "p.ffstudio").read_bytes() == before
    second = Document()
    second.open(tmp_path / "work" / "p.ffstudio")  # it is free
    second.close()


# --- saving and files ------------------------------------------------------------------------------------------------


def test_files_made_move_to_the_project_when_it_gets_a_place(
    document: Document, model: Path, tmp_path: Path, data_folder: Path
) -> None:
    take_model(document, model)
    unsaved = document.work_folder
    assert unsaved.parent == data_folder / "unsaved"
    made = [made_file(unsaved / name) for name in ("a.mnn", "conversion-1/b.mlpackage", "conversion-2/c.mnn")]
    (unsaved / "crops").mkdir()
    (unsaved / "conversion-2" / ".ffstudio-1-00000000").mkdir()  # somebody works there
    document.set_files(made)
    document.set_step("quantize", {"calibration": f"{unsaved / 'crops'}\n/elsewhere"}, "Calibrate")
    document.set_step("prune", {}, "Prune")
    assert document.is_dirty
    document.save(tmp_path / "work" / "p.ffstudio")
    assert not document.is_dirty
    folder = document.work_folder
    assert folder == tmp_path / "work" / "p-files"
    assert [file.path for file in document.project.files] == [
        folder / "a.mnn",
        folder / "conversion-1" / "b.mlpackage",
        unsaved / "conversion-2" / "c.mnn",
    ]
    assert all(document.is_intact(file) for file in document.project.files)
    document.undo_stack.undo()
    assert document.step_options("quantize") == {"calibration": f"{folder / 'crops'}\n/elsewhere"}
    document.undo_stack.redo()

    (unsaved / "conversion-2" / ".ffstudio-1-00000000").rmdir()  # it has finished
    document.set_files(document.project.files)
    assert document.project.files[2].path == folder / "conversion-2" / "c.mnn"
    assert not unsaved.exists()
    document.save()
    saved = document.project
    document.close()
    moved = tmp_path / "moved"
    (tmp_path / "work").rename(moved)
    assert [str(each.path) for each in document.open(moved / "p.ffstudio")] == ["/elsewhere"]
    assert [file.sha256 for file in document.project.files] == [file.sha256 for file in saved.files]
    assert all(document.is_intact(file) for file in document.project.files)


def test_files_that_cannot_move_stay_and_are_not_swept_away(
    document: Document, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another disk: a rename there fails, as it does where a file stands in the folder's place."""
    take_model(document, model)
    made = made_file(document.work_folder / "a.mnn")
    document.set_files([made])
    (tmp_path / "work" / "p-files").write_text("in the way")
    said: list[StudioError] = []
    document.noticed.connect(said.append)
    document.save(tmp_path / "work" / "p.ffstudio")
    document.save()
    assert document.project.files == (made,)
    assert len(said) == 1
    assert str(made.path.parent) in str(said[0])
    monkeypatch.setattr(work_folders, "_ABANDONED_SECONDS", -1.0)
    (locations.unsaved_folder() / "abandoned").mkdir()
    work_folders.remove_abandoned(set())
    assert document.is_intact(made)
    assert not (locations.unsaved_folder() / "abandoned").exists()
    document.close()
    assert made.path.exists()


def test_a_job_that_ends_after_save_as_brings_its_files_along(document: Document, model: Path, tmp_path: Path) -> None:
    take_model(document, model)
    unsaved = document.work_folder
    (unsaved / "conversion-1" / ".ffstudio-1-00000000").mkdir(parents=True)  # somebody works there
    document.save(tmp_path / "first.ffstudio")
    document.save(tmp_path / "second.ffstudio")
    made = made_file(unsaved / "conversion-1" / "a.mnn")
    (unsaved / "conversion-1" / ".ffstudio-1-00000000").rmdir()  # it has finished
    document.set_files([made])
    assert document.project.files[0].path == tmp_path / "second-files" / "conversion-1" / "a.mnn"
    assert document.is_intact(document.project.files[0])
    assert not unsaved.exists()


def test_files_that_a_saved_project_names_are_never_swept_away(
    document: Document, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is still worked on, a kill right after the first write, and another project that names the same."""
    monkeypatch.setattr(work_folders, "_ABANDONED_SECONDS", -1.0)
    take_model(document, model)
    made = made_file(document.work_folder / "conversion-1" / "a.mnn")
    staging = made.path.parent / ".ffstudio-1-00000000"
    staging.mkdir()
    document.set_files([made])
    with monkeypatch.context() as patched:
        patched.setattr(Document, "_collect_files", lambda _: None)
        document.save(tmp_path / "first.ffstudio")
    work_folders.remove_abandoned(set())
    assert document.is_intact(made)
    document.save()
    document.save(tmp_path / "second.ffstudio")
    staging.rmdir()
    document.set_files(document.project.files)
    work_folders.remove_abandoned(set())
    assert document.project.files == (made,), "the first project names it there"
    document.close()
    assert document.open(tmp_path / "first.ffstudio") == []


def test_names_that_are_taken_are_left_alone(document: Document, model: Path, tmp_path: Path) -> None:
    made_file(tmp_path / "work" / "p-files" / "a.mnn", "older")
    take_model(document, model)
    document.set_files([made_file(document.work_folder / "a.mnn", "newer")])
    document.save(tmp_path / "work" / "p.ffstudio")
    assert (tmp_path / "work" / "p-files" / "a.mnn").read_text() == "older"
    assert document.project.files[0].path.read_text() == "newer"
    assert document.project.files[0].name == "a-2.mnn"


def test_files_of_a_project_that_is_given_up_go(document: Document, model: Path, qtbot: QtBot) -> None:
    take_model(document, model)
    made = made_file(document.work_folder / "a.mnn")
    document.set_files([made])
    assert document.is_dirty
    document.new()
    qtbot.waitUntil(lambda: not made.path.parent.exists())


def test_saving_elsewhere_makes_another_project(document: Document, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file yet"):
        document.save()
    take_model(document, model)
    document.save(tmp_path / "first.ffstudio")
    made = made_file(document.work_folder / "a.mnn")
    document.set_files([made])
    document.save()
    first = document.project
    document.save(tmp_path / "second")
    assert document.path == tmp_path / "second.ffstudio"
    assert document.title == "second"
    assert document.project.identity != first.identity
    assert document.project.files == (made,)
    with pytest.raises(DestinationError, match="already exists"):
        document.save(tmp_path / "first")
    other = Document()
    assert other.open(tmp_path / "first.ffstudio") == []
    assert other.project == first
    other.close()


def test_a_link_to_a_project_stays_a_link(document: Document, model: Path, tmp_path: Path) -> None:
    take_model(document, model)
    document.save(tmp_path / "work" / "p.ffstudio")
    document.close()
    (tmp_path / "link.ffstudio").symlink_to(tmp_path / "work" / "p.ffstudio")
    document.open(tmp_path / "link.ffstudio")
    document.set_step("prune", {}, "Prune")
    document.save()
    assert (tmp_path / "link.ffstudio").is_symlink()
    assert "prune" in (tmp_path / "work" / "p.ffstudio").read_text()


def test_what_was_open_stays_open_when_another_cannot_be_opened(
    document: Document, model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    take_model(document, model)
    document.save(tmp_path / "p.ffstudio")
    document.set_step("prune", {}, "Prune")
    before = document.project
    (tmp_path / "broken.ffstudio").write_text("{")
    with qtbot.assertNotEmitted(document.state_changed), pytest.raises(StudioError):
        document.open(tmp_path / "broken.ffstudio")
    assert (document.project, document.path, document.is_dirty) == (before, tmp_path / "p.ffstudio", True)
    assert document.undo_stack.canUndo()
    assert document.inspection is not None
    other = Document()
    with pytest.raises(BadInputError, match="open in another window"):
        other.open(tmp_path / "p.ffstudio")
    other.close()
    document.open(tmp_path / "p.ffstudio")  # back to what was saved
    assert steps(document) == []


# --- what is missing -------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(document: Document, model: Path, tmp_path: Path) -> Path:
    """A project with two files, pictures and a model, closed."""
    take_model(document, model)
    path = tmp_path / "work" / "p.ffstudio"
    document.save(path)
    document.set_files([made_file(document.work_folder / name, name) for name in ("a.mnn", "b.mlpackage")])
    (tmp_path / "work" / "pictures").mkdir()
    document.set_comparison_images(str(tmp_path / "work" / "pictures"))
    document.set_step("quantize", {"calibration": str(tmp_path / "work" / "pictures")}, "Calibrate")
    document.save()
    document.close()
    return path


def test_what_is_missing_asks_to_be_found(document: Document, saved: Path, tmp_path: Path, model: Path) -> None:
    places = {model: "m.onnx", saved.with_name("p-files") / "b.mlpackage": "b", saved.with_name("pictures"): "c"}
    for place, name in places.items():
        place.rename(tmp_path / name)
    missing = document.open(saved)
    assert {(each.kind, each.path) for each in missing} == set(
        zip((MissingKind.SOURCE, MissingKind.FILE, MissingKind.IMAGES), places, strict=True)
    )
    assert not any(each.is_changed for each in missing)
    source, file, images = sorted(missing, key=lambda each: list(MissingKind).index(each.kind))
    assert [document.is_intact(each) for each in document.project.files] == [True, False]
    made_file(tmp_path / "other.mlpackage", "other")
    for each, wrong in ((file, "other.mlpackage"), (source, "gone.onnx"), (images, "nowhere")):
        with pytest.raises(BadInputError):
            document.found(each, tmp_path / wrong)
    assert document.missing == tuple(missing)
    document.found(file, tmp_path / "b")
    document.found(images, tmp_path / "c")
    document.found(source, tmp_path / "m.onnx")
    assert document.missing == ()
    assert all(document.is_intact(each) for each in document.project.files)
    assert document.is_dirty
    document.save()
    document.close()
    assert document.open(saved) == []
    assert document.step_options("quantize") == {"calibration": str(tmp_path / "c")}
    assert document.project.recipe.source == str(tmp_path / "m.onnx")


def test_a_model_that_is_found_by_opening_it_keeps_the_project(document: Document, saved: Path, model: Path) -> None:
    model.rename(model.with_name("renamed.onnx"))
    assert [each.kind for each in document.open(saved)] == [MissingKind.SOURCE]
    take_model(document, model.with_name("renamed.onnx"))
    assert document.path == saved
    assert document.missing == ()
    assert len(document.project.files) == 2


def test_changed_files_are_noticed_by_size_at_once_and_by_contents_later(document: Document, saved: Path) -> None:
    folder = saved.with_name("p-files")
    (folder / "a.mnn").write_text("longer than it was")
    (folder / "b.mlpackage" / "Data" / "weight.bin").write_text("b.mlpackagE")
    first, second = (folder / name for name in ("a.mnn", "b.mlpackage"))
    assert [(each.path, each.is_changed) for each in document.open(saved)] == [(first, True)]
    files = document.project.files
    assert [document.is_intact(file) for file in files] == [False, True]
    changed = document.note_fingerprints({str(file.path): sha256_of(file.path) for file in files})
    assert changed == [Missing(MissingKind.FILE, second, files[1].sha256, is_changed=True)]
    assert [document.is_intact(file) for file in files] == [False, False]
    assert document.note_fingerprints({str(second): ""}) == []
    document.forget(changed[0])
    assert [file.path for file in document.project.files] == [first]
    document.set_files([made_file(first, "made again")])
    assert document.missing == ()
    assert document.is_intact(document.project.files[0])


def test_places_that_cannot_be_looked_at_are_missing_and_keep_nothing_from_opening(
    document: Document, saved: Path, tmp_path: Path
) -> None:
    """A share that went away and a folder that may not be entered are refused like a name that is too long."""
    long = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="too long"):
        long.exists()
    text = saved.read_text()
    for name in ("./faces.onnx", "./pictures", "./p-files/a.mnn"):
        assert name in text
        text = text.replace(name, str(long / Path(name).name))
    saved.write_text(text)
    missing = document.open(saved)
    assert {each.path for each in missing} == {long / name for name in ("faces.onnx", "pictures", "a.mnn")}
    assert document.path == saved
    assert not document.is_intact(next(file for file in document.project.files if file.name == "a.mnn"))
    file = next(each for each in missing if each.kind is MissingKind.FILE)
    with pytest.raises(BadInputError):
        document.found(file, long)
    with pytest.raises(StudioError):
        document.open(long / "p.ffstudio")
    assert document.path == saved


def test_a_factory_is_found_with_its_function(document: Document, tmp_path: Path) -> None:
    digest = write_model(tmp_path / "nets.py", "def build(): ...")
    document.set_source(f"{tmp_path / 'nets.py'}:build", digest, {}, {}, True)
    document.save(tmp_path / "p.ffstudio")
    assert '"./nets.py:build"' in (tmp_path / "p.ffstudio").read_text()
    document.close()
    (tmp_path / "nets.py").rename(tmp_path / "networks.py")
    (missing,) = document.open(tmp_path / "p.ffstudio")
    document.found(missing, tmp_path / "networks.py")
    assert document.project.recipe.source == f"{tmp_path / 'networks.py'}:build"
    assert not document.is_trusted
