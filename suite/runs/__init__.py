"""Whole runs: presets, the verbs `run`, `bench`, `check`, `report` and `list`, and the comparison of two runs."""
