"""One npz file for each finished run: written whole or not at all, read with doubt."""

import contextlib
import json
import os
import pathlib
import platform
import shutil
import uuid
import zipfile

import numpy as np
import psutil

FORMAT = 1  # goes into every key: raise it when records change their shape


class RecordError(Exception):
    """A record cannot be read or written; the message says which and why."""


class Store:
    """The finished runs under one folder, one file a run and nothing else.

    folder: path; made when needed. What is not finished (half-written files, marks of
    runs in flight) lives in a folder beside it, on the same file system, so that a
    finished record can be renamed into place. There each study has a folder of its
    own, named after machine and process, so that the next one can tell what a killed
    study left behind.
    """

    def __init__(self, folder):
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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.mine.mkdir(parents=True, exist_ok=True)
            with open(half, "wb") as file:
                np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(half, self.path(key))
        except OSError as error:
            half.unlink(missing_ok=True)
            raise RecordError(
                f"cannot write a record to {self.folder}: {error.strerror or error}. "
                "Finished runs are kept; make room and run the study again."
            ) from error

    def read(self, key):
        """Return (meta, arrays) of a record. Raises RecordError if it is damaged."""
        try:
            with np.load(self.path(key), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(str(arrays.pop("meta")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise RecordError(f"{self.path(key)}: {error}") from error
        except Exception as error:  # zlib and struct errors of a torn file
            raise RecordError(f"{self.path(key)}: {error}") from error
        if meta.get("key") != key:
            raise RecordError(f"{self.path(key)} holds the run {meta.get('key')}")
        return meta, arrays

    def forget(self, key):
        """Remove a damaged record, so that its run is done again."""
        self.path(key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def in_flight(self, key):
        """Mark a run as begun; the mark stays behind when the worker dies."""
        self.mine.mkdir(parents=True, exist_ok=True)
        mark = self.mine / key
        mark.touch()
        yield
        mark.unlink(missing_ok=True)

    def take_marks(self):
        """Return the keys of runs that were in flight, and clear their marks."""
        keys = [mark.name for mark in self.mine.glob("*") if not mark.suffix]
        shutil.rmtree(self.mine, ignore_errors=True)
        return keys

    def tidy(self):
        """Remove what this study left unfinished, and what killed ones did."""
        shutil.rmtree(self.mine, ignore_errors=True)
        for folder in self.aside.glob(f"{platform.node()}~*~*"):
            if not psutil.pid_exists(int(folder.name.split("~")[1])):
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.aside.rmdir()
