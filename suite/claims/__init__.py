"""Is notation.toml true? Every entry of a notation.toml is executed; the verb `symbols`."""
