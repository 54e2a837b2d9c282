"""Sphinx' settings for the book; tools/course/book.py lays out what it reads."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools" / "course")]

from explorables import MARK, SCRIPT, STYLE, copy_script  # noqa: E402
from slides import mathjax  # noqa: E402

project = "Regularization and batch normalization, measured"
author = "The authors of the course"
copyright = "the authors of the course, MIT licence"
language = "en"
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
html_title = "Regularization, measured"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_search_summary = False  # it would fetch pages
html_show_sphinx = False
html_theme_options = {
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


def copy_mathjax(app, error):
    if error is None:
        from sphinx.util.fileutil import copy_asset

        folder = Path(app.outdir) / "_static" / "mathjax"
        for name in ("es5/tex-svg-full.js", "LICENSE"):
            copy_asset(mathjax() / name, folder)


def load_explorables(app, page, template, context, doctree):
    if MARK in context.get("body", ""):
        app.add_js_file(f"explorables/{SCRIPT}", loading_method="defer")
        app.add_css_file(f"explorables/{STYLE}")


def copy_explorables(app, error):
    if error is None:
        copy_script(Path(app.outdir) / "_static" / "explorables")


def setup(app):
    app.connect("html-page-context", load_explorables)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", copy_explorables)
