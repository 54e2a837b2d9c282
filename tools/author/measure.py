"""Measure once what the explorables show of trained networks: utils/plots/stored.

    python tools/author/measure.py

Minutes of training that a reader's slider must not wait for. The files hold rounded
means over three exploratory seeds. Measure anew when a network or its data change.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "utils" / "plots" / "stored"
SEEDS = (100, 101, 102)  # exploratory, as in the chapters' sweeps
STRENGTHS = (0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
EDGES = np.linspace(-0.2, 0.2, 42)
MOMENTA = (0.5, 0.9, 0.99, 0.999)
EPOCHS = 100  # of 7 steps


def write(name, frame, decimals):
    frame.round(decimals).to_csv(TARGET / f"{name}.csv", index=False)
    print(f"{name}.csv: {len(frame)} rows")


def noisy_digits(seed):
    from utils.data import load

    return load("digits", train_size=400, label_noise=0.3, seed=seed)


def l2_networks():
    """Chapter 02's network under each strength: its weights, and both curves."""
    from functools import partial

    import keras

    from utils.models import regularized_cnn
    from utils.study import run

    conditions = {
        f"{s:g}": partial(regularized_cnn, kernel_regularizer=keras.regularizers.L2(s))
        for s in STRENGTHS
    }
    found = run(conditions, noisy_digits, epochs=60, seeds=SEEDS)
    curves = found.frame.rename(columns={"condition": "strength"})
    curves = curves.groupby(["strength", "epoch"], sort=False)
    curves = curves[["train_accuracy", "val_accuracy"]].mean().reset_index()
    rows = []
    for name in conditions:
        models = [found.model(name, seed) for seed in SEEDS]
        kernels = [m.get_layer(index=6).get_weights()[0].ravel() for m in models]
        kernel = np.clip(np.concatenate(kernels), EDGES[0], EDGES[-1])
        shares = np.histogram(kernel, EDGES)[0] / kernel.size
        middles = (EDGES[1:] + EDGES[:-1]) / 2
        rows += [(name, x, share) for x, share in zip(middles, shares, strict=True)]
    weights = pd.DataFrame(rows, columns=["strength", "weight", "share"])
    write("l2_curves", curves, 3)
    write("l2_weights", weights, 4)


def trapped_cnn():
    """Chapter 05's network, with a momentum of 0: it stores each batch's statistics."""
    import keras

    from utils.models import regularized_cnn

    model = regularized_cnn(batch_norm=True)
    for layer in norms(model):
        layer.momentum = 0.0
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return model


def norms(model):
    from keras import layers

    return [x for x in model.layers if isinstance(x, layers.BatchNormalization)]


def statistics(model):
    variables = [v for n in norms(model) for v in n.non_trainable_variables]
    return [v.numpy() for v in variables]


def put(model, values):
    for layer in norms(model):
        for variable in layer.non_trainable_variables:
            variable.assign(values.pop(0))


def accuracy(model, data):
    return np.mean(np.argmax(model(data.x_test), axis=1) == data.y_test)


def moving_statistics(seed):
    """One training, followed at every momentum at once.

    Training uses the batch's own statistics, so momentum changes no weight: what each
    momentum stores can be computed beside one and the same training.
    """
    import keras

    from utils.data import load

    data = load("digits", train_size=200, seed=seed)
    keras.utils.set_random_seed(seed)
    model, order = trapped_cnn(), np.random.default_rng(seed)
    moving = {momentum: statistics(model) for momentum in MOMENTA}
    rows, step = [], 0
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(data.x_train))
        for batch in np.array_split(shuffled, range(32, len(shuffled), 32)):
            model.train_on_batch(data.x_train[batch], data.y_train[batch])
            new, step = statistics(model), step + 1
            for momentum, old in moving.items():
                pairs = zip(old, new, strict=True)
                old[:] = [momentum * a + (1 - momentum) * b for a, b in pairs]
        model(data.x_train, training=True)
        true = statistics(model)
        best = accuracy(model, data)
        for momentum, stored in moving.items():
            put(model, list(stored))
            variances = np.median(stored[1]), np.median(true[1])
            rows.append((momentum, step, *variances, accuracy(model, data), best))
    columns = ["momentum", "step", "stored", "true", "accuracy", "accuracy_true"]
    return pd.DataFrame(rows, columns=columns)


def main():
    from utils.runtime import start

    start()
    TARGET.mkdir(exist_ok=True)
    found = pd.concat([moving_statistics(seed) for seed in SEEDS])
    means = found.groupby(["momentum", "step"]).mean().reset_index()
    write("moving_statistics", means, 4)
    l2_networks()
    return 0


if __name__ == "__main__":
    sys.exit(main())
