"""The capstone's page: it holds all that it needs."""

import html
import re

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from utils.capstone import report


def test_the_page_holds_all_it_needs(tmp_path):
    fig, axis = plt.subplots()
    axis.plot([1, 2])
    parts = [
        report.text("Use <dropout> & rest.", kind="answer"),
        report.table(pd.DataFrame({"share": [0.12345]})),
        report.figure(fig, 'A line, "rising".'),
        report.code("a < b"),
    ]
    plt.close(fig)
    report.write(tmp_path / "deep" / "report.html", "Which?", {"Answer": parts})
    page = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    assert "Use &lt;dropout&gt; &amp; rest." in page
    assert "0.123<" in page
    assert 'alt="A line, &quot;rising&quot;."' in page
    assert "<pre>a &lt; b</pre>" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # nothing from elsewhere


def test_the_program_that_loads_the_model_runs(tmp_path, monkeypatch, capsys):
    inputs = keras.Input((2, 2, 1))
    outputs = keras.layers.Flatten()(inputs)  # the brightest pixel is the class
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path)
    program = report.loading((2, 2, 1), 1 / 255, ("a", "b", "c", "d's"))
    lines = html.unescape(program.removeprefix("<pre>").removesuffix("</pre>"))
    assert "(n, 2, 2, 1), values from 0 to 255" in lines
    images = np.eye(4, dtype=np.uint8).reshape(4, 2, 2, 1)[[3, 0]]
    exec(lines, {"images": images})
    assert capsys.readouterr().out.strip().endswith("""["d's", 'a']""")
