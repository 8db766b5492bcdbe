"""The tests of a session, which collects a copy of this file in a new folder. `plugin` provides the fixtures."""


def test_rooflines(session):  # type: ignore[no-untyped-def]  # imports nothing: it is also read outside of its package
    session.measure_rooflines()


def test_stage(session, timing, benchmark):  # type: ignore[no-untyped-def]
    session.measure(timing, benchmark)
