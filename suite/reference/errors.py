"""The two ways in which a request cannot be met; the command line turns each into one line and an exit code."""


class BadInput(ValueError):
    """A file, field or argument is wrong (exit code 2). The message names it, what was expected and what was found."""


class EnvironmentLacks(RuntimeError):
    """Something asked for by name is not on this machine (exit code 3). The message names it and how to get it."""
