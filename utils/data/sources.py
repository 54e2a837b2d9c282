"""Read a data set from where it is kept, and check that it is one."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from utils.data import download, pictures
from utils.data.errors import DataError

DEFAULT_DIR = Path(__file__).resolve().parents[2] / "data"
LAYOUT = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test")
BUILT_IN = ("digits", *download.NAMES)
CLASS_NAMES = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
}
# What zipfile, zlib and NumPy raise for a file that is not whole; MemoryError, if its
# header promises more than it holds.
DAMAGE = (
    ValueError,
    EOFError,
    RuntimeError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
MOST_BYTES = 2**30  # of an npz, unpacked: uint8 takes four times as much as float32
# A model has an output for each label up to the largest: an identity number taken
# for a class would fill the memory.
LARGEST_LABEL = 65_535


def read(
    name: str, data_dir: str | os.PathLike | None
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...] | None]:
    """Read the parts that a source has.

    Args:
        name: as `load` takes it, already known to be one.
        data_dir: as `load` takes it.

    Returns:
        {"train": (images, labels)}, with "val" and "test" where the source has them,
        and the names of the classes, None where they are numbers. Images are
        (n, height, width, channels), uint8 or floats in [0, 1]; labels (n,), int32.

    Raises:
        DataError: if there is no such data set, or one that cannot be used.
    """
    if name == "digits":
        from sklearn.datasets import load_digits  # slow, and workers do not need it

        digits = load_digits()
        arrays = {"x_train": digits.images / 16, "y_train": digits.target}
        return check_parts(name, arrays), None

    folder = find_folder(data_dir)
    path = folder / f"{name}.npz"
    if name in download.NAMES and not os.path.lexists(path):
        download.fetch(name, folder)
    if os.path.lexists(path):  # a link that leads nowhere is an error, not absent
        return check_parts(path.name, read_npz(path)), CLASS_NAMES.get(name)
    if (folder / name).is_dir():
        *train, class_names = pictures.read(folder / name)
        return {"train": tuple(train)}, class_names
    inside = [p.name for p in folder.iterdir() if p.suffix == ".npz" or p.is_dir()]
    own = {p.removesuffix(".npz") for p in inside if not p.startswith(".")}
    own = sorted(own.difference(BUILT_IN))
    raise DataError(
        f"There is no data set {name!r}. There is {', '.join([*BUILT_IN, *own])}; "
        f"to bring your own, put {name}.npz into {folder}, or a folder {name} with one "
        "folder of pictures for each class."
    )


def find_folder(data_dir):
    """The folder with the data sets, as a Path."""
    if data_dir is None:
        data_dir = os.environ.get("COURSE_DATA") or DEFAULT_DIR
    if not isinstance(data_dir, (str, os.PathLike)):
        raise DataError(f"data_dir={data_dir!r} is no folder: give its path as text.")
    folder = Path(os.path.expanduser(data_dir))
    if not folder.is_dir():
        raise DataError(
            f"The data folder {folder} does not exist. Create it, or name another with "
            "data_dir or the variable COURSE_DATA."
        )
    return folder


def read_npz(path):
    """The arrays of an npz file as a dict; Python objects in it are never unpickled."""
    try:
        # np.load takes what is no zip for a pickle; zipfile says what is wrong.
        with (
            zipfile.ZipFile(path) as archive,
            np.load(path, allow_pickle=False) as file,
        ):
            held = list(file)
            size = sum(entry.file_size for entry in archive.infolist())
            wanted = [key for key in LAYOUT if key in file and size <= MOST_BYTES]
            arrays = {key: np.asarray(file[key]) for key in wanted}
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Check that it is a "
            "file that you may read."
        ) from None
    except DAMAGE as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are never unpickled. Save arrays "
                "of numbers: images of one size, stacked with np.stack."
            ) from None
        raise DataError(
            f"{path} is cut off, damaged or no npz file. Delete it, then download it "
            "or write it with np.savez again."
        ) from None

    if size > MOST_BYTES:
        raise DataError(
            f"{path} unpacks to {size / 2**20:,.0f} MiB, and {MOST_BYTES / 2**20:,.0f} "
            "MiB is the most. Save the images as uint8, fewer of them, or smaller ones."
        )
    has_val = "x_val" in arrays or "y_val" in arrays
    needed = [key for key in LAYOUT if has_val or not key.endswith("_val")]
    missing = [key for key in needed if key not in arrays]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)} and holds {', '.join(held) or 'none'}. "
            "Save it with np.savez as x_train, y_train, x_test and y_test."
        )
    return arrays


def check_parts(file, arrays):
    """Turn a source's arrays into parts that fit each other, or raise DataError."""
    parts = {}
    for part in ("train", "val", "test"):
        if f"x_{part}" in arrays:
            images = check_images(arrays[f"x_{part}"], f"x_{part} in {file}")
            labels = check_labels(arrays[f"y_{part}"], f"y_{part} in {file}")
            if len(images) != len(labels):
                raise DataError(
                    f"{file} has {len(images)} images in x_{part} and {len(labels)} "
                    f"labels in y_{part}. Give each image one label."
                )
            parts[part] = images, labels

    images, labels = parts["train"]
    for part, (others, other_labels) in parts.items():
        if others.shape[1:] != images.shape[1:]:
            raise DataError(
                f"{file} has images of {images.shape[1:]} in x_train and of "
                f"{others.shape[1:]} in x_{part}. Bring all images to one size."
            )
        unknown = np.setdiff1d(other_labels, labels)
        if unknown.size:
            raise DataError(
                f"{file} has class {unknown[0]} in y_{part} but not in y_train, so "
                "nothing can learn it. Add training images of it, or take it out."
            )
    return parts


def check_images(images, what):
    """Return images as (n, height, width, channels), or raise DataError."""
    if images.size == 0:
        raise DataError(
            f"{what} is empty (shape {images.shape}). It must hold one image or more."
        )
    if images.ndim not in (3, 4):
        raise DataError(
            f"{what} has the shape {images.shape}. Images must be (n, height, width) "
            "or (n, height, width, channels)."
        )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[1] in (1, 3) and images.shape[3] > 4:
        raise DataError(
            f"{what} has the shape {images.shape}, with the channels first. Put them "
            "last: x.transpose(0, 2, 3, 1)."
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise DataError(
            f"{what} has the type {images.dtype}. Images must be uint8 (0 to 255) or "
            "floats in [0, 1]."
        )
    low, high = images.min(), images.max()
    if not np.isfinite([low, high]).all():
        raise DataError(
            f"{what} holds NaN or infinite values. Replace them or leave out the "
            "images that have them."
        )
    if low < 0 or high > 1:
        raise DataError(
            f"{what} holds floats from {low} to {high}, and they must lie in "
            "[0, 1]. Divide pixels of 0 to 255 by 255, or save them as uint8."
        )
    return images


def check_labels(labels, what):
    """Return labels as (n,), or raise DataError."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"{what} has the shape {labels.shape}. Labels must be (n,) or (n, 1); "
            "one-hot rows become labels with y.argmax(axis=1)."
        )
    if labels.dtype.kind not in "iuf":
        raise DataError(
            f"{what} has the type {labels.dtype}. Labels must be whole numbers; "
            "np.unique(y, return_inverse=True)[1] makes them from names."
        )
    fits = (labels == np.floor(labels)) & (labels >= 0) & (labels <= LARGEST_LABEL)
    if not fits.all():
        raise DataError(
            f"{what} holds the label {labels[~fits][0]}. Labels must be whole numbers "
            f"from 0 to {LARGEST_LABEL}: number the classes 0, 1, 2, …"
        )
    return labels.astype(np.int32)
