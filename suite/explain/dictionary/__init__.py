"""Which formulas are known? Likelihoods and divergences of one element, for every scale kind, and their single edits.

To add a likelihood, write its formula in `likelihoods.py`, `counts.py` or `classes.py`, and yield it in
`likelihoods._all`. Put its words into `sentences.py`, its support into `data.py`, and its name into the docstring of
`asserted.assert_objective`. `given.py` has the terms that a caller has computed.
"""
