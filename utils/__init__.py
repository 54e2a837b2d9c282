"""What the chapters share; each function is taught in a chapter before it is imported."""
