"""One file per experiment. Each takes the loss as a function of NumPy values, and returns what it showed."""
