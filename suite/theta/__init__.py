"""What does the subscript θ mean? Small exact models and a trained VAE in every backend; the verb `theta`."""
