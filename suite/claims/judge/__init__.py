"""What a notation.toml claims, held against the facts of a run: pure functions that return what is false."""
