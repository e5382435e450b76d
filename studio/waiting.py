"""Waiting for the disk without freezing the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QEventLoop, QMetaObject, Qt, QThread

T = TypeVar("T")
_UNNOTICED_SECONDS = 0.01


def without_freezing(work: Callable[[], T]) -> T:
    """Do work on another thread and return what it returns, while the window goes on painting and answering workers.

    Keys and the mouse wait until the work is done. What finishes meanwhile is told as ever, so a caller must expect
    that things are not as they were before.

    Args:
        work: touches nothing that the window's thread changes.

    Raises:
        BaseException: what `work` raises.
    """
    application = QCoreApplication.instance()
    if application is None or QThread.currentThread() != application.thread():
        return work()
    outcome: Future[T] = Future()
    loop = QEventLoop()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)
        # as an event, so that it is not lost when it comes before the loop begins
        QMetaObject.invokeMethod(loop, "quit", Qt.ConnectionType.QueuedConnection)

    thread = threading.Thread(target=run, name="waiting for the disk")
    thread.start()
    thread.join(_UNNOTICED_SECONDS)
    if not outcome.done():
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    thread.join()
    return outcome.result()
