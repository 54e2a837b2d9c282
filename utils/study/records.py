"""One npz file for each finished run: written whole or not at all, read with doubt."""

import contextlib
import json
import os
import pathlib
import pickle
import platform
import shutil
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping

import cloudpickle
import numpy as np
import psutil

FORMAT = 2  # goes into every key: raise it when records change their shape
LARGE = ("weight/", "probe/")  # what a record holds until it is asked for
# What zipfile, zlib, json and NumPy raise for a file that is not whole.
DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError)
DAMAGE += (zipfile.BadZipFile, zlib.error)


class RecordError(Exception):
    """A record cannot be read or written; the message says which and why."""


class Record(Mapping):
    """What was kept of one run: `meta`, and arrays by name.

    Histories and answers are read at once, weights and probes when asked for.

    Args:
        path: Of the npz file.
        key: Of the run that it should hold.

    Raises:
        RecordError: If the file is damaged or holds another run.
    """

    def __init__(self, path: pathlib.Path, key: str):
        self.path = path
        with self._opened() as file:
            self.names = [name for name in file.files if name != "meta"]
            self.meta = json.loads(str(file["meta"]))
            small = [name for name in self.names if not name.startswith(LARGE)]
            self._small = {name: file[name] for name in small}
            if self.meta["key"] != key:
                raise ValueError(f"it holds the run {self.meta['key']}")

    @contextlib.contextmanager
    def _opened(self):
        try:
            with np.load(self.path, allow_pickle=False) as file:
                yield file
        except DAMAGE as error:
            raise RecordError(
                f"{self.path} is damaged: {error}. Delete it and run the study again."
            ) from error

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self._small or name not in self.names:
            return self._small[name]
        with self._opened() as file:
            return file[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class Store:
    """The finished runs under one folder, one file a run and nothing else.

    What is not finished (half-written files, marks of runs in flight, data on their
    way to workers) lives in a folder beside it, on the same file system, so that a
    finished record can be renamed into place. There each study has a folder of its
    own, named after machine and process, so that the next one can tell what a killed
    study left behind.

    Args:
        folder: Path; made when needed.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder).expanduser().resolve()
        self.aside = self.folder.with_name(self.folder.name + ".unfinished")
        study = f"{platform.node()}~{os.getpid()}~{uuid.uuid4().hex[:8]}"
        self.mine = self.aside / study

    def path(self, key):
        """Return where the record of a key stands or will stand."""
        return self.folder / f"{key}.npz"

    def has(self, key):
        """Tell whether a record is there; it may still turn out damaged."""
        return self.path(key).exists()

    def write(self, key, meta, arrays):
        """Write a record: `meta` is plain JSON, `arrays` {name: ndarray}.

        Raises RecordError when the disk is full or the folder cannot be written.
        """
        half = self.mine / f"{key}.npz"
        with self._written():
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with open(half, "wb") as file:
                    np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(half, self.path(key))
            finally:
                half.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _written(self):
        try:
            self.mine.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise RecordError(
                f"cannot write to {self.folder}: {error.strerror or error}. Finished "
                "runs are kept; make room and run the study again."
            ) from error

    def read(self, key):
        """Return the `Record` of a key. Raises RecordError if it is damaged."""
        return Record(self.path(key), key)

    def readable(self, key):
        """Tell whether a record is there and whole; a damaged one is taken away."""
        if not self.has(key):
            return False
        try:
            self.read(key)
        except RecordError:
            warnings.warn(
                f"a damaged record is run again: {self.path(key)}", stacklevel=4
            )
            self.path(key).unlink(missing_ok=True)
            return False
        return True

    @contextlib.contextmanager
    def in_flight(self, key):
        """Mark a run as begun; the mark stays behind when the worker dies."""
        marks = self.mine / "marks"
        marks.mkdir(parents=True, exist_ok=True)
        (marks / key).touch()
        yield
        (marks / key).unlink(missing_ok=True)

    def take_marks(self):
        """Return the keys of runs that were in flight, and clear their marks."""
        marks = self.mine / "marks"
        keys = [mark.name for mark in marks.glob("*")]
        shutil.rmtree(marks, ignore_errors=True)
        return keys

    def lend(self, digest, dataset):
        """Lay out a data set for the workers, which map it into memory, once for all.

        Args:
            digest: What it is known by.
            dataset: Any object; its arrays become files of their own.

        Raises:
            RecordError: If the disk is full.
        """
        place = self.mine / "data" / digest
        if place.exists():
            return
        buffers = []
        body = cloudpickle.dumps(dataset, protocol=5, buffer_callback=buffers.append)
        with self._written():
            place.mkdir(parents=True)
            for i, buffer in enumerate(buffers):
                (place / f"{i:04d}.array").write_bytes(buffer.raw())
            (place / "body").write_bytes(body)

    def borrow(self, digest):
        """Return a data set that was lent, its arrays read-only."""
        place = self.mine / "data" / digest
        arrays = [np.memmap(path, mode="r") for path in sorted(place.glob("*.array"))]
        return pickle.loads((place / "body").read_bytes(), buffers=arrays)

    def tidy(self):
        """Remove what this study left unfinished, and what killed ones did."""
        shutil.rmtree(self.mine, ignore_errors=True)
        for folder in self.aside.glob(f"{platform.node()}~*~*"):
            if not psutil.pid_exists(int(folder.name.split("~")[1])):
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.aside.rmdir()
