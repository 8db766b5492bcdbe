"""Is it the same? Every cell's tensors and gradients against the truth; the verb `evaluate`."""
