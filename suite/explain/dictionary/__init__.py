"""Formulas of one element: likelihoods and divergences, each for every scale kind, and all of them under one edit."""
