"""Formulas of one element: likelihoods and divergences, each for every scale kind, and all of them under one edit.

A new likelihood is a formula in `likelihoods.py` or `counts.py`, which `likelihoods` yields. Its name has words in
`sentences.py`, its support a line in `data.py`, and the docstring of `asserted.py` names it. `given.py` has the
terms that a caller has computed.
"""
