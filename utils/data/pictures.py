"""Read a folder of pictures that has one folder for each class."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from utils.data.errors import DataError
from utils.data.splits import stratified_sample

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
FORMATS = ("BMP", "GIF", "JPEG", "PNG")
SIDES = (64, 48, 32, 24, 16)
MOST_PICTURES = 20_000
MOST_VALUES = 60_000_000  # as bytes; four times as many once they are float32
MOST_BROKEN = 0.1  # of the pictures; above it, something is wrong with the folder


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read all pictures as squares of one size.

    Each is cropped at the centre of its longer side and scaled. The square is 64
    pixels wide, or less where that would take too much memory; above 20,000 pictures
    a part of them is taken, always the same, with every class in its share. A picture
    that cannot be read is left out. One printed line says what was done, and names
    what was left out.

    Args:
        folder: with a folder for each class. Nothing but the sorted paths fixes the
            order of the pictures.

    Returns:
        Images, uint8 (n, side, side, 3); labels, int32 (n,); the classes' names.

    Raises:
        DataError: if there is no class, a class without a picture that can be read,
            or if more than a tenth of the pictures cannot be read.
    """
    classes = find(folder)
    # All that tells whether a picture is still the same one: a move between two
    # classes changes no file, and a link may lead nowhere.
    stamps = tuple(
        (path, label, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        for label, paths in enumerate(classes.values())
        for path in paths
        for stat in [os.stat(path, follow_symlinks=path.exists())]
    )
    return *_read(folder, tuple(classes), stamps), tuple(classes)


def find(folder: Path) -> dict[str, list[Path]]:
    """List the pictures of each class, all sorted, without what is hidden.

    Args:
        folder: with a folder for each class; pictures may lie deeper in it.

    Returns:
        {name of the class: its pictures}.

    Raises:
        DataError: if there is no folder, or one without a picture.
    """
    hidden = (".", "__")  # __MACOSX
    inside = [p for p in folder.iterdir() if p.is_dir()]
    names = sorted(p.name for p in inside if not p.name.startswith(hidden))
    if not names:
        raise DataError(
            f"{folder} holds no folders. Make one for each class, named like the "
            "class, and put its pictures into it."
        )
    classes = {
        name: sorted(filter(_is_picture, (folder / name).rglob("*")), key=Path.as_posix)
        for name in names
    }
    for name, paths in classes.items():
        if not paths:
            raise DataError(
                f"{folder / name} holds no picture ({', '.join(ENDINGS)}). Add some, "
                "or remove this class."
            )
    return classes


def _is_picture(path):
    named = path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    return named and (path.is_file() or path.is_symlink())


@functools.lru_cache(maxsize=1)  # a study loads its data once for each seed
def _read(folder, names, stamps):
    paths, labels = [s[0] for s in stamps], np.array([s[1] for s in stamps], np.int32)
    kept = np.arange(len(paths))
    if len(paths) > MOST_PICTURES:
        kept = stratified_sample(labels, MOST_PICTURES, np.random.default_rng(0))
    side = next(s for s in SIDES if len(kept) * s * s * 3 <= MOST_VALUES)
    with ThreadPoolExecutor() as pool:
        squares = list(pool.map(lambda i: square(paths[i], side), kept))

    whole = np.array([one is not None for one in squares])
    broken = [paths[i].relative_to(folder).as_posix() for i in kept[~whole]]
    named = ", ".join(broken[:5]) + ", …" * (len(broken) > 5)
    labels = labels[kept[whole]]
    if len(broken) > MOST_BROKEN * len(kept) or len(set(labels)) < len(names):
        raise DataError(
            f"{len(broken)} of {len(kept)} pictures in {folder} cannot be read, too "
            f"many to leave them out: {named}. Take out files that are damaged or only "
            "named like pictures, or save them again as PNG."
        )
    images = np.stack([one for one in squares if one is not None])
    images.flags.writeable = labels.flags.writeable = False
    part = "" if len(kept) == len(paths) else f" of {len(paths)}"
    print(
        f"{folder.name}: {len(images)}{part} pictures of {len(names)} classes, "
        f"scaled to {side} x {side} pixels"
        + (f"; left out {len(broken)} that cannot be read: {named}" if broken else "")
    )
    return images, labels


def square(path, side):
    """Read a picture as uint8 (side, side, 3); None if it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.draft(None, (2 * side, 2 * side))  # a large JPEG in a quarter of time
            image.info.pop("transparency", None)  # dropped anyway, with a warning
            upright = ImageOps.exif_transpose(image)  # as a phone means it
            if upright.mode.startswith("I;16"):  # convert would clip it to white
                upright = upright.point(lambda value: value * (1 / 257)).convert("L")
            return np.asarray(ImageOps.fit(upright.convert("RGB"), (side, side)))
    except Exception:  # Pillow raises a dozen kinds for what is damaged
        return None
