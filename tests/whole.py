"""Which backends have everything by default: one of each framework, on which every file of an implementation is run.

The others run Keras' files again: they have a part of it, and all of it with `--exhaustive`.
"""

WHOLE = ("torch", "keras-tensorflow")
