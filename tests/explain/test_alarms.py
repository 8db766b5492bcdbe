"""A sample of the random losses of `alarms.py`: no right one is accused, and each edit is named."""

import pytest
from explain.alarms import falls, judged

from elbostone.explain.measure import Asked, explained


def test_no_false_alarm_and_every_edit_named() -> None:
    assert falls(17, ("numpy",), seed=4) == []


@pytest.mark.parametrize("seed", [7])
def test_a_judge_that_accuses_is_counted(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If every loss is called edited, each right loss counts as a false alarm."""
    from elbostone.explain import judgement
    from elbostone.explain.answer import Bug

    monkeypatch.setattr(judgement, "bug_of", lambda facts: Bug("kl-edited", "planted"))
    found = [one.fall for one in judged(3, ("numpy",), seed=seed) if one.group != "edited"]
    assert found == ["accused"] * 6


def test_what_raises_is_an_outcome() -> None:
    from explain.compared import CASES

    outcome = explained(Asked(str(CASES / "on_numpy.py"), "raises", "numpy", False, {}, {}, {}, 0.0))
    assert outcome.answer is None
    assert "not today" in str(outcome.bad_input)
