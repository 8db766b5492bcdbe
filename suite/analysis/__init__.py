"""What records and definitions say: tolerance, equality, throughput, symbols. Pure functions; no framework."""
