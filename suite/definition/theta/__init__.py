"""The small generative models in which the subscript θ is computed, and their exact arithmetic: NumPy only."""
