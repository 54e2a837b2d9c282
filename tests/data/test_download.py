"""The downloads: from a server on this machine, and Keras' loaders without a network.

Fashion-MNIST is ours and is served here. MNIST and CIFAR-10 are Keras': what is tested
is that its loaders refuse a file that is not the published one.
"""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import socket
import struct
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from utils.data import DataError, download, load
from utils.runtime import configure_tensorflow

ROOT = Path(__file__).resolve().parents[2]


def small(*shape):
    """Arrays of a small data set: 30 images to train, 10 to test."""
    rng = np.random.default_rng(11)
    return {
        "x_train": rng.integers(0, 256, (30, *shape), dtype=np.uint8),
        "y_train": (np.arange(30) % 10).astype(np.uint8),
        "x_test": rng.integers(0, 256, (10, *shape), dtype=np.uint8),
        "y_test": np.arange(10).astype(np.uint8),
    }


def idx(array):
    """An array in the gzipped format of LeCun's MNIST page."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes())


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        content = server.files.get(self.path.lstrip("/"))
        if server.fault == "silent":
            server.over.wait()
        elif content is None or server.fault == "missing":
            self.send_error(404)
        else:
            self.send_response(200)
            if server.fault != "cut, no length":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            cut = server.fault in ("cut", "cut, no length")
            self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A loopback server with a small Fashion-MNIST: `arrays`, `files`, `fault`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.arrays, server.fault, server.asked = small(28, 28), None, []
    server.over = threading.Event()
    contents = map(idx, server.arrays.values())
    server.files = dict(zip(download.FASHION_MNIST_FILES, contents, strict=True))
    hashes = {k: hashlib.sha256(v).hexdigest() for k, v in server.files.items()}
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(download, "FASHION_MNIST", address)
    monkeypatch.setattr(download, "FASHION_MNIST_FILES", hashes)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def assert_holds(path, arrays):
    with np.load(path) as file:
        assert set(file) == set(arrays)
        for key, array in arrays.items():
            np.testing.assert_array_equal(file[key].reshape(array.shape), array)


def test_fashion_mnist_is_downloaded_once(server, tmp_path):
    first = load("fashion_mnist", data_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fashion_mnist.npz"]
    assert_holds(tmp_path / "fashion_mnist.npz", server.arrays)
    assert first.class_names[9] == "Ankle boot"
    assert (len(first.x_train), len(first.x_val), len(first.x_test)) == (24, 6, 10)
    assert len(server.asked) == len(server.files) == 4
    again = load("fashion_mnist", data_dir=tmp_path)
    np.testing.assert_array_equal(again.x_train, first.x_train)
    assert len(server.asked) == 4
    assert socket.getdefaulttimeout() is None  # as it was before


@pytest.mark.parametrize(
    "name, shape, last", [("mnist", (28, 28), "9"), ("cifar10", (32, 32, 3), "truck")]
)
def test_what_keras_loads_is_kept(tmp_path, monkeypatch, name, shape, last):
    arrays, asked = small(*shape), []

    def load_data():
        asked.append(name)
        labels = arrays["y_train"][:, None], arrays["y_test"][:, None]
        return (arrays["x_train"], labels[0]), (arrays["x_test"], labels[1])

    keras = configure_tensorflow().keras
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)
    for _ in range(2):
        dataset = load(name, data_dir=tmp_path)
    assert asked == [name]
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.npz"]
    assert_holds(tmp_path / f"{name}.npz", arrays)
    assert len(dataset.class_names) == 10
    assert dataset.class_names[9] == last
    np.testing.assert_array_equal(dataset.y_test, arrays["y_test"])


class Trap:
    """What a pickle from someone else can be: unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_keras_loaders_refuse_other_files(tmp_path):
    """Its cache holds readable files that are not the published ones; no network.

    Breaks if a version of Keras stops checking: then download them as Fashion-MNIST.
    """
    cache, ran = tmp_path / "keras" / "datasets", tmp_path / "ran"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **small(28, 28))
    with tarfile.open(cache / "cifar-10-batches-py-target_archive", "w:gz") as archive:
        content = pickle.dumps(Trap(ran))
        for batch in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
            member = tarfile.TarInfo(f"cifar-10-batches-py/{batch}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    code = (
        "from utils.data import DataError, load\n"
        "for name in ('mnist', 'cifar10'):\n"
        "    try: load(name, data_dir='.')\n"
        "    except DataError as error: print(error)\n"
    )
    with socket.socket() as nobody:  # bound but deaf: whatever asks it is refused
        nobody.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        env = os.environ | {
            "KERAS_HOME": str(cache.parent),
            "PYTHONPATH": str(ROOT),
            **dict.fromkeys(("http_proxy", "https_proxy"), proxy),
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), proxy),
            **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
        }
        (tmp_path / "here").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path / "here",
            env=env,
            capture_output=True,
            text=True,
        )
    for name in ("mnist", "cifar10"):
        assert f"{name!r} could not be downloaded (URL fetch failure" in done.stdout
    assert not ran.exists(), done.stdout
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize(
    "fault, message",
    [
        ("missing", r"'fashion_mnist' could not be downloaded \(.*404.* Check the net"),
        ("cut", "could not be downloaded .* Check the network and try again"),
        ("cut, no length", r"could not be downloaded \(.*hash does not match .* proxy"),
        ("silent", r'could not be downloaded \(.*timed out.* use "digits"'),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    server, tmp_path, monkeypatch, fault, message
):
    monkeypatch.setattr(download, "SILENCE", 0.2)
    server.fault = fault
    with pytest.raises(DataError, match=message):
        load("fashion_mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert socket.getdefaulttimeout() is None


def test_a_file_with_another_hash_is_refused(server, tmp_path):
    server.files["t10k-labels-idx1-ubyte.gz"] += b"\0"
    with pytest.raises(DataError, match="hash does not match"):
        load("fashion_mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(server, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.np, "savez", full)
    with pytest.raises(DataError, match="cannot be stored .* No space left .* Free"):
        load("fashion_mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_stored_hash_is_a_sha256():
    assert download.FASHION_MNIST.startswith("https://")
    for digest in download.FASHION_MNIST_FILES.values():
        assert len(bytes.fromhex(digest)) == 32
