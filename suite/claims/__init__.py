"""Does the file say what it says it says? Every entry of a notation.toml, executed; the verb `symbols`."""
