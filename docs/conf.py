"""Sphinx' settings for the book; tools/course/book.py lays out what it reads."""

import functools
import itertools
import re
import sys
from pathlib import Path

from sphinx.search.zh import SearchChinese

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools" / "course")]

import edition  # noqa: E402
import remote  # noqa: E402
from explorables import MARK, SCRIPT, STYLE, copy_script  # noqa: E402
from slides import mathjax  # noqa: E402

LANG = "zh" if tags.has("zh") else "en"  # noqa: F821  (Sphinx gives the tags)
say = functools.partial(edition.say, lang=LANG)

REPOSITORY = remote.repository()

project = say("Regularization and batch normalization, measured")
author = say("The authors of the course")
copyright = say("the authors of the course, MIT licence")
language = {"en": "en", "zh": "zh_CN"}[LANG]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["docs/conf.py"]

# Pages: what is stored is what is shown.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"

# The API, out of the docstrings; these two cost seconds to import and are not needed.
autodoc_mock_imports = ["tensorflow", "keras"]
autodoc_member_order = "bysource"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}  # else NumPy's lists twelve types
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_custom_sections = ["Source"]
default_role = "code"

# Looks. Nothing is loaded from elsewhere: MathJax comes out of a package.
html_theme = "sphinx_book_theme"
html_title = say("Regularization, measured")
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_search_summary = False  # it would fetch pages
html_show_sphinx = False
html_theme_options = {
    "article_header_end": ["edition.html", "article-header-buttons.html"],
    "secondary_sidebar_items": ["page-toc.html", "open.html"],
    "show_navbar_depth": 1,
    "navbar_persistent": [],
    "navigation_with_keys": True,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
html_context = {"default_mode": "light"}
pygments_style = "a11y-high-contrast-light"
mathjax_path = "mathjax/tex-svg-full.js"


class ChinesePairs(SearchChinese):
    """A search that finds what a text has in Chinese, by pairs of its characters.

    Sphinx' own asks for a dictionary of words; a term in one may not be in the other.
    """

    language_name = "English"  # as its stemmer is
    js_splitter_code = """
function splitQuery(query) {
  const pairs = (run) => [...run].slice(1).map((next, i) => [...run][i] + next);
  const han = query.match(/\\p{Script=Han}+/gu) ?? [];
  const words = query.match(/[\\p{Script=Latin}\\p{Number}_]+/gu) ?? [];
  return [...han.flatMap(pairs), ...words];
}"""

    def split(self, text):
        runs = re.findall("[\u4e00-\u9fff]+", text)
        pairs = [a + b for run in runs for a, b in itertools.pairwise(run)]
        return [*pairs, *super().split(text)]


def copy_mathjax(app, error):
    if error is None:
        from sphinx.util.fileutil import copy_asset

        folder = Path(app.outdir) / "_static" / "mathjax"
        for name in ("es5/tex-svg-full.js", "LICENSE"):
            copy_asset(mathjax() / name, folder)


def link_the_repository(app, page, template, context, doctree):
    """What templates/open.html needs: nothing where the course has no remote."""
    context["say"] = say
    context["home"] = REPOSITORY and REPOSITORY.links(page, LANG)


def load_explorables(app, page, template, context, doctree):
    if MARK in context.get("body", ""):
        app.add_js_file(f"explorables/{SCRIPT}", loading_method="defer")
        app.add_css_file(f"explorables/{STYLE}")


def copy_explorables(app, error):
    if error is None:
        copy_script(Path(app.outdir) / "_static" / "explorables")


def setup(app):
    app.add_search_language(ChinesePairs)
    app.connect("html-page-context", link_the_repository)
    app.connect("html-page-context", load_explorables)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", copy_explorables)
