"""Read a folder of pictures that has one folder for each class."""

import functools

import numpy as np

from utils.runtime import import_tensorflow

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # what Keras reads
SIDES = (64, 48, 32, 24, 16)
MOST_PICTURES = 20_000
MOST_VALUES = 60_000_000  # as bytes; four times as many once they are float32


class NoPictures(ValueError):
    """A folder that is no data set of pictures; says what to do."""


def classes(folder):
    """Return the names of the classes, sorted: the folders inside that are not hidden.

    folder: Path. Raises NoPictures if there is none, or one without a picture.
    """
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    inside = [path for path in inside if not path.name.startswith((".", "__"))]
    if not inside:
        raise NoPictures(
            f"{folder} holds no folders. Make one for each class, named like the "
            "class, and put its pictures into it."
        )
    for path in inside:
        if not _count(path):
            raise NoPictures(
                f"{path} holds no picture ({', '.join(ENDINGS)}). Add some, or remove "
                "this class."
            )
    return tuple(path.name for path in inside)


def read(folder):
    """Read all pictures: (images uint8 (n, side, side, 3), labels int32 (n,)).

    Each is scaled to a square, its longer side cropped at the centre. The square is 64
    pixels wide, or less where that would take too much memory; above 20,000 pictures a
    random part of them is taken, always the same. One printed line says what was done.
    Raises NoPictures for what cannot be read.
    """
    names = classes(folder)
    paths = [path for name in names for path in sorted((folder / name).rglob("*"))]
    stamp = max(path.stat().st_mtime_ns for path in paths)
    return _read(folder, names, len(paths), stamp)


@functools.lru_cache(maxsize=1)  # a study loads its data once for each seed
def _read(folder, names, _, __):
    total = sum(_count(folder / name) for name in names)
    kept = min(total, MOST_PICTURES)
    side = next(s for s in SIDES if kept * s * s * 3 <= MOST_VALUES)
    tf = import_tensorflow()
    pictures = tf.keras.utils.image_dataset_from_directory(
        folder,
        class_names=list(names),
        image_size=(side, side),
        crop_to_aspect_ratio=True,
        batch_size=None,
        shuffle=True,
        seed=0,
        verbose=False,
    )
    images, labels = np.empty((kept, side, side, 3), np.uint8), np.empty(kept, np.int32)
    try:
        for i, (image, label) in enumerate(pictures.take(kept)):
            images[i], labels[i] = np.clip(np.round(image), 0, 255), label
    except tf.errors.InvalidArgumentError as error:
        reason = error.message.splitlines()[0][:100]
        raise NoPictures(
            f"A picture in {folder} cannot be read: {reason}. Take out files that are "
            "damaged or only named like pictures."
        ) from None
    part = "" if kept == total else f" of {total}"
    print(
        f"{folder.name}: {kept}{part} pictures of {len(names)} classes, "
        f"scaled to {side} x {side} pixels"
    )
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def _count(folder):
    return sum(path.suffix.lower() in ENDINGS for path in folder.rglob("*"))
