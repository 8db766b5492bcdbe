"""A whole model: run with its draws intercepted, its tensors found by data flow, and its loss explained on them.

`run` says what a framework's runner gives, `flow` finds x, noise, z, the posterior's parameters and the decoder's
output, `cut` makes a loss of them, and `faults` has what only a model can show.
"""
