"""Fetch the public data sets once, check them, and keep them as npz files."""

import contextlib
import gzip
import os
import socket
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

SILENCE = 30  # seconds without a byte before a server counts as gone


class Source(NamedTuple):
    """Where a data set comes from: a folder's address, {file: SHA-256}, a reader."""

    address: str
    files: dict[str, str]
    read: Callable[[Path], dict[str, np.ndarray]]


def fetch(name, folder):
    """Download a data set of `SOURCES` and write it as NAME.npz into `folder`.

    The npz appears whole or not at all. Raises OSError with a sentence that says what
    to do.
    """
    source = SOURCES[name]
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as scratch:
            scratch = Path(scratch).resolve()
            for file, digest in source.files.items():
                get(source.address + file, digest, scratch)
            np.savez(scratch / "whole.npz", **source.read(scratch))
            os.replace(scratch / "whole.npz", Path(folder) / f"{name}.npz")
    except DownloadError:
        raise
    except OSError as error:
        raise OSError(
            f"{name!r} cannot be stored in {folder}: {error.strerror or error}. Free "
            "some space there, or name another folder with data_dir."
        ) from error


class DownloadError(OSError):
    """A file that did not arrive, or is not the one that was published."""


def get(address, digest, folder):
    """Download one file into a folder and check its SHA-256; DownloadError if not."""
    import keras  # here, since it takes seconds and most data sets need no download

    try:
        with give_up_on_silence():
            keras.utils.get_file(
                origin=address,
                file_hash=digest,
                hash_algorithm="sha256",
                cache_dir=folder,
                cache_subdir="",
            )
    except Exception as error:  # get_file raises bare Exceptions
        if "file hash" in str(error):
            raise DownloadError(
                f"{address} is not the published file: its SHA-256 differs. Try again "
                "later; a proxy or a login page may have answered in its place."
            ) from error
        raise DownloadError(
            f"{address} could not be downloaded ({error}). Check the network and try "
            'again, or use "digits", which needs none.'
        ) from error


@contextlib.contextmanager
def give_up_on_silence():
    """Let a connection fail that says nothing for `SILENCE` seconds."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def read_mnist(folder):
    """The four arrays of Keras' own mnist.npz."""
    with np.load(folder / "mnist.npz", allow_pickle=False) as file:
        return dict(file)


def read_fashion_mnist(folder):
    """The four arrays from the four files of Fashion-MNIST."""
    return {
        "x_train": read_idx(folder / "train-images-idx3-ubyte.gz"),
        "y_train": read_idx(folder / "train-labels-idx1-ubyte.gz"),
        "x_test": read_idx(folder / "t10k-images-idx3-ubyte.gz"),
        "y_test": read_idx(folder / "t10k-labels-idx1-ubyte.gz"),
    }


def read_idx(path):
    """A gzipped IDX file of bytes as a uint8 array (format: LeCun's MNIST page)."""
    content = gzip.decompress(path.read_bytes())
    rank = content[3]
    shape = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_cifar10(folder):
    """The four arrays from CIFAR-10's binary form, which needs no unpickling."""
    train = [f"data_batch_{number}.bin" for number in range(1, 6)]
    with tarfile.open(folder / "cifar-10-binary.tar.gz") as archive:
        x_train, y_train = read_records(archive, train)
        x_test, y_test = read_records(archive, ["test_batch.bin"])
    return {
        "x_train": x_train,
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
    }


def read_records(archive, files):
    """Images (n, 32, 32, 3) and labels (n,), uint8, from CIFAR-10's batches.

    A record is one byte of label, then 1,024 of red, green and blue each, by rows.
    """
    members = [archive.extractfile(f"cifar-10-batches-bin/{file}") for file in files]
    content = b"".join(member.read() for member in members)
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, records[:, 0]


KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SOURCES = {
    "mnist": Source(
        KERAS,
        {
            "mnist.npz": (
                "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
            )
        },
        read_mnist,
    ),
    "fashion_mnist": Source(
        KERAS,
        {
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
        },
        read_fashion_mnist,
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {
            "cifar-10-binary.tar.gz": (
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
            )
        },
        read_cifar10,
    ),
}
