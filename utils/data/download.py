"""Fetch the public data sets once, check them, and keep them as npz files.

Keras' loaders do it where they check what they got: MNIST and CIFAR-10 come with a
SHA-256, MNIST is read without pickles, and CIFAR-10's pickles, from the checked
archive, can make nothing but NumPy arrays. Keras checks no hash of Fashion-MNIST.
"""

import gzip
import os
import socket
import tempfile
from pathlib import Path

import numpy as np

from utils.data.errors import DataError

NAMES = ("mnist", "fashion_mnist", "cifar10")
SILENCE = 30  # seconds without a byte before a server counts as gone
FASHION_MNIST = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
FASHION_MNIST_FILES = {  # the SHA-256 of each
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
}


def fetch(name: str, folder: Path) -> None:
    """Download a data set and keep it as NAME.npz, which appears whole or not at all.

    Args:
        name: one of `NAMES`.
        folder: where NAME.npz goes. Keras keeps MNIST and CIFAR-10 as it got them in
            ~/.keras/datasets as well, and takes them from there where they are.

    Raises:
        DataError: if a file does not arrive, is not the published one, or if it
            cannot be stored.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as scratch:
            (x_train, y_train), (x_test, y_test) = _download(name, scratch)
            whole = Path(scratch) / "whole.npz"
            np.savez(
                whole, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test
            )
            os.replace(whole, folder / f"{name}.npz")
    except OSError as error:
        raise DataError(
            f"{name!r} cannot be stored in {folder}: {error.strerror or error}. Free "
            "some space there, or name another folder with data_dir."
        ) from error


def _download(name, scratch):
    import keras  # here, since it takes seconds and most data sets need no download

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        if name == "fashion_mnist":
            return _fashion_mnist(keras.utils.get_file, scratch)
        return getattr(keras.datasets, name).load_data()
    except Exception as error:  # get_file raises bare Exceptions
        raise DataError(
            f"{name!r} could not be downloaded ({error}). Check the network and try "
            "again; a proxy or a login page may have answered in the server's place. "
            'Or use "digits", which needs none.'
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _fashion_mnist(get_file, scratch):
    """Keras' own four files, checked: 16 bytes before the images, 8 before labels."""
    x_train, y_train, x_test, y_test = (
        np.frombuffer(gzip.decompress(Path(path).read_bytes()), np.uint8)
        for path in [
            get_file(
                origin=FASHION_MNIST + file,
                file_hash=digest,
                cache_dir=scratch,
                cache_subdir="",
            )
            for file, digest in FASHION_MNIST_FILES.items()
        ]
    )
    return (x_train[16:].reshape(-1, 28, 28), y_train[8:]), (
        x_test[16:].reshape(-1, 28, 28),
        y_test[8:],
    )
