"""Timing in a worker: a stage is built, proven, timed, and proven again."""
