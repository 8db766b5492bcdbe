"""What published losses compute, as a table for docs/explain.md: `python tests/libraries/table.py` prints it.

With `--write` the table stands in docs/explain.md afterwards.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import elbostone
from elbostone.explain.notebook import Explanation

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "explain.md"
FIRST, LAST = "<!-- python tests/libraries/table.py --write -->", "<!-- end -->"


class Entry(NamedTuple):
    """A library, and its loss as `elbostone explain` is given it."""

    library: str
    entry: str
    guide: str | None = None


ENTRIES = (
    Entry("pythae 0.1.2, VAE", "of_pythae.py:vae"),
    Entry("pythae 0.1.2, BetaVAE", "of_pythae.py:beta_vae"),
    Entry("pyro-ppl 1.9.2, Trace_ELBO", "of_pyro.py:VAE().model", "guide"),
    Entry("numpyro 0.22.0, Trace_ELBO", "of_numpyro.py:model", "guide"),
    Entry("tensorflow-probability 0.25.0", "of_tensorflow_probability.py:loss"),
    Entry("diffusers 0.42.1, AutoencoderKL", "of_diffusers.py:loss"),
    Entry("scvi-tools 1.4, VAE (anew)", "written_anew.py:scvi"),
    Entry("AntixK/PyTorch-VAE (anew)", "written_anew.py:antixk"),
    Entry("keras.io (anew)", "of_keras_io.py:loss"),
    Entry("pytorch_examples, our file", "elbostone.implementations.pytorch_examples.torch_vae:loss_function"),
)


def explained(one: Entry) -> Explanation:
    """The answer for an entry."""
    entry = one.entry if one.entry.startswith("elbostone.") else f"{HERE / 'losses' / one.entry}"
    return elbostone.explain(entry, guide=one.guide, timeout=300.0)


def row(one: Entry) -> str:
    """One row of the table."""
    answer = explained(one)
    beta = "not determined" if answer.beta_effective is None else answer.beta_effective.expression
    reduced = answer.data_reduction if isinstance(answer.data_reduction, str) else str(answer.data_reduction)
    kinds = f"{answer.kl} ({answer.scale_kind})"
    cells = (one.library, answer.likelihood, kinds, reduced, answer.pixel_reduction, answer.latent_reduction, beta)
    return "| " + " | ".join(str(cell).replace("*", "\\*").replace("_", "\\_") for cell in cells) + " |"


def table() -> str:
    """The whole table."""
    head = ["| loss | likelihood | KL (scale) | over the batch | over pixels | over latents | weight of the KL |"]
    return "\n".join([*head, "|---|---|---|---|---|---|---|", *(row(one) for one in ENTRIES)])


if __name__ == "__main__":
    made = table()
    if "--write" in sys.argv:
        text = GUIDE.read_text(encoding="utf-8")
        before, after = text.split(FIRST)[0], text.split(LAST)[1]
        GUIDE.write_text(f"{before}{FIRST}\n\n{made}\n\n{LAST}{after}", encoding="utf-8")
    else:
        print(made)
