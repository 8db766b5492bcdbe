"""Throughput: what pytest-benchmark collects in the child process, and the sessions that the parent starts."""
