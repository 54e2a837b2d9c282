"""The capstone's report: one HTML page that holds its figures, readable anywhere."""

import base64
import html
import io

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


def text(*sentences, kind=None):
    """Return a paragraph; kind="answer" makes it stand out."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{html.escape(' '.join(sentences))}</p>"


def table(frame, decimals=3):
    """Return a pandas table, rounded."""
    return frame.round(decimals).to_html(border=0)


def code(lines):
    """Return lines of a program, as they stand."""
    return f"<pre>{html.escape(lines)}</pre>"


def loading(shape, scale, names):
    """Return the program that loads the model and names what it sees.

    shape: of a stored image. scale: what stored values are multiplied with to lie in
    [0, 1]. names: of the classes.
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


def figure(fig, alt):
    """Return a matplotlib figure as a picture inside the page; it is not closed."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def write(path, title, sections):
    """Write the page. sections: {heading: [parts]}; parts come from the above."""
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
