"""Other libraries' VAEs, each as in its documentation; only the module of a library imports the library."""
