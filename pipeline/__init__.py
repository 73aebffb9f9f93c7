"""The machinery: from exported logs to a report, one straight line (see run.py)."""
