"""One progress bar over runs, where somebody is watching."""

import contextlib
import os
import sys
import threading

from tqdm import tqdm


def _someone_watches():
    if os.environ.get("CI"):
        return False
    # JupyterLab names the notebook; nbval, papermill and nbclient do not.
    return "JPY_SESSION_NAME" in os.environ or sys.stderr.isatty()


@contextlib.contextmanager
def progress_bar(total, count_done):
    """Show how many of `total` runs are finished, and the time left, until the end.

    count_done() gives the number of finished runs. Silent in CI and wherever a
    notebook is executed without a reader.
    """
    if not _someone_watches():
        yield
        return
    ended = threading.Event()
    file = sys.stdout if "JPY_SESSION_NAME" in os.environ else sys.stderr
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
