"""Figures from records: pure functions, which start no process and import no framework."""
