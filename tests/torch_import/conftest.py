"""Counts what the backend node tests covered, so that the number is seen even in a quiet run."""

from __future__ import annotations

import pytest

COUNTS = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = {}


@pytest.fixture
def backend_counts(request: pytest.FixtureRequest) -> dict[str, int]:
    """Numbers to print when the run ends."""
    return request.config.stash[COUNTS]


@pytest.fixture(autouse=True)
def no_progress_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the progress bars of torch.export and coremltools from starting a thread that never ends."""
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash[COUNTS]
    if counts:
        parts = ", ".join(f"{number} {what}" for what, number in counts.items())
        terminalreporter.write_line(f"ONNX backend node tests: {parts}")
