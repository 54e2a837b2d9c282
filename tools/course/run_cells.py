"""Run the code cells of one notebook; tools/course/grade.py starts this, one for each.

    python tools/course/run_cells.py NOTEBOOK FOLDER

A cell that raises costs itself alone. FOLDER gets verdicts.jsonl, what the checks said,
and cell.txt, the number of the cell at work, for the note on a notebook that crashed.
"""

import json
import sys
from pathlib import Path

from grade import seal
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from utils.check import verdicts


def listen(folder):
    """Write down what each check says, sealed with the key, which is then gone."""
    key = (folder / "key").read_text()
    (folder / "key").unlink()

    def note(verdict):
        line = [verdict.name, verdict.status, seal(key, verdict.name, verdict.status)]
        with (folder / "verdicts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    verdicts.LISTENERS.append(note)


def main():
    notebook, folder = map(Path, sys.argv[1:])
    listen(folder)
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    settings = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell.instance(config=settings)
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            (folder / "cell.txt").write_text(str(number))
            shell.run_cell("".join(cell["source"]))


if __name__ == "__main__":
    main()
