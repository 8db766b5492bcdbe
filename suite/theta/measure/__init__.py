"""θ in a worker: the small models and a trained VAE, by one framework's own functions and derivatives."""
