"""Elbostone: one variational autoencoder, every published notation, equal ELBOs."""

from importlib.metadata import version

__version__ = version("elbostone")
