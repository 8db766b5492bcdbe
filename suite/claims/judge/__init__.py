"""The claims of a notation.toml are compared with the facts of a run: pure functions that return the false claims."""
