"""Run the code cells of one notebook; tools/course/grade.py starts this, one for each.

    python tools/course/run_cells.py NOTEBOOK PLACE

A cell that raises costs itself alone. PLACE is a file that holds the number of the
cell at work, for the note on a notebook that crashed.
"""

import json
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


def main():
    notebook, place = map(Path, sys.argv[1:])
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    settings = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell.instance(config=settings)
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] == "code":
            place.write_text(str(number))
            shell.run_cell("".join(cell["source"]))


if __name__ == "__main__":
    main()
