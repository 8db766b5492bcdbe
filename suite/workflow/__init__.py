"""What the commands have in common: a run folder, and the two phases that fill it, equality and throughput."""
