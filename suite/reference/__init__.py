"""What is right? One VAE in float64 NumPy: specifications, problems, the definition, exact cases, tolerances."""
