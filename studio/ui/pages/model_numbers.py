"""What fp16 would do to a model: a scan on real pictures, its problems and the largest values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from converters.errors import CancelledError, StudioError
from converters.recipe import QUANTIZING_STEPS
from studio.jobs.job import Data, Job, JobRequest, JobState, Lane
from studio.ui.amounts import share_text
from studio.ui.job_words import stage_text
from studio.ui.texts import tr
from studio.ui.widgets.plain_table import PlainTable
from studio.ui.workbench import Workbench

OPERATION = "scan_source_fp16"
FP16_LARGEST = 65504.0


class NumbersPanel(QWidget):
    """A button that has a worker scan, and what the last scan of this model with these changes found.

    The job keeps the result, so that it is there when the page is made anew.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._identity: int | None = None
        self._words = QLabel()
        self._words.setObjectName("fp16-words")
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QProgressBar()
        self._bar.setObjectName("fp16-bar")
        self._bar.setAccessibleName(tr("Progress of the scan"))
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(8)
        self._scan = QPushButton(tr("Scan"))
        self._scan.setObjectName("fp16-scan")
        self._scan.setProperty("role", "primary")
        self._scan.setAccessibleName(tr("Scan for values that fp16 cannot hold"))
        self._scan.setToolTip(
            tr("Runs the model on real pictures, with the changes of the recipe, and looks at every value.")
        )
        self._scan.clicked.connect(lambda _checked=False: self._start())
        self._cancel = QPushButton(tr("Cancel"))
        self._cancel.setObjectName("fp16-cancel")
        self._cancel.setAccessibleName(tr("Stop the scan"))
        self._cancel.setToolTip(tr("Stop the scan."))
        self._cancel.clicked.connect(lambda _checked=False: self._stop())
        titles = (tr("Tensor"), tr("Made by"), tr("Largest"), tr("Of fp16's range"), tr("Rounded to zero"))
        self._tensors = PlainTable(titles, numbers=(2, 3, 4), stretched=0, parent=self)
        self._tensors.setObjectName("fp16-tensors")
        self._tensors.setAccessibleName(tr("The largest values"))
        explanation = QLabel(
            tr("fp16 ends at 65504 and knows nothing below 6e-8. What a model computes beyond comes out black or grey.")
        )
        explanation.setProperty("role", "secondary")
        explanation.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(explanation, 1)
        row.addWidget(self._cancel)
        row.addWidget(self._scan)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._bar)
        column.addWidget(self._words)
        column.addWidget(self._tensors, 1)

    def refresh(self) -> None:
        """Show what is known of the document's model with the recipe's changes."""
        job = self._latest()
        if job is not None and not job.state.is_over:
            self._follow(job.identity)
            return
        self._identity = None
        if job is not None and job.state is JobState.DONE and job.result is not None:
            self._show_result(job.result)
        else:
            self._show_idle(tr("Not scanned yet, as the recipe stands."))

    def _arguments(self) -> dict[str, Any]:
        recipe = self._bench.document.project.recipe.to_json()
        return {
            "source": recipe["source"]["path"],
            "sha256": recipe["source"]["sha256"],
            "shapes": recipe["source"]["shapes"],
            "trust": self._bench.document.is_trusted,
            "steps": [step for step in recipe["steps"] if step["step"] not in QUANTIZING_STEPS],
            "images": recipe["verification"]["images"],
        }

    def _latest(self) -> Job | None:
        """Return the newest scan of this very model with these very changes."""
        wanted = self._arguments()
        for job in reversed(self._bench.jobs.jobs()):
            arguments = job.request.arguments
            if arguments.get("operation") == OPERATION and arguments["arguments"] == wanted:
                return job
        return None

    def _start(self) -> None:
        document = self._bench.document
        request = JobRequest(
            kind="operation",
            title=tr("Scanning {name} for fp16", name=document.title),
            arguments={"worker": "analysis", "operation": OPERATION, "arguments": self._arguments()},
            lane=Lane.WORK,
            replaces=OPERATION,
        )
        self._follow(self._bench.jobs.submit(request))

    def _stop(self) -> None:
        if self._identity is not None:
            self._bench.jobs.cancel(self._identity)

    def _follow(self, identity: int) -> None:
        self._scan.hide()
        self._cancel.show()
        self._bar.setRange(0, 0)
        self._bar.show()
        self._words.setText(tr("Waiting for its turn."))
        self._words.setProperty("role", "secondary")
        self._polish()
        self._tensors.hide()
        if self._identity == identity:
            return
        self._identity = identity
        self._bench.jobs.follow(
            identity,
            self,
            done=lambda _result: self._over(identity),
            failed=lambda error: self._failed(identity, error),
            changed=lambda job: self._progressed(identity, job),
        )

    def _progressed(self, identity: int, job: Job) -> None:
        if identity != self._identity or job.state is not JobState.RUNNING:
            return
        self._words.setText(stage_text(job))
        self._bar.setRange(0, 100 if job.fraction else 0)
        self._bar.setValue(round(100 * job.fraction))

    def _over(self, identity: int) -> None:
        if identity == self._identity:
            self.refresh()

    def _failed(self, identity: int, error: StudioError) -> None:
        if identity != self._identity:
            return
        self._identity = None
        is_cancelled = isinstance(error, CancelledError)
        self._show_idle(tr("The scan was cancelled.") if is_cancelled else str(error), "" if is_cancelled else "error")

    def _show_idle(self, text: str, role: str = "secondary") -> None:
        self._bar.hide()
        self._cancel.hide()
        self._scan.setText(tr("Scan"))
        self._scan.show()
        self._tensors.hide()
        self._words.setText(text)
        self._words.setProperty("role", role)
        self._polish()
        self._stretch()

    def _show_result(self, result: Data) -> None:
        problems = list(result["problems"])
        self._show_idle(
            "\n".join(f"• {problem}" for problem in problems)
            or tr("Nothing was found that fp16 breaks, on {count} pictures.", count=result["samples"]),
            "warning" if problems else "success",
        )
        self._scan.setText(tr("Scan again"))
        self._tensors.set_rows([_row(tensor) for tensor in result["tensors"]])
        self._tensors.show()
        self._stretch()

    def _stretch(self) -> None:
        """Keep everything at the top while there is no table."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.setAlignment(Qt.AlignmentFlag.AlignTop if self._tensors.isHidden() else Qt.AlignmentFlag(0))

    def _polish(self) -> None:
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)


def _row(tensor: Mapping[str, Any]) -> list[str]:
    largest = tensor["largest"]
    made_by = tensor["operator"]
    if largest is None:
        return [tensor["name"], made_by, tr("not finite"), "", ""]
    lost = tensor["vanishing"]
    return [
        tensor["name"],
        made_by,
        f"{largest:.4g}",
        share_text(largest / FP16_LARGEST),
        share_text(lost) if lost else "–",
    ]
