"""The scenarios, one module each: a sentence on what happens, and `draw` with its parameters."""
