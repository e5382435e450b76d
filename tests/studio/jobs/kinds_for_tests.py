"""Kinds of jobs that only tests have; they need no worker."""

from __future__ import annotations

from typing import Any

from studio.jobs.context import WorkContext

Data = dict[str, Any]


def broken(arguments: Data, _context: WorkContext) -> Data:
    return {"value": arguments["missing"]}


def leaving(_arguments: Data, _context: WorkContext) -> Data:
    raise SystemExit(3)


def quick(arguments: Data, context: WorkContext) -> Data:
    context.progress("Being quick", 1.0)
    return arguments
