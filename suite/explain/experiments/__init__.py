"""Which experiments are run on a loss? One file for each: it takes a `Lab`, calls the loss, and returns its result."""
