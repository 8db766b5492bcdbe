"""One run of all: presets, the verbs `run`, `bench`, `check` and `report`, and two runs compared."""
