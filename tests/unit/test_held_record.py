"""A session with all its records is not run again: its last one is written after all that the session leaves."""

from types import SimpleNamespace
from typing import Any

import pytest

from elbostone.timing.measure.session import ChildSession


@pytest.mark.parametrize("fails", [False, True])
def test_the_last_record_of_a_session_waits_until_it_closes(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    timings, written = [object(), object()], list[Any]()
    session = object.__new__(ChildSession)
    session.asked = SimpleNamespace(timings=timings, number=1)
    session.append, session.held = written.append, None
    monkeypatch.setattr("elbostone.timing.measure.session.unmeasured", lambda *args, **named: "failed")
    monkeypatch.setattr("elbostone.timing.measure.session.replace_fields", lambda record, **named: record)

    def measured(timing: object, benchmark: object) -> str:
        if fails:
            raise ValueError
        return "timed"

    monkeypatch.setattr(session, "_measured", measured)
    for timing, before_close in zip(timings, (1, 1), strict=True):
        try:
            session.measure(timing, None)
        except ValueError:
            assert fails
        assert len(written) == before_close
    session.close()
    assert written == ["failed" if fails else "timed"] * 2
