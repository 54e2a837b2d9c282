"""The images the course learns from: `load` gives any data set as a `Dataset`."""

from utils.data.loading import Dataset, load
from utils.data.sources import DataError

__all__ = ["DataError", "Dataset", "load"]
