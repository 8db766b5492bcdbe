"""What the subscript θ means: pure functions of what the backends computed."""
