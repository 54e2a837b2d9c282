"""What maintainers run: canonical form, refresh, exercises; on tiny notebooks.

The command lines run on a copy of the tools, in a folder that stands for the course.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "author"))

import canonical  # noqa: E402
import exercises  # noqa: E402


def cell(build, source, slide="slide", **fields):
    """A cell of v4.new_markdown_cell or v4.new_code_cell, with a slide type."""
    metadata = {"slideshow": {"slide_type": slide}}
    return build(source, **{"metadata": metadata, **fields})


def code(source="1", count=None, outputs=(), **fields):
    fields = {"execution_count": count, "outputs": list(outputs), **fields}
    return cell(v4.new_code_cell, source, **fields)


def stream(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def notebook(*cells):
    """A notebook that is not validated: nbformat would give doubled ids new ones."""
    given = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(given)


@pytest.fixture
def course(tmp_path):
    """A folder with the tools and no chapters: course(tool, *arguments) runs one."""
    (tmp_path / "chapters" / "solutions").mkdir(parents=True)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in ("conftest.py", "course.py"):
        shutil.copy(ROOT / name, tmp_path)
    env = {k: v for k, v in os.environ.items() if k != "COURSE_RUNS"}

    def run(tool, *arguments):
        command = [sys.executable, f"tools/author/{tool}.py", *map(str, arguments)]
        settings = {"cwd": tmp_path, "capture_output": True, "text": True}
        return subprocess.run(command, env=env, **settings)

    return run


# Canonical form


def rewritten(given, name="02_penalties"):
    return canonical.canonical(given, name)


def test_metadata_of_tools_goes_and_the_authors_stays():
    first = cell(v4.new_markdown_cell, "Text", "fragment")
    first.metadata.update(
        collapsed=True,
        papermill={"duration": 1},
        execution={"iopub.status.busy": "2026-01-01"},
        tags=["b", "a", "b"],
    )
    given = notebook(first)
    given.metadata.update(
        widgets={"state": {}},
        papermill={},
        kernelspec={"name": "my-env"},
        language_info={"name": "python", "version": "3.11.2"},
    )
    result = rewritten(given)
    assert result.cells[0].metadata == {
        "slideshow": {"slide_type": "fragment"},
        "tags": ["a", "b"],
    }
    assert result.metadata.keys() == {"kernelspec", "language_info"}
    assert result.metadata.kernelspec.name == "python3"
    assert result.metadata.language_info == {"name": "python"}


def test_valid_ids_stay_and_others_come_from_their_place():
    cells = [code(id=name) for name in ("02-idea", "02-idea", "ok_1", "02-cell-02")]
    cells.append(code())
    cells[-1].id = "no spaces"
    ids = [c.id for c in rewritten(notebook(*cells)).cells]
    assert ids[0] == "02-idea"
    assert ids[2:] == ["ok_1", "02-cell-02", "02-cell-05"]
    assert ids[1].startswith("02-cell-02") and len(set(ids)) == 5


def test_ids_of_an_older_format_are_the_same_each_time(tmp_path):
    old = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    old["cells"] = [{"cell_type": "markdown", "metadata": {}, "source": "Text"}] * 2
    path = tmp_path / "03_old.ipynb"
    path.write_text(json.dumps(old))
    ids = [c.id for c in rewritten(canonical.read(path), path.stem).cells]
    assert ids == ["03-cell-01", "03-cell-02"]


def test_counts_are_one_to_n_and_results_stay():
    result = v4.new_output("execute_result", {"text/plain": "7"}, execution_count=9)
    given = notebook(code(count=9, outputs=[result]), code("2", count=4))
    first, second = rewritten(given).cells
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert first.outputs[0].execution_count == 1
    assert first.outputs[0].data == {"text/plain": "7"}
    assert (first.source, second.source) == ("1", "2")


def test_streams_that_were_cut_are_joined():
    parts = [stream("a"), stream("b\n"), stream("w", "stderr"), stream("c")]
    (only,) = rewritten(notebook(code(count=1, outputs=parts))).cells
    texts = [(output.name, output.text) for output in only.outputs]
    assert texts == [("stdout", "ab\n"), ("stderr", "w"), ("stdout", "c")]


def test_the_file_is_sorted_and_ends_in_a_newline():
    text = canonical.text(rewritten(notebook(code("x = 'ü'\ny"))))
    loaded = json.loads(text)
    again = json.dumps(loaded, sort_keys=True, indent=1, ensure_ascii=False)
    assert text == again + "\n"
    assert loaded["nbformat"] == 4 and loaded["nbformat_minor"] == 5


def test_canonical_form_is_a_fixed_point():
    result = v4.new_output("execute_result", {"text/plain": "7"}, execution_count=9)
    given = notebook(code(count=3, outputs=[stream("a"), stream("b"), result]))
    once = canonical.text(rewritten(given))
    assert canonical.text(rewritten(nbformat.reads(once, as_version=4))) == once


def error():
    return v4.new_output("error", ename="ValueError", evalue="no", traceback=[])


def widget():
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Button()"}
    return v4.new_output("display_data", data)


PROGRESS = [
    "50%|#####     | 5/10 [00:01<00:01,  5.00it/s]",
    "12it [00:03, 4.00it/s, loss=0.5]",
    "2/9 [00:20<01:10, 10.0s/it]",
    "10/10 ━━━━━━━━━ 1s 3ms/step - loss: 0.5",
    "a\rb",
]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (code(metadata={}), "slide_type is None: choose one of slide, subslide"),
        (code(slide="-"), "slide_type is '-'"),
        (code(outputs=[stream("Watch out", "stderr")]), "stderr: 'Watch out'"),
        (code(outputs=[error()]), "failed with ValueError"),
        (code(outputs=[widget()]), "widget"),
        *[(code(outputs=[stream(text)]), "progress") for text in PROGRESS],
    ],
)
def test_what_only_the_author_can_mend_is_named(given, words):
    given.id = "02-here"
    (line,) = canonical.problems(rewritten(notebook(given)))
    assert line.startswith("cell 1 (02-here): ")
    assert words in line


@pytest.mark.parametrize("tag", ["approx=abc", "approx", "approx:0.1"])
def test_malformed_tolerances_are_named(tag):
    given = code()
    given.metadata.tags = [tag]
    (line,) = canonical.problems(notebook(given))
    assert f"{tag!r}: write approx=0.02" in line


def test_cells_that_were_not_run_are_named():
    given = rewritten(notebook(code(count=1), code(), code(count=7)))
    assert canonical.problems(given) == ["1 of 3 code cells were not run: run them all"]
    assert canonical.problems(rewritten(notebook(code(), code()))) == []


def test_plain_text_is_no_progress():
    texts = ["loss fell by 50%\n", "better in 5/5 pairs\n", "a | b | c\r\n"]
    given = notebook(code(count=1, outputs=[stream("".join(texts))]))
    assert canonical.problems(given) == []


def test_check_names_each_departure_and_changes_nothing(course, tmp_path):
    good = canonical.text(rewritten(notebook(code(count=1)), "01_good"))
    files = {
        "01_good": good,
        "02_indented": json.dumps(json.loads(good), indent=2),
        "03_no_newline": good.rstrip("\n"),
        "04_windows": good.replace("\n", "\r\n"),
        "05_no_slide": good.replace('"slide_type": "slide"', ""),
        "06_count": good.replace('"execution_count": 1', '"execution_count": 3'),
        "07_json": good[:-20],
        "08_else": '{"cells": 1, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "08_list": "[]",
        "08_empty": "",
        "09_extra": good.replace('"source": [', '"more": 1, "source": ['),
    }
    for name, text in files.items():
        (tmp_path / f"chapters/{name}.ipynb").write_bytes(text.encode())
    call = course("canonical", "--check")
    assert call.returncode == 1
    said = call.stderr.splitlines()
    assert not any("01_good" in line for line in said)
    for name in list(files)[1:]:
        assert any(name in line for line in said), name
    assert any("05_no_slide" in line and "slide_type is None" in line for line in said)
    assert "Traceback" not in call.stderr
    for name, text in files.items():
        assert (tmp_path / f"chapters/{name}.ipynb").read_bytes() == text.encode()


def test_canonical_mends_what_it_can(tmp_path, capsys):
    path = tmp_path / "01_form.ipynb"
    nbformat.write(notebook(code(count=5)), path)
    assert canonical.rewrite(path) == []
    assert "rewritten in canonical form" in capsys.readouterr().out
    assert canonical.faults(path) == []
    assert canonical.rewrite(path) == []
    assert capsys.readouterr().out == ""


def test_folders_and_files_are_found(tmp_path):
    for name in ("b.ipynb", "zh/a.ipynb", ".ipynb_checkpoints/b.ipynb", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = [path.name for path in canonical.notebooks([tmp_path])]
    assert found == ["b.ipynb", "a.ipynb"]
    with pytest.raises(ValueError, match=r"77\.ipynb: there is no such file or folder"):
        list(canonical.notebooks([tmp_path / "77.ipynb"]))


# Refresh


def test_refresh_stores_outputs_and_shows_numbers(course, tmp_path):
    """One chapter twice, changed in between, and one that fails."""
    shutil.copytree(ROOT / "utils", tmp_path / "utils")
    figure = "fig, _ = plots.figure()\nplots.show(fig, 'An empty figure.')"
    sources = [
        "import os\nimport pathlib\n\nfrom utils import plots",
        "value = 0.5\nprint('accuracy', value, pathlib.Path().resolve().name)",
        figure,
        "print(value > 0.1, 'COURSE_RUNS' in os.environ)",
    ]
    cells = [code(source, id=f"01-{i}") for i, source in enumerate(sources)]
    path = tmp_path / "chapters/01_numbers.ipynb"
    nbformat.write(notebook(*cells), path)
    cache = tmp_path / "build/runs/study/record"
    cache.parent.mkdir(parents=True)
    cache.write_text("")

    first = course("refresh", "--keep-cache", "1")
    assert (first.returncode, first.stderr) == (0, "")
    assert canonical.faults(path) == []
    stored = canonical.read(path)
    assert stored.cells[1].outputs[0].text == "accuracy 0.5 chapters\n"
    (picture,) = stored.cells[2].outputs
    assert picture.output_type == "display_data"
    assert picture.metadata["image/png"]["alt"] == "An empty figure."
    assert stored.cells[3].outputs[0].text == "True False\n"

    stored.cells[1].source = stored.cells[1].source.replace("0.5", "0.25")
    nbformat.write(stored, path)
    broken = tmp_path / "chapters/solutions/02_broken.ipynb"
    nbformat.write(notebook(code(id="02-a"), code("1 / 0", id="02-b")), broken)
    before = broken.read_bytes()
    second = course("refresh")
    assert second.returncode == 1
    assert "cell 2 (01-1)" in second.stdout
    assert "accuracy # chapters: 0.5 → 0.25" in second.stdout
    # Its studies had a run folder of their own, and the reader's stays.
    assert canonical.read(path).cells[3].outputs[0].text == "True True\n"
    assert cache.exists()
    assert "02_broken, cell 2 (02-b): ZeroDivisionError" in second.stderr
    assert broken.read_bytes() == before


def test_refresh_of_a_chapter_that_is_not_there(course):
    call = course("refresh", "--keep-cache", "7")
    assert call.returncode == 2
    assert "There is no chapter '7'" in call.stderr


# Exercises

SOLVED = '''
def shrink(w, strength):
    """Return the penalty."""
    # BEGIN SOLUTION
    total = 0
    for value in w:
        total += value**2
    return strength * total
    # END SOLUTION


def other():
    if True:
        # BEGIN SOLUTION
        return 1
        # END SOLUTION
'''
BLANK = '''
def shrink(w, strength):
    """Return the penalty."""
    # YOUR CODE HERE
    raise NotImplementedError


def other():
    if True:
        # YOUR CODE HERE
        raise NotImplementedError
'''


def test_solutions_become_blanks():
    assert exercises.blanked(SOLVED) == BLANK
    assert exercises.blanked("x = 1\n") == "x = 1\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f():\n    # BEGIN SOLUTION\n    return 1", "do not pair up"),
        ("def f():\n    return 1\n    # END SOLUTION", "do not pair up"),
        (
            "def f():\n    # BEGIN SOLUTION\n    a = 1\n    # BEGIN SOLUTION\n"
            "    return a\n    # END SOLUTION",
            "do not pair up",
        ),
        (
            "def f():\n    # begin solution\n    return 1\n    # end solution",
            "do not pair up",
        ),
        (
            "def f():\n    # BEGIN SOLUTION of f\n    return 1\n    # END SOLUTION",
            "do not pair up",
        ),
        (
            "class Layer:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION",
            "the body of a function",
        ),
        (
            "def f():\n    return 1\n# BEGIN SOLUTION\nf()\n# END SOLUTION",
            "the body of a function",
        ),
        ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION", "the body of a function"),
        (
            "for i in x:\n    # BEGIN SOLUTION\n    i\n    # END SOLUTION",
            "the body of a function",
        ),
    ],
)
def test_regions_that_cannot_be_blanked(source, words):
    with pytest.raises(ValueError, match=words):
        exercises.blanked(source)
    with pytest.raises(ValueError, match=f"cell 02-x: .*{words}"):
        exercises.exercise(notebook(code(source, id="02-x")), "02_x")


def test_an_exercise_keeps_all_but_the_answers():
    answer = cell(v4.new_markdown_cell, "Because.")
    answer.metadata.tags = ["solution"]
    experiment = code("x = measure()", count=2, outputs=[stream("1.0")])
    experiment.metadata.tags = ["approx=0.02", "solution"]
    check = code("shrink", count=3, outputs=[stream("Correct\n")])
    check.metadata.tags = ["keep", "nbval-ignore-output"]
    text = cell(v4.new_markdown_cell, "Explain why.", "fragment")
    given = notebook(text, code(SOLVED, count=1), answer, experiment, check)
    made = exercises.exercise(given, "02_x").cells
    assert [c.source for c in made] == [
        "Explain why.",
        BLANK,
        "*Write your answer here.*",
        "# YOUR CODE HERE",
        "shrink",
    ]
    assert [c.metadata.get("tags", []) for c in made] == [[], [], [], [], ["keep"]]
    assert made[0].metadata.slideshow.slide_type == "fragment"
    assert [c.id for c in made] == [c.id for c in given.cells]
    for blank in made:
        assert not blank.get("outputs") and blank.get("execution_count") is None
    assert given.cells[1].source == SOLVED, "the solution is left alone"


def test_the_reason_stays_with_the_solution():
    reason = cell(v4.new_markdown_cell, "Since the mean is kept.")
    reason.metadata.tags = ["why"]
    given = notebook(code(SOLVED, count=1), reason)
    made = exercises.exercise(given, "02_x").cells
    assert [c.source for c in made] == [BLANK]
    assert len(given.cells) == 2


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A solution, and the place of the exercise that is made from it."""
    monkeypatch.setattr(exercises, "ROOT", tmp_path)
    for name in ("solutions", "exercises"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(exercises, name.upper(), tmp_path / name)
    solution, made = (tmp_path / f"{n}/02_x.ipynb" for n in ("solutions", "exercises"))
    canonical.write(solution, rewritten(notebook(code(SOLVED, count=1)), "02_x"))
    return solution, made


STALE = "02_x.ipynb is stale: run python tools/author/exercises.py"


def test_exercises_are_written_and_checked(workshop):
    solution, made = workshop
    assert exercises.generate(check=True) == [STALE]
    assert not made.exists()
    assert exercises.generate(check=False) == []
    assert exercises.generate(check=True) == []
    assert canonical.faults(made) == []

    again = SOLVED.replace("Return", "Compute")
    canonical.write(solution, rewritten(notebook(code(again, count=1)), "02_x"))
    assert exercises.generate(check=True) == [STALE]
    assert exercises.generate(check=False) == []
    assert "Compute" in made.read_text()

    bad = rewritten(notebook(code("# BEGIN SOLUTION", id="02-b")), "02_x")
    canonical.write(solution, bad)
    (line,) = exercises.generate(check=False)
    assert line.startswith("02_x.ipynb: cell 02-b: # BEGIN SOLUTION")


def solve(made):
    """As a learner does: an answer in the blank, run, and saved by JupyterLab."""
    stored = canonical.read(made)
    answer = "return 7"
    stored.cells[0].source = stored.cells[0].source.replace(
        "raise NotImplementedError", answer
    )
    stored.cells[0].execution_count = 3
    nbformat.write(stored, made)


@pytest.mark.parametrize(
    "work",
    [
        solve,
        lambda made: made.write_text(made.read_text().replace('"blank"', '"other"')),
        lambda made: made.write_text("no notebook"),
    ],
    ids=["solved in place", "from an older edition", "damaged"],
)
def test_somebodys_work_is_never_overwritten(workshop, work):
    _, made = workshop
    exercises.generate(check=False)
    work(made)
    before = made.read_bytes()
    assert exercises.generate(check=True) == [STALE]
    stays = "02_x.ipynb is somebody's work, and stays: move it, then call again"
    assert exercises.generate(check=False) == [stays]
    assert made.read_bytes() == before


@pytest.mark.parametrize("solutions", [True, False], ids=["clone", "handout"])
def test_nobodys_work_is_ever_deleted(workshop, solutions):
    solution, made = workshop
    exercises.generate(check=False)
    orphan = made.with_name("03_mine.ipynb")
    orphan.write_text("{}")
    if not solutions:
        solution.unlink()
    (line,) = exercises.generate(check=False)
    assert line == (
        "03_mine.ipynb has no solution: remove it"
        if solutions
        else "this copy has no chapters/solutions to make exercises from"
    )
    assert sorted(made.parent.iterdir()) == [made, orphan]


def test_the_command_tells_by_its_status(course, tmp_path):
    solution = tmp_path / "chapters/solutions/02_x.ipynb"
    canonical.write(solution, rewritten(notebook(code(SOLVED, count=1)), "02_x"))
    stale = course("exercises", "--check")
    assert stale.returncode == 1
    assert stale.stderr.startswith("exercises: 02_x.ipynb is stale")
    assert course("exercises").returncode == 0
    assert course("exercises", "--check").returncode == 0


@pytest.mark.skipif(
    not (ROOT / "chapters" / "solutions").exists(), reason="a copy without solutions"
)
def test_stored_exercises_are_fresh():
    call = [sys.executable, ROOT / "tools" / "author" / "exercises.py", "--check"]
    result = subprocess.run(call, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
