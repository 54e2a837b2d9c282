"""What the chapters share. Each function is taught in a chapter, then imported."""
