"""How much of the soak is done: a hundredth, or with ELBOSTONE_SOAK=1, as `tox run -e soak` has it, all."""

import os

SHARE = float(os.environ.get("ELBOSTONE_SOAK", "0.01"))


def amount(whole: int) -> int:
    """So many of so many, one at the least."""
    return max(1, round(whole * SHARE))
