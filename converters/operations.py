"""What a worker process can be asked to do, by name.

An operation takes plain JSON data and a Progress, and returns plain JSON data. It is named by a dotted path so that
a worker imports only what it is asked for.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from converters.progress import Progress

Data = dict[str, Any]
Operation = Callable[[Data, Progress], Data]

OPERATIONS: dict[str, str] = {
    "warm": "converters.operations:warm",
    "warm_target": "converters.stages:warm_target",
    "inspect_source": "converters.stages:inspect_source",
    "open_source": "converters.opening:open_source",
    "fingerprints": "converters.opening:fingerprints",
    "scan_source_fp16": "converters.opening:scan_source_fp16",
    "check_targets": "converters.target_check:check_targets",
    "prepare": "converters.stages:prepare",
    "quantize_source": "converters.compress.quantize.operation:quantize_source",
    "calibration_open": "converters.compress.quantize.interactive:calibration_open",
    "calibration_histogram": "converters.compress.quantize.interactive:calibration_histogram",
    "calibration_preview": "converters.compress.quantize.interactive:calibration_preview",
    "calibration_blame": "converters.compress.quantize.interactive:calibration_blame",
    "calibration_budget": "converters.compress.quantize.interactive:calibration_budget",
    "calibration_grab": "converters.compress.quantize.interactive:calibration_grab",
    "run_reference": "converters.stages:run_reference",
    "scan_fp16": "converters.stages:scan_fp16",
    "export_target": "converters.stages:export_target",
    "verify_target": "converters.stages:verify_target",
    "locate_difference": "converters.stages:locate_difference",
    "run_model": "converters.face.running:run_model",
    "compare_original": "converters.compare.sides:compare_original",
    "compare_candidate": "converters.compare.sides:compare_candidate",
    "compare_judge": "converters.compare.judging:judge",
    "compare_html": "converters.compare_report.writing:write_html",
    "compare_overlays": "converters.compare_report.overlays:write_overlays",
    "preview": "converters.preview.loop:preview",
    "list_cameras": "converters.preview.sources.cameras:list_cameras",
    "package": "converters.package.operation:write_texts",
    "package_preview": "converters.package.operation:preview",
    "compare_pictures": "converters.compare_report.pictures:write_pictures",
    "compare_page": "converters.compare_report.kept:write_page",
    "keep_pictures": "converters.compare_report.kept:keep_pictures",
}


def find_operation(name: str, table: Mapping[str, str]) -> Operation:
    """Import and return the operation that `table` calls `name`.

    Raises:
        KeyError: there is none, a bug of the caller.
    """
    operation: Operation = imported(table[name])
    return operation


def imported(path: str) -> Any:
    """Return what `path` ("package.module:name") names, importing its module."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def warm(arguments: Data, progress: Progress) -> Data:
    """Import modules ahead of the work that needs them.

    Args:
        arguments: `modules`, their names in the order to import them.
        progress: told about each.

    Returns:
        `seconds`: what each import took; `missing`: why a module could not be imported, by its name.
    """
    modules: list[str] = arguments["modules"]
    seconds: dict[str, float] = {}
    missing: dict[str, str] = {}
    for index, module in enumerate(modules):
        progress("Getting ready", index / len(modules), module)
        start = time.perf_counter()
        try:
            importlib.import_module(module)
        except ImportError as error:
            missing[module] = str(error)
        else:
            seconds[module] = time.perf_counter() - start
    return {"seconds": seconds, "missing": missing}
