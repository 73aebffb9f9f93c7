"""SQL content: one question a file, read with importlib.resources."""
