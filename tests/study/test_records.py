"""Records: written whole or not at all, read with doubt."""

import os
import subprocess
import sys

import numpy as np
import pytest

from utils.study.records import RecordError, Store

KEY = "0123456789abcdef0123456789abcdef"
ARRAYS = {"x": np.arange(1000.0), "weight/0000": np.ones(5000)}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    store.write(KEY, {"key": KEY, "diverged": False}, ARRAYS)
    return store


def test_what_is_written_is_read(store):
    record = store.read(KEY)
    assert record.meta == {"key": KEY, "diverged": False}
    assert set(record) == {"x", "weight/0000"}
    np.testing.assert_array_equal(record["x"], np.arange(1000.0))
    np.testing.assert_array_equal(record["weight/0000"], np.ones(5000))


def test_weights_stay_on_disk_until_asked_for(store):
    record = store.read(KEY)
    store.path(KEY).unlink()
    assert len(record["x"]) == 1000
    with pytest.raises(RecordError, match=KEY):
        record["weight/0000"]
    with pytest.raises(KeyError, match="weight/0001"):
        record["weight/0001"]


def test_data_are_lent_once_and_mapped(store):
    import dataclasses

    from tests.study.small import data

    lent = data(0)
    store.lend("a", lent)
    store.lend("a", None)  # known already: not looked at again
    borrowed = store.borrow("a")
    for field in dataclasses.fields(lent):
        np.testing.assert_array_equal(
            getattr(borrowed, field.name), getattr(lent, field.name)
        )
    assert not borrowed.x_train.flags.writeable
    base = borrowed.x_train
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(getattr(base, "obj", base), np.memmap)  # not a copy


def test_a_damaged_record_is_taken_away_with_a_warning(store):
    assert store.readable(KEY) and not store.readable("another")
    store.path(KEY).write_bytes(b"garbage")
    with pytest.warns(UserWarning, match=f"damaged record is run again: .*{KEY}"):
        assert not store.readable(KEY)
    assert not store.has(KEY)


def test_one_file_a_run_and_nothing_else(store):
    store.tidy()
    assert [p.name for p in store.folder.iterdir()] == [f"{KEY}.npz"]
    assert not store.aside.exists()


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_record(store, share):
    path = store.path(KEY)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(RecordError, match=KEY):
        store.read(KEY)


@pytest.mark.parametrize("name", ["x", "weight/0000"])
def test_a_flipped_bit(store, name):
    content = bytearray(store.path(KEY).read_bytes())
    content[content.index(ARRAYS[name].tobytes()) + 99] ^= 1
    store.path(KEY).write_bytes(content)
    with pytest.raises(RecordError, match=f"{KEY}.* is damaged"):
        store.read(KEY)[name]


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"PK\x03\x04" + b"\0" * 99])
def test_garbage(store, content):
    store.path(KEY).write_bytes(content)
    with pytest.raises(RecordError):
        store.read(KEY)


def test_a_record_under_another_name(store):
    other = KEY[::-1]
    os.rename(store.path(KEY), store.path(other))
    with pytest.raises(RecordError, match=f"holds the run {KEY}"):
        store.read(other)


def test_a_pickle_is_never_opened(store, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    np.savez(store.path(KEY), meta=np.array([Bomb()], dtype=object))
    with pytest.raises(RecordError):
        store.read(KEY)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are Unix's")
def test_a_full_disk_is_one_clear_error_and_leaves_no_half_record(tmp_path):
    source = f"""
import resource, numpy as np
from utils.study.records import Store, RecordError
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
store = Store({str(tmp_path / "runs")!r})
try:
    store.write("k", {{"key": "k"}}, {{"x": np.zeros(10_000)}})
except RecordError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert "cannot write to" in done.stdout and "make room" in done.stdout
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_marks_tell_what_was_in_flight(store):
    with pytest.raises(KeyError), store.in_flight("a"):
        raise KeyError
    with store.in_flight("b"):
        pass
    assert store.take_marks() == ["a"]
    assert store.take_marks() == []


def test_the_next_study_clears_what_a_killed_one_left(store):
    source = (
        "import os; from utils.study.records import Store\n"
        f"store = Store({str(store.folder)!r})\n"
        "with store.in_flight('a'): os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", source], check=False)
    other = Store(store.folder)
    with other.in_flight("b"):
        assert len(list(store.aside.iterdir())) == 2 + store.mine.exists()
        store.tidy()
        assert [folder.name for folder in store.aside.iterdir()] == [other.mine.name]
    (store.aside / ".DS_Store").touch()  # what file managers leave behind
    other.tidy()
    assert [path.name for path in store.aside.iterdir()] == [".DS_Store"]


def test_the_home_folder_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Store("~/runs").folder == (tmp_path / "runs").resolve()
