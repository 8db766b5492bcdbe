"""Other libraries' VAEs, each as in its own documentation; only the file of a library imports it."""
