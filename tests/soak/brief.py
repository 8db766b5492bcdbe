"""`elbostone` whose quick sample times two encoders: a run of seconds, which can be stopped often."""

import signal
from dataclasses import replace

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the program is in charge, it ends this as it ends any other

from elbostone.__main__ import main  # noqa: E402
from elbostone.timing import plan  # noqa: E402
from elbostone.timing.workloads import DIGITS  # noqa: E402

_timed = plan.Slice(DIGITS, (128,), ("encoder",), ("eager",), notations=("kingma_welling_2019", "pytorch_examples"))
plan.QUICK = replace(plan.QUICK, slices=(_timed,), compiled_proofs=())

if __name__ == "__main__":
    main()
