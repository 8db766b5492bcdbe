"""What a session collects: a copy of this file in an empty folder of its own. `plugin` provides the fixtures."""


def test_rooflines(session):  # type: ignore[no-untyped-def]  # imports nothing: it is also read outside of its package
    session.measure_rooflines()


def test_stage(session, timing, benchmark):  # type: ignore[no-untyped-def]
    session.measure(timing, benchmark)
