"""Statements on the training runs: θ frozen against learned, tied against untied, two copies trained separately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...reference.tolerance import K
from ..plan import AS_TRAINED, SAMPLES
from ..records import TrainingRecord
from .statement import Statement, number


@dataclass(frozen=True)
class Score:
    """A regime's held-out log-likelihood.

    Attributes:
        regime, readout, seed: what was trained, and how it is read.
        verdict: `equal` where no two backends are further apart than the sum of their tolerances, else `differs`.
        standard_error_nats: standard error over the digits.
        tolerance_nats: how far rounding carries it: K times the sum of two N, that of its training (the largest
            deviation of trainings whose every new weight was perturbed by float64's rounding) and that of its scoring.
        held_out_nats: mean per digit, by backend.
    """

    regime: str
    readout: str
    seed: int
    verdict: str
    standard_error_nats: float
    tolerance_nats: float
    held_out_nats: Mapping[str, float]

    @property
    def first(self) -> float:
        return next(iter(self.held_out_nats.values()))


def scores(records: Sequence[TrainingRecord]) -> list[Score]:
    """One per regime, readout and seed, in the order of the records."""
    plain = [record for record in records if record.rounding is None]
    keys = dict.fromkeys((r.regime, r.readout, r.seed) for r in plain)
    results = []
    for regime, readout, seed in keys:
        own = [r for r in plain if (r.regime, r.readout, r.seed) == (regime, readout, seed)]
        nats = {record.backend: record.held_out_log_likelihood_nats for record in own}
        scoring = own[0].evaluation_scale_nats
        assert scoring is not None, "measured before the records are written"
        tolerance = K * (rounding_scale(records, regime, readout) + scoring)
        verdict = "equal" if spread(nats) <= 2 * tolerance else "differs"
        results.append(Score(regime, readout, seed, verdict, own[0].standard_error_nats, tolerance, nats))
    return results


def spread(nats: Mapping[str, float]) -> float:
    """How far apart the backends are."""
    return max(nats.values()) - min(nats.values())


def rounding_scale(records: Sequence[TrainingRecord], regime: str, readout: str) -> float:
    """N of a regime's training: how far its moved trainings come to lie from the training that they repeat."""
    own = [r for r in records if (r.regime, r.readout) == (regime, readout)]
    moved = [r for r in own if r.rounding is not None]
    return max(
        abs(m.held_out_log_likelihood_nats - r.held_out_log_likelihood_nats)
        for m in moved
        for r in own
        if r.rounding is None and (r.seed, r.backend) == (m.seed, m.backend)
    )


def trained_statements(results: Sequence[Score], origin: str) -> list[Statement]:
    """Frozen and tied against learned, and the two copies."""
    return [_frozen(results, origin), _tied(results, origin), _copies(results, origin)]


def _gaps(results: Sequence[Score], other: str) -> list[float]:
    """Learned less another regime, nats per digit, seed by seed: the same start, minibatches and noise."""
    scored = {(score.regime, score.seed): score.first for score in results if score.readout == AS_TRAINED}
    return [scored["learned", seed] - nats for (regime, seed), nats in scored.items() if regime == other]


def _range(values: Sequence[float]) -> str:
    return f"{number(min(values))} to {number(max(values))}"


def _means(results: Sequence[Score], regime: str) -> str:
    return ", ".join(f"{score.first:.2f}" for score in results if (score.regime, score.readout) == (regime, AS_TRAINED))


def _frozen(results: Sequence[Score], origin: str) -> Statement:
    gaps = _gaps(results, "frozen")
    sentence = (
        f"{len(gaps)} trainings with θ learned reach {_means(results, 'learned')} nats a held-out digit, and the same "
        f"trainings with θ frozen {_means(results, 'frozen')} ({SAMPLES:,} importance samples), which is "
        f"{_range(gaps)} nats lower. So θ is fitted, and is no hyper-parameter of the fit."
    )
    return Statement("R4", "frozen against learned, seeds", sentence, min(gaps) > 0, origin)


def _tied(results: Sequence[Score], origin: str) -> Statement:
    gaps = _gaps(results, "tied")
    sentence = (
        f"Networks that share weights are another model: with the decoder's layers tied to the transposes of the "
        f"encoder's, held-out log p(x) is {_means(results, 'tied')} nats against {_means(results, 'learned')} untied, "
        f"which is {_range(gaps)} nats lower. The same letter in two places of a formula does not tie weights."
    )
    return Statement("R3", "tied against untied", sentence, min(gaps) > 0, origin)


def _copies(results: Sequence[Score], origin: str) -> Statement:
    by = {(score.regime, score.readout): score for score in results}
    one, two = by["one-copy", AS_TRAINED], by["two-copies", AS_TRAINED]
    alone = [score for (regime, readout), score in by.items() if regime == "two-copies" and readout != AS_TRAINED]
    apart = abs(one.first - two.first)
    allowed = one.tolerance_nats + two.tolerance_nats
    others = ", ".join(f"{score.readout} {score.first:.2f}" for score in alone)
    sentence = (
        f"Two copies of θ, θ¹ in the prior and θ² in the likelihood, are trained separately and reach what one copy "
        f"reaches: {two.first:.6f} and {one.first:.6f} nats (they differ by {number(apart)}; rounding explains "
        f"{number(allowed)}), because the two factors share no weight. Only the pair is that joint: {others}."
    )
    holds = apart <= allowed and all(score.first < two.first for score in alone)
    return Statement("R2", "two copies of θ", sentence, holds, origin)
