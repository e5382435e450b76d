"""The walls of the house: who may import whom, what is never called, and how quickly it starts."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "tensorflow", "coremltools", "litert_torch", "MNN", "_tools", "onnx2tf", "onnxruntime", "onnx", "cv2")
# Modules that only exist for one heavy library, and are themselves imported inside functions.
MAY_IMPORT_AT_THE_TOP = (
    "converters/torch_import/",
    "converters/runtimes/mil/",
    "converters/model/architectures/",
    "converters/training/",
    "converters/measure/lpips_torch.py",
)
# The window's process never loads these, not even inside functions: workers do.
NEVER_IN_THE_WINDOW = (*HEAVY, "ai_edge_litert", "ai_edge_quantizer", "safetensors", "scipy", "PIL", "qtpy")
# What pages know of the engine are sentences and plain data; the rest they ask jobs for.
ENGINE_ROOMS = ("converters.targets", "converters.runtimes", "converters.torch_import", "converters.registry")
PROCESSES = (
    "subprocess",
    "multiprocessing",
    "converters.worker",
    "converters.worker_client",
    "converters.worker_pool",
    "converters.pipeline",
)
FORBIDDEN = {
    "MNN.tools": "the wheel's wrapper installs a logging SDK and uploads a machine id",
    "marshal": "it runs or crashes on hostile data",
    "shelve": "it unpickles",
}


def sources(*folders: str) -> list[Path]:
    found = [file for folder in folders for file in (PROJECT / folder).rglob("*.py")]
    assert found
    return found


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[tuple[str, int]]:
    """Yield imported module names and lines; those under `if TYPE_CHECKING` are not real imports."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if top_level_only and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            yield child
            yield from walk(child)

    for node in walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def test_the_engine_knows_neither_the_window_nor_qt() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("converters")
        for module, line in imports(path)
        if module.split(".")[0] in ("studio", "PySide6", "qdarkstyle", "pyqtgraph")
    ]
    assert not wrong


def test_the_window_never_imports_heavy_libraries() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("studio")
        for module, line in imports(path)
        if module.split(".")[0] in NEVER_IN_THE_WINDOW
    ]
    assert not wrong


def test_the_window_imports_numbers_and_plots_when_they_are_first_shown() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("studio")
        for module, line in imports(path, top_level_only=True)
        if module.split(".")[0] in ("numpy", "pyqtgraph", "qdarkstyle")
    ]
    assert not wrong


def test_pages_know_no_target_no_runtime_and_no_process() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("studio/ui")
        for module, line in imports(path)
        if _is_in(module, (*ENGINE_ROOMS, *PROCESSES))
    ]
    assert not wrong


def test_only_the_app_puts_things_together() -> None:
    """What lies beside studio/ui may speak (texts) and be handed a bench, but knows no widget of ours."""
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("studio")
        if name_of(path) not in ("studio/app.py", "studio/translations.py")
        for module, line in imports(path)
        if _is_in(module, ("studio.app",))
        or (
            not name_of(path).startswith("studio/ui/")
            and _is_in(module, ("studio.ui",))
            and not _is_in(module, ("studio.ui.texts", "studio.ui.workbench", "studio.ui.amounts"))
        )
    ]
    assert not wrong


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_heavy_libraries_are_imported_inside_functions() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in [*sources("converters"), PROJECT / "main.py"]
        if not name_of(path).startswith(MAY_IMPORT_AT_THE_TOP)
        for module, line in imports(path, top_level_only=True)
        if module.split(".")[0] in HEAVY
    ]
    assert not wrong


def test_modules_that_import_heavy_libraries_are_reached_inside_functions_only() -> None:
    prefixes = tuple(prefix.removesuffix(".py").rstrip("/").replace("/", ".") for prefix in MAY_IMPORT_AT_THE_TOP)
    heavy = {
        name_of(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for path in sources("converters")
        if name_of(path).startswith(MAY_IMPORT_AT_THE_TOP)
        and any(module.split(".")[0] in HEAVY for module, _ in imports(path, top_level_only=True))
    }
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in sources("converters")
        if not name_of(path).startswith(MAY_IMPORT_AT_THE_TOP)
        for module, line in imports(path, top_level_only=True)
        if module in heavy and module.startswith(prefixes)
    ]
    assert not wrong


def test_forbidden_modules_are_not_imported() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}: {FORBIDDEN[forbidden]}"
        for path in [*sources("converters", "studio"), PROJECT / "main.py"]
        for module, line in imports(path)
        for forbidden in FORBIDDEN
        if module == forbidden or module.startswith(f"{forbidden}.")
    ]
    assert not wrong


def test_nothing_is_unpickled_run_in_a_shell_or_printed() -> None:
    wrong = []
    for path in sources("converters", "studio"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if call in ("eval", "exec", "os.system", "torch.hub.load") or call.startswith(("pickle.", "_pickle.")):
                wrong.append(f"{name_of(path)}:{node.lineno} calls {call}")
            if keywords.get("shell") == "True" or keywords.get("allow_pickle") == "True":
                wrong.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)[:80]}")
            if call == "torch.load" and keywords.get("weights_only") != "True":
                wrong.append(f"{name_of(path)}:{node.lineno} torch.load without weights_only=True")
            # a worker's standard output is its log
            says = ("speaking.py", "worker.py", "__main__.py", "app.py", "crash_reports.py", "translations.py")
            if call == "print" and path.name not in says:
                wrong.append(f"{name_of(path)}:{node.lineno} prints")
    assert not wrong


@pytest.mark.parametrize(
    ("code", "limit"),
    [(["-c", "import converters"], 0.3), (["main.py", "--help"], 0.5), (["main.py", "convert", "--help"], 0.5)],
)
def test_start_is_quick(code: list[str], limit: float) -> None:
    """The limit is above what the bare interpreter takes here and now, so that a busy machine does not decide."""

    def seconds(arguments: list[str]) -> float:
        taken = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], cwd=PROJECT, check=True, capture_output=True)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    assert seconds(code) - seconds(["-c", "pass"]) < limit


def test_every_text_of_the_window_is_a_literal_without_anything_filled_in() -> None:
    """An f-string or a sum of strings is found by no translator."""
    wrong = [
        f"{name_of(path)}:{call.lineno} {ast.unparse(call)[:80]}"
        for path in sources("studio")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "tr"
        and (not call.args or isinstance(call.args[0], ast.JoinedStr | ast.BinOp))
    ]
    assert not wrong


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, runpy; sys.argv = ['main.py', 'convert', '--help']\n"
        "try: runpy.run_path('main.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name in " + repr((*HEAVY, "numpy", "scipy", "psutil")) + "])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_continuous_integration_runs_the_readmes_test_command() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- test command -->\n```sh\n") == 1
    assert readme.count("<!-- demo command -->\n```sh\n") == 1
    assert "<!-- test command -->" in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


def test_modules_stay_small() -> None:
    large = [
        f"{name_of(path)} has {lines} lines"
        for path in sources("converters", "studio")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]
    assert not large
