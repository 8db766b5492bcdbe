"""What does this loss compute?   the verb `explain`

The loss is taken apart by experiments, in this order: bind, state, dependence, additivity, separability and element,
reductions, thresholds, residual, answer. `experiments/` has a file for each, on float64 NumPy values; `dictionary/`
the formulas that they are held against; `measure/` what runs in the worker, with one adapter per framework.
"""
