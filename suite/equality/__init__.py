"""Is it the same? Every cell's tensors and gradients against the reference; the verb `evaluate`."""
