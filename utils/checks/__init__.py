"""The hidden cases behind each exercise, one module a chapter; see utils.check."""
