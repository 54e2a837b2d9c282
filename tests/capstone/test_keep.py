"""What a capstone leaves: a model of pixels that is the models it was made of."""

import json
import math

import keras
import numpy as np
import pytest

from utils.capstone import keep
from utils.capstone.images import shrunk
from utils.models import regularized_cnn


def models(count, shape):
    keras.utils.set_random_seed(0)
    return [regularized_cnn(shape, 5, batch_norm=True) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("side", [40, 20])
def test_the_model_takes_pixels_and_gives_mean_logits(tmp_path, count, side):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 40, 32, 3), np.uint8)
    ready = shrunk((pixels / 255).astype("float32"), side)
    parts = models(count, ready.shape[1:])
    expected = np.mean([part(ready, training=False) for part in parts], axis=0)
    whole = keep.packed(parts, pixels.shape[1:], side, 1 / 255)
    whole.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.allclose(again.predict(pixels, verbose=0), expected, atol=1e-5)


def test_pixels_are_scaled_as_the_source_has_them(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    y = np.arange(20) % 2
    for kind in (np.uint8, np.float32):
        x = np.random.default_rng(0).integers(0, 2, (20, 8, 8)).astype(kind)
        parts = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
        np.savez(tmp_path / f"{kind.__name__}.npz", **parts)
    assert keep.scale_of("uint8") == pytest.approx(1 / 255)
    assert keep.scale_of("float32") == 1
    assert keep.scale_of("digits") == 1


def test_the_result_is_strict_json(tmp_path):
    path = tmp_path / "deep" / "result.json"
    keep.write_result(path, verdict="use", low=math.nan, high=0.25, difference=None)
    text = path.read_text(encoding="utf-8")

    def refuse(word):
        raise AssertionError(word)

    found = json.loads(text, parse_constant=refuse)
    assert found == {"verdict": "use", "low": None, "high": 0.25, "difference": None}
