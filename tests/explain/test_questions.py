"""The questions to an answer: another loss, a requested weight, a schedule, the user's data."""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from explain.compared import CASES, equal

from elbostone.explain.answer import Answer, Bug, Finding
from elbostone.explain.comparison import compared
from elbostone.explain.data import checked, loaded
from elbostone.explain.expressions import evaluate, monomial, power_of
from elbostone.explain.measure import Asked, explained
from elbostone.explain.questions import drawn, steps, sweep, target, wanted
from elbostone.explain.weights import solved
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput


@cache
def answer(name: str, **at: float) -> Answer:
    outcome = explained(Asked(str(CASES / "on_numpy.py"), name, "numpy", False, at, {}, {}, 0.0))
    assert outcome.answer is not None
    return outcome.answer


def test_one_objective_in_two_forms() -> None:
    found = compared(answer("plain"), answer("plain_on_logits"))
    assert found.same is True
    assert found.factor == "1/N"
    assert found.parts == []
    assert any(note.startswith("likelihood: bernoulli-probabilities") for note in found.notes)


def test_the_term_and_the_factor_in_which_two_part() -> None:
    found = compared(answer("plain_on_logits"), answer("averaged_over_latents"))
    assert found.same is False
    [part] = found.parts
    assert (part.name, part.one, part.other, part.factor) == ("KL weight", "1", "1/J", "1/J")
    other = compared(answer("plain"), answer("averaged_over_pixels"))
    assert [part.name for part in other.parts] == ["likelihood", "KL weight"]


def test_another_gradient_is_another_objective() -> None:
    """Two losses with equal values and different gradients are different objectives."""
    plain = answer("plain")
    without = msgspec.structs.replace(plain, bug=Bug("value-without-gradient", "`mu` gets no gradient: see."))
    found = compared(plain, without)
    assert found.same is False
    assert [part.name for part in found.parts] == ["gradient"]
    assert found.parts[0].other == "another than the value's slope (`mu` gets no gradient)"
    balanced = msgspec.structs.replace(plain, findings=[Finding("gradient-is-balanced", "It is shared out.")])
    assert compared(plain, balanced).same is False
    assert compared(without, without).same is True


def test_what_is_not_determined_is_not_compared() -> None:
    assert compared(answer("plain"), answer("variance_of_the_batch")).same is None


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [("(2/N)/(1/(N*D))", {}, "2*D"), ("w*D/2", {"w": 4.0}, "2*D"), ("min(1, e/w)", {}, "min(1, e/w)"), ("3", {}, "3")],
)
def test_quotients(text: str, known: dict[str, float], expected: str) -> None:
    assert monomial(text, known) == expected


@pytest.mark.parametrize("aim", [1.0, 4.0])
def test_a_wanted_weight_holds_after_the_change(aim: float) -> None:
    given = answer("averaged_over_pixels", D=784.0)
    found = wanted(given, target(f"beta={aim}", notations()))
    assert found.holds is False
    value = evaluate(found.arguments["beta"], {"D": 784.0})
    assert value is not None
    entry = str(CASES / "on_numpy.py"), "averaged_over_pixels"
    outcome = explained(Asked(*entry, "numpy", False, {"D": 784.0}, {"beta": value}, {}, 0.0))
    assert outcome.answer is not None
    assert wanted(outcome.answer, target(f"beta={aim}", notations())).holds is True
    rows = [{name: number for name, number in row.items() if name != "factor"} for row in found.at]
    assert {"D": 12288.0, "beta": aim * 2 / 12288} in rows


def test_a_density_of_known_variance_has_its_weight() -> None:
    """The normaliser gives the decoder's variance: the weight is 1 already, and no factor of 100 is advised."""
    known = answer("normal_of_known_sd")
    assert wanted(known, target("beta=1", notations())).holds is True
    assert "a Gaussian decoder of variance 0.01" in known.sentence
    assert known.constants_dropped == []
    assert answer("half_log_variance").constants_dropped == ["D/2*log(2*pi)"]
    found = compared(known, answer("half_log_variance"))
    assert found.same is False
    assert [(part.name, part.one, part.other) for part in found.parts] == [("decoder's variance", "0.01", "var")]


def test_a_notation_is_wanted() -> None:
    found = wanted(answer("averaged_over_latents", J=20.0), target("paper", notations()))
    assert found.differs_in == []
    assert found.factor is not None
    assert equal(found.factor, "J")
    with pytest.raises(BadInput, match="expected beta=NUMBER, paper or one of"):
        target("nobody_1999", notations())
    with pytest.raises(BadInput, match="not determined"):
        wanted(answer("variance_of_the_batch"), target("beta=1", notations()))


def test_another_likelihood_than_the_wanted_notations() -> None:
    """A loss with the requested weight may be another objective; a sign or a factor on the whole makes no other."""
    other = wanted(answer("plain"), target("prince_2023", notations()))
    assert other.holds is False
    assert other.differs_in == ["likelihood"]
    assert "another objective than that of prince_2023: the likelihood differs." in other.sentence
    assert wanted(answer("plain"), target("paper", notations())).holds is True
    assert wanted(answer("plain"), target("higgins_2017", notations())).holds is True  # whose weight is open


def test_a_schedule_is_swept() -> None:
    name, places = steps("epoch=0:500")
    course = sweep(answer("annealed"), name, places)
    assert "arrives by epoch 200 and stays" in course.sentence
    assert course.weights[0] == 0.0
    assert course.weights[-1] == 1.0
    assert len(drawn(course)) == len(course.weights) == 61
    assert "has not arrived" in sweep(answer("annealed"), *steps("epoch=0:150")).sentence
    with pytest.raises(BadInput, match="does not depend on it"):
        sweep(answer("plain"), name, places)
    with pytest.raises(BadInput, match="expected NAME=FIRST:LAST"):
        steps("epoch=5")


def test_a_schedule_without_an_expression_is_measured() -> None:
    """Weights from a table are measured at each step; weights with an expression are calculated from it."""
    name, places = steps("epoch=0:60")
    asked = Asked(str(CASES / "on_numpy.py"), "rises_by_a_table", "numpy", False, {}, {}, {}, 0.0, sweep={name: places})
    found = explained(asked).answer
    assert found is not None
    assert found.beta_effective is None
    assert found.sentence.startswith("The KL's weight is not determined: how the KL's coefficient depends on epoch; ")
    assert found.sentence.endswith(
        "at a value: --set epoch=…. The data term is a Bernoulli decoder (probabilities), with an analytic KL."
    )
    pinned = explained(msgspec.structs.replace(asked, set={"epoch": 20})).answer
    assert pinned is not None
    assert pinned.beta_effective is not None
    assert pinned.beta_effective.value == pytest.approx(0.5)
    course = sweep(found, name, places)
    assert "as it was measured at small sizes, from 0 to 1, where it arrives by epoch 30 and stays." in course.sentence
    assert course.weights[places.index(20)] == pytest.approx(0.5)
    with pytest.raises(BadInput, match="does not depend on it"):
        sweep(answer("rises_by_a_table"), name, places)


def test_a_cycle_does_not_arrive() -> None:
    for loss, span, period in (("in_cycles", "step=0:6000", 1000), ("rises_as_a_cosine", "step=0:6000", 500)):
        assert f"runs in cycles of {period}, from 0 to " in sweep(answer(loss), *steps(span)).sentence


def test_a_ramp_is_judged_where_it_arrives() -> None:
    found = wanted(answer("peak_times_a_ramp"), target("beta=4", notations()))
    assert found.sentence == "The KL's weight is peak/2 = 2 once epoch has counted up; for 4, pass peak = 8."


def test_data_against_the_support(tmp_path: Path) -> None:
    grey = checked(answer("plain"), loaded("digits"))
    assert grey.bug is None
    assert [note.name for note in grey.findings][-2:] == ["grey-values", "constant-values"]
    np.save(tmp_path / "bytes.npy", np.array([[0, 255], [3, 9]], dtype=np.uint8))
    fault = checked(answer("plain"), loaded(str(tmp_path / "bytes.npy")))
    assert fault.bug is not None
    assert fault.bug.name == "support"
    assert "from 0 to 255" in fault.sentence
    assert "divide them by 255" in fault.sentence
    assert checked(answer("averaged_over_pixels"), loaded(str(tmp_path / "bytes.npy"))).bug is None
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(BadInput, match="expected an array in NumPy's format"):
        loaded(str(tmp_path / "text.npy"))


def test_padding_is_counted(tmp_path: Path) -> None:
    steps_of = np.ones((2, 4, 3))
    steps_of[1, 1:] = 0
    np.save(tmp_path / "padded.npy", steps_of)
    findings = checked(answer("plain"), loaded(str(tmp_path / "padded.npy"))).findings
    notes = {note.name: note.sentence for note in findings}
    assert notes["padding"].startswith("37.5 % of the steps")


@pytest.mark.parametrize(
    ("beta", "name", "power", "value"),
    [
        ("kld_weight*D/2", "kld_weight", 1, "1/D"),
        ("N*D/(784*batch_size)", "batch_size", -1, "2*D*N/784"),
        ("w**2/J", "w", 2, "sqrt(J/2)"),
        ("min(1, w)", "w", None, None),
        ("w + 1", "w", None, None),
        ("w*min(1, w/3)", "w", None, None),
    ],
)
def test_the_argument_that_gives_a_weight(beta: str, name: str, power: int | None, value: str | None) -> None:
    assert power_of(beta, name) == power
    found = solved(beta, 0.5, [name, "other"])
    assert set(found) == ({name} if value else set())
    for sizes in ({"N": 5.0, "D": 7.0, "J": 3.0}, {"N": 2.0, "D": 11.0, "J": 4.0}) if value else ():
        given = evaluate(found[name], sizes)
        assert given == pytest.approx(evaluate(value or "", sizes))
        assert evaluate(beta, {**sizes, name: given or 0.0}) == pytest.approx(0.5)
