"""The images the course learns from: `load` gives any data set as a `Dataset`."""

from utils.data.errors import DataError
from utils.data.loading import Dataset, load

__all__ = ["DataError", "Dataset", "load"]
