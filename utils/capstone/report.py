"""The capstone's report: one HTML page that holds its figures, readable anywhere."""

import base64
import html
import io
import pathlib
from collections.abc import Mapping

import pandas as pd

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;
       padding: 0 1rem; color: #222; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2rem; }
table { border-collapse: collapse; }
td, th { padding: .25rem .75rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead { border-bottom: 2px solid; }
img { max-width: 100%; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
.answer { font-size: 1.2rem; background: #eef4fb; padding: 1rem;
          border-left: 4px solid #0072b2; }
"""


def text(*sentences: str, kind: str | None = None) -> str:
    """Make a paragraph; `kind="answer"` lets it stand out."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{html.escape(' '.join(sentences))}</p>"


def table(frame: pd.DataFrame, decimals: int = 3) -> str:
    """Make a table of a DataFrame, rounded."""
    return frame.round(decimals).to_html(border=0)


def code(lines: str) -> str:
    """Show lines of a program as they stand."""
    return f"<pre>{html.escape(lines)}</pre>"


def loading(shape: tuple[int, int, int], scale: float, names: tuple[str, ...]) -> str:
    """Show the program that loads the model and names what it sees.

    Args:
        shape: (height, width, channels) of a stored image.
        scale: What stored values are multiplied with to lie in [0, 1].
        names: Of the classes.
    """
    values = "0 to 255, whole numbers or not" if scale < 1 else "0 to 1"
    sizes = ", ".join(map(str, shape))
    return code(
        "import keras\n\n"
        'model = keras.models.load_model("model.keras")\n'
        f"names = {list(names)!r}\n"
        f"logits = model.predict(images)  # (n, {sizes}), values from {values}\n"
        "print([names[k] for k in logits.argmax(axis=1)])"
    )


def figure(fig: object, alt: str) -> str:
    """Make a picture inside the page of a matplotlib figure, which stays open.

    Args:
        fig: The figure.
        alt: What a reader who cannot see it should know.
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def write(path: pathlib.Path, title: str, sections: Mapping[str, list[str]]) -> None:
    """Write the page; its folder is made.

    Args:
        path: Of the file.
        title: Its heading.
        sections: {heading: parts}; parts come from the functions above.
    """
    body = [f"<h1>{html.escape(title)}</h1>"]
    for heading, parts in sections.items():
        body += [f"<h2>{html.escape(heading)}</h2>", *parts]
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
