"""Figures from records: pure functions, which start nothing and see no framework."""
