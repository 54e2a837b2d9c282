"""The one exception that the data wing raises."""


class DataError(ValueError):
    """A data set, or an argument of `load`, that cannot be used; says what to do."""
