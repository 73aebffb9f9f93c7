"""Recorded arrival processes; see ORIGIN.md for where they come from and under which licence."""
