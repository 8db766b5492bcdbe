"""Collected by pytest in a session's own empty folder, into which this file is copied; `plugin` provides the fixtures."""


def test_roofs(session):  # type: ignore[no-untyped-def]  # imports nothing: it is also read outside of its package
    session.measure_roofs()


def test_stage(session, timing, benchmark):  # type: ignore[no-untyped-def]
    session.measure(timing, benchmark)
