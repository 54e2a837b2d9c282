"""Chapter 09 from its parameters to what it leaves, on images where plain is best."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from papermill import execute_notebook

from utils.capstone.plan import Plan, Rung

ROOT = Path(__file__).resolve().parents[2]
RUNG = Rung(tries=1, plain=2, epochs=3, images=300, side=8)
PLAN = Plan((RUNG, RUNG), epochs=3, pairs=2).as_dict()


def places(n, seed):
    """Images of a bright column, whose place is the class: shifts spoil them."""
    y = np.arange(n) % 4
    x = np.random.default_rng(seed).integers(0, 40, (n, 8, 8, 1), np.uint8)
    x[np.arange(n), :, 2 + y] = 255
    return x, y


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The folder that the chapter leaves, where the one combination has shifts."""
    root = tmp_path_factory.mktemp("course")
    (root / "chapters").mkdir()
    (x_train, y_train), (x_test, y_test) = places(400, 0), places(80, 1)
    np.savez(
        root / "places.npz",
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(root))
        patch.setenv("COURSE_RUNS", str(root / "runs"))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
        execute_notebook(
            ROOT / "chapters" / "09_capstone.ipynb",
            root / "done.ipynb",
            parameters={"dataset": "places", "plan": PLAN},
            kernel_name="python3",
            cwd=root / "chapters",
            progress_bar=False,
        )
    yield root / "build" / "capstone" / "places"
    shutil.rmtree(root)


def test_plain_is_kept_where_the_search_picks_it(left):
    result = json.loads((left / "result.json").read_text(encoding="utf-8"))
    assert result["verdict"] == "keep plain"
    assert result["recipe"].startswith("plain, learning rate")
    assert result["difference"] is result["low"] is result["high"] is None
    assert result["accuracy_chosen"] == result["accuracy_plain"] > 0.9
    assert result["pairs"] == 2
    assert result["plan"] == json.loads(json.dumps(PLAN))


def test_the_model_that_is_left_takes_pixels(left):
    result = json.loads((left / "result.json").read_text(encoding="utf-8"))
    x, y = places(80, 1)
    model = keras.models.load_model(left / "model.keras")
    found = model.predict(x, verbose=0).argmax(axis=1)
    assert np.mean(found == y) == pytest.approx(result["accuracy_saved"])


def test_the_report_begins_with_the_verdict(left):
    page = (left / "report.html").read_text(encoding="utf-8")
    assert page.index("Keep plain") < page.index("On test images, once")
    assert "The search chose plain itself" in page
    assert "keras.models.load_model" in page
    for heading in ("What each method added", "Class by class", "What was tried"):
        assert f"<h2>{heading}</h2>" in page
