"""One progress bar over runs, where somebody is watching."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm


def _someone_watches():
    if os.environ.get("CI"):
        return False
    return _in_notebook() or sys.stderr.isatty()


def _in_notebook():
    # JupyterLab names the notebook, VS Code itself; nbval, papermill, nbclient do not.
    return "JPY_SESSION_NAME" in os.environ or "VSCODE_PID" in os.environ


@contextlib.contextmanager
def progress_bar(total: int, count_done: Callable[[], int]) -> Iterator[None]:
    """Show how many of `total` runs are finished, and the time left, until the end.

    Silent in CI and wherever a notebook is executed without a reader.

    Args:
        total: Runs.
        count_done: Gives the number of finished ones. Asked for, since workers hand
            in whole conditions: the bar of a small study would move only twice.
    """
    if not _someone_watches():
        yield
        return
    ended = threading.Event()
    file = sys.stdout if _in_notebook() else sys.stderr
    bar = tqdm(total=total, unit="run", file=file, leave=False)

    def follow():
        while not ended.wait(0.3):
            bar.n = count_done()
            bar.refresh()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        bar.close()
