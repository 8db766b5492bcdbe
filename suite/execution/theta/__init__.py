"""What the subscript θ means, executed: the small models and a trained VAE in each backend, each in its own process."""
