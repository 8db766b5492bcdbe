"""The meaning of the subscript θ: pure functions of the backends' results."""
