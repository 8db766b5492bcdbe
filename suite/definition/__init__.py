"""What is compared: roles, notations, problems and the oracle. NumPy only; no framework and no process."""
