"""The Chinese edition's tool on a course of one chapter: nothing lost or stale."""

import shutil
import sys
from pathlib import Path

import nbformat
import polib
import pytest
from nbformat import v4

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "author"), str(ROOT / "tools" / "course")]

import canonical  # noqa: E402
import edition  # noqa: E402
import exercises  # noqa: E402
import parity  # noqa: E402
import run  # noqa: E402
import tables  # noqa: E402
import translate  # noqa: E402

NAME = "02_penalties.ipynb"
BACK = "Back to [the price](../02_penalties.ipynb#what-it-costs)."
README = """# The course

Begin with [02](chapters/02_penalties.ipynb#what-it-costs).

```
course.py
```
"""
TITLE = "# 02 Penalties\n\n**Why?** See [more](in_depth/02_penalties.ipynb#a-proof)."
CHINESE = "# 02 惩罚项\n\n**为什么?** 见[深入](in_depth/02_penalties.ipynb#a-proof)。"
WORDS = {
    TITLE: CHINESE,
    "## What it costs": "## 代价",
    BACK: ("回到[代价](../02_penalties.ipynb#what-it-costs)。"),
    "## A proof": "## 一个证明",
    "Solve it.": "请解答。",
    "Because it is so.": "因为如此。",
    "*Write your answer here.*": "*在这里写下你的答案。*",
    "A line that rises.": "一条上升的线。",
    "# The course": "# 课程",
    "Begin with [02](chapters/02_penalties.ipynb#what-it-costs).": (
        "从 [02](chapters/02_penalties.ipynb#what-it-costs) 开始。"
    ),
    "two weights": "两个权重",
}
SVG = (
    "<svg><title>two weights</title><text x='1'>two weights</text><text>2</text></svg>"
)


def markdown(name, source, *tags):
    metadata = {"slideshow": {"slide_type": "slide"}, "tags": list(tags)}
    return v4.new_markdown_cell(source, id=name, metadata=metadata)


def store(path, *cells):
    made = canonical.canonical(v4.new_notebook(cells=list(cells)), path.stem)
    canonical.write(path, made)


def figure():
    data = {"image/png": "AAAA", "text/plain": "A line that rises."}
    alt = {"image/png": {"alt": "A line that rises."}}
    code = v4.new_code_cell("draw(1)", id="02-draw", execution_count=1)
    code.outputs = [v4.new_output("display_data", data, metadata=alt)]
    code.metadata.slideshow = {"slide_type": "slide"}
    return code


@pytest.fixture
def course(tmp_path, monkeypatch, capsys):
    """A folder with one chapter; course(...) calls the tool: its status, its words."""
    chapters = tmp_path / "chapters"
    for module in (edition, translate):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(edition, "LOCALE", tmp_path / "locale" / "zh_CN")
    monkeypatch.setattr(translate, "ZH", chapters / "zh")
    for module in (edition, run):
        monkeypatch.setattr(module, "CHAPTERS", chapters)
    monkeypatch.setattr(exercises, "ROOT", tmp_path)
    for name in ("exercises", "solutions"):
        monkeypatch.setattr(exercises, name.upper(), chapters / name)
    for name in ("in_depth", "solutions", "notes", "drawings"):
        (chapters / name).mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "tools" / "course").mkdir(parents=True)
    shutil.copy(edition.__file__, tmp_path / "tools" / "course")  # its own words
    (tmp_path / "README.md").write_text(README)
    (chapters / "drawings" / "weights.svg").write_text(SVG)
    cost = markdown("02-cost", "## What it costs")
    store(chapters / NAME, markdown("02-title", TITLE), cost, figure())
    deep = [markdown("02d-back", BACK), markdown("02d-proof", "## A proof")]
    store(chapters / "in_depth" / NAME, *deep)
    why = markdown("02-1-why", "Because it is so.", "why")
    task = markdown("02-1-task", "Solve it.")
    answer = markdown("02-1-answer", "Because it is so.", "solution")
    store(chapters / "solutions" / NAME, task, answer, why)
    exercises.generate(check=False)

    def call(*arguments):
        translate.forget()
        monkeypatch.setattr(sys, "argv", ["translate.py", *map(str, arguments)])
        return translate.main(), capsys.readouterr().err

    assert call() == (0, "")
    return call


def entries(folder):
    """Every entry of a course's catalogues, with its file."""
    for file in sorted((folder / "locale").rglob("*.po")):
        catalogue = polib.pofile(str(file), wrapwidth=10**6)
        yield from ((entry, catalogue, file) for entry in catalogue)


def fill(folder, words=WORDS):
    for entry, catalogue, file in entries(folder):
        if entry.msgid in words or file.stem == "tools":
            entry.msgstr = words.get(entry.msgid, entry.msgid)
            file.write_text(f"{catalogue}\n", encoding="utf-8")


@pytest.fixture
def translated(course, tmp_path):
    """The same with every entry translated, and Chinese files made."""
    fill(tmp_path)
    assert course() == course("--check") == (0, "")
    return course


def change(folder, old, new):
    """Change a chapter's Markdown."""
    path = folder / "chapters" / NAME
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    canonical.write(path, notebook)


def chinese(folder, name=NAME):
    return nbformat.read(folder / "chapters" / "zh" / name, as_version=4)


def test_code_outputs_ids_and_tags_are_the_english_ones(translated, tmp_path):
    english = nbformat.read(tmp_path / "chapters" / NAME, as_version=4)
    made = chinese(tmp_path)
    assert [cell.id for cell in made.cells] == [cell.id for cell in english.cells]
    assert made.cells[2].source == "draw(1)"
    (output,) = made.cells[2].outputs
    assert output.data["image/png"] == "AAAA"
    assert output.metadata["image/png"]["alt"] == "一条上升的线。"
    assert made.cells[1].source == "## 代价"


def test_links_lead_on_from_where_the_chinese_is_stored(translated, tmp_path):
    """To the Chinese, by its own heading, where it is stored; else to the English."""
    title = chinese(tmp_path).cells[0].source
    assert "](../in_depth/02_penalties.ipynb#a-proof)" in title
    readme = (tmp_path / "README.zh.md").read_text(encoding="utf-8")
    assert "](chapters/zh/02_penalties.ipynb#代价)" in readme
    assert readme.endswith("```\ncourse.py\n```\n")


def test_the_whole_course_in_a_folder_keeps_its_places(translated, tmp_path):
    into = tmp_path / "whole"
    assert translated("--into", into)[0] == 0
    deep = nbformat.read(into / "chapters" / "in_depth" / NAME, as_version=4)
    assert "](../02_penalties.ipynb#代价)" in deep.cells[0].source
    core = nbformat.read(into / "chapters" / NAME, as_version=4)
    assert "](in_depth/02_penalties.ipynb#一个证明)" in core.cells[0].source
    solution = nbformat.read(into / "chapters" / "solutions" / NAME, as_version=4)
    assert solution.cells[2].source == "因为如此。"


def test_an_exercise_is_translated_by_its_solution_and_emptied(translated, tmp_path):
    made = chinese(tmp_path, f"exercises/{NAME}")
    texts = [cell.source for cell in made.cells]
    assert texts == ["请解答。", "*在这里写下你的答案。*"]
    assert texts[1] != exercises.EMPTY["markdown"] == edition.EMPTIED
    assert canonical.faults(tmp_path / "chapters" / "zh" / "exercises" / NAME) == []


def test_words_of_drawings_are_translated_and_numbers_stay(translated, tmp_path):
    made = (tmp_path / "chapters" / "zh" / "drawings" / "weights.svg").read_text(
        "utf-8"
    )
    assert made == SVG.replace("two weights", "两个权重")


def test_changed_english_is_fuzzy_and_english_until_it_is_mended(translated, tmp_path):
    change(tmp_path, "What it costs", "What it really costs")
    assert "behind its English" in translated("--check")[1]
    assert translated()[0] == 0
    assert chinese(tmp_path).cells[1].source == "## What it really costs"
    (entry,) = [entry for entry, *_ in entries(tmp_path) if entry.fuzzy]
    assert entry.msgstr == "## 代价" and entry.previous_msgid == "## What it costs"
    status, words = translated("--check")
    assert "02-cost: its English changed" in words and status == 1


def test_english_that_is_only_wrapped_anew_needs_nothing(translated, tmp_path):
    change(tmp_path, "**Why?** See", "**Why?**\nSee")
    assert translated()[0] == 0
    assert translated("--check")[1] == ""
    assert chinese(tmp_path).cells[0].source.startswith("# 02 惩罚项")


def test_a_text_that_moves_takes_its_translation_along(translated, tmp_path):
    change(tmp_path, "## What it costs", "## A proof")
    translated()
    assert chinese(tmp_path).cells[1].source == "## 一个证明"


def test_what_is_not_translated_stays_english_and_is_named(translated, tmp_path):
    for entry, catalogue, file in entries(tmp_path):
        if entry.msgctxt == "02-cost":
            entry.msgstr = ""
            file.write_text(f"{catalogue}\n", encoding="utf-8")
    translated()
    assert chinese(tmp_path).cells[1].source == "## What it costs"
    assert "02-cost is not translated" in translated("--check")[1]


def test_stale_and_orphaned_files_are_named(translated, tmp_path):
    path = tmp_path / "chapters" / "zh" / NAME
    path.write_text(path.read_text("utf-8").replace("代价", "价格"), encoding="utf-8")
    (path.parent / "03_gone.ipynb").write_text("")
    (tmp_path / "locale" / "zh_CN" / "gone.po").write_text("")
    named = translated("--check")[1]
    assert f"zh/{NAME} is stale" in named
    assert "03_gone.ipynb has no English" in named and "gone.po has no English" in named


def test_an_exercise_that_somebody_solved_stays(translated, tmp_path):
    path = tmp_path / "chapters" / "zh" / "exercises" / NAME
    solved = path.read_text(encoding="utf-8").replace("在这里写下你的答案", "我的答案")
    path.write_text(solved, encoding="utf-8")
    status, words = translated()
    assert "somebody's work" in words and status == 1
    assert path.read_text(encoding="utf-8") == solved


RESULTS = """| world | gain |
|---|---|
| digits | +1.5 (+0.5 to +2.5), L2 raises |"""
IN_CHINESE = """| 场景 | 增益 |
|---|---|
| digits | +1.5（+0.5 到 +2.5），L2 提高 |"""


def test_a_table_whose_cells_are_known_needs_no_translator():
    cells = tables.known([(RESULTS, IN_CHINESE), ("no table", "不是表")])
    moved = RESULTS.replace("+0.5", "-0.5") + "\n| digits | 7 |"
    made = IN_CHINESE.replace("+0.5", "-0.5") + "\n| digits | 7 |"
    assert tables.translated(moved, cells) == made
    assert tables.translated(RESULTS.replace("raises", "lowers"), cells) is None
    assert tables.translated("no table", cells) is None


def test_cells_whose_numbers_change_places_are_not_taken_over():
    cells = tables.known([("| 2 of 5 |", "| 5 中的 2 |")])
    assert tables.translated("| 3 of 4 |", cells) is None


# What a translation shares with its English

ENGLISH = """## How much

For {n} people, use `Dropout(0.5)` on 20 images, $r = 1$, see [there](a.md#b).

- one {doc}`page <c/d>`

| a | b |
|---|---|
| 1 | 2 |

> **Common mistake.** It is <kbd>S</kbd>.

```
code
```"""
GOOD = """## 多少

给 {n} 个人，对 20 张图像用 `Dropout(0.5)`,$r = 1$,见[那里](a.md#b)。

- 一{doc}`页 <c/d>`

| 甲 | 乙 |
|---|---|
| 1 | 2 |

> **常见错误。** 这是 <kbd>S</kbd>。

```
code
```"""
FAULTS = {
    "structure": ("## 多少", "### 多少"),
    "structure ": ("- 一", "一"),
    "structure  ": ("\n| 1 | 2 |", ""),
    "structure   ": ("> **常", "**常"),
    "inline code": ("`Dropout(0.5)`", "`Dropout(0.6)`"),
    "numbers": ("20", "二十"),
    "formulas": ("$r = 1$", "$r = 2$"),
    "values": ("{n}", "{m}"),
    "roles": ("<c/d>", "<c/e>"),
    "links": ("a.md#b", "a.md"),
    "HTML tags": ("<kbd>S</kbd>", "S"),
    "code blocks": ("\ncode", "\n代码"),
    "directives": ("- 一", "- 一\n\n:::{note}\n:::"),
    "** does not close": ("。** 这", "。**这"),
    "half-width punctuation": ("张图像用", "张,图像用"),
    "a line break inside": ("给 {n} 个人，对 20 张图像", "对 20 张\n图像"),
    "'过度拟合': the glossary says '过拟合'": ("张图像用", "过度拟合"),
}


def test_a_faithful_translation_has_no_fault():
    assert parity.faults(ENGLISH, GOOD) == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_a_translation_is_found(name):
    old, new = FAULTS[name]
    assert old in GOOD
    found = parity.faults(ENGLISH, GOOD.replace(old, new))
    assert any(fault.startswith(name.strip()) for fault in found), found


def test_every_part_that_is_compared_has_a_fault():
    assert parity.parts(ENGLISH).keys() <= FAULTS.keys()


def test_words_of_directives_are_looked_at():
    (fault,) = parity.faults(
        "```{glossary}\na\n  b\n```", "```{glossary}\na\n  数据增广\n```"
    )
    assert "数据增强" in fault


def test_blocks_are_parted_outside_fences_and_directives():
    text = "a\nb\n\n```{note}\nc\n\nd\n```\n\n\n:::{tip}\ne\n\nf\n:::\n"
    parts = edition.blocks(text)
    assert parts == ["a\nb", "```{note}\nc\n\nd\n```", ":::{tip}\ne\n\nf\n:::"]


def test_headings_are_addressed_as_the_book_does():
    texts = [
        "# A `b_c` $x$\n\n## Same",
        "```\n# no heading\n```\n\n## Same",
        "## 为什么(先)?",
    ]
    assert edition.slugs(texts) == [["a-b_c-", "same"], ["same-1"], ["为什么先"]]


def test_code_blocks_ids_of_notes_and_labels_are_not_translated():
    fixed = ["```\ncourse.py\n```", "## 03-title", "(symptoms)="]
    assert all(map(edition.AS_IT_IS.match, fixed))
    assert not edition.AS_IT_IS.match("```{glossary}\na\n```")


def test_catalogues_are_where_their_english_is():
    exercise = ROOT / "chapters" / "exercises" / NAME
    named = edition.catalogue(exercise).relative_to(edition.LOCALE)
    assert named == Path("chapters/solutions/02_penalties.po")
    assert translate.place(ROOT / "docs" / "ci.md") == ROOT / "docs" / "ci.md"
