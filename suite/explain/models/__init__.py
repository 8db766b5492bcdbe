"""What does a whole model compute? It is run with given noise, and its loss explained as a function of its tensors.

`run` says what a framework's runner must offer. `flow` finds noise, z, the posterior's parameters and the decoder's
output by data flow. `cut` makes a loss of these tensors, and `faults` has the faults that only a model can show.
"""
