"""The capstone's page: it holds all that it needs."""

import re

import matplotlib.pyplot as plt
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
