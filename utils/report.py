"""Write the capstone's one-page report: text, tables and figures in one HTML file."""

import base64
import html
import io
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "build" / "capstone"
STYLE = (
    "body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}"
    "img{max-width:100%}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.2rem .6rem;text-align:right}"
)


def picture(fig):
    """Return a Matplotlib figure as the text of a PNG, base64."""
    data = io.BytesIO()
    fig.savefig(data, format="png", dpi=100, bbox_inches="tight")
    return base64.b64encode(data.getvalue()).decode()


def save_model(model, name, images):
    """Save a Keras model as build/capstone/NAME/model.keras, reload and compare it.

    images: float32 (n, h, w, c). Returns whether the reloaded model gives equal logits.
    """
    import keras
    import numpy as np

    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    again = keras.models.load_model(folder / "model.keras")
    return bool(np.allclose(model(images), again(images), atol=1e-5))


def write(name, sections):
    """Write build/capstone/NAME/report.html; return its path.

    sections: (heading, text, table or None, picture or None) each; a table is a pandas
    DataFrame, a picture what `picture` gives.
    """
    title = f"Which regularizer for {html.escape(name)}?"
    page = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
    ]
    for heading, text, table, image in sections:
        page.append(f"<h2>{html.escape(heading)}</h2><p>{html.escape(text)}</p>")
        if table is not None:
            page.append(table.round(3).to_html())
        if image is not None:
            alt = html.escape(heading, quote=True)
            page.append(f'<img alt="{alt}" src="data:image/png;base64,{image}">')
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    path.write_text("\n".join(page) + "\n", encoding="utf-8")
    return path
