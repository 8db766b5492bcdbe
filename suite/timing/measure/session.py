"""The child side of a session: build a cell, call it once, time it, and save its outputs from before and after."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from msgspec.structs import replace as replace_fields

from ...backends import Binding
from ...backends.table import COMPILED_MODES
from ...workers.records import Append
from ...workers.subject import Subject
from ..asked import SessionAsked
from ..libraries.stage import make_library_stage
from ..libraries.table import LIBRARY_MODE
from ..proof import Expected
from ..records import SessionRecord, ThroughputRecord, unmeasured
from ..timings import Timing
from . import memory
from .building import FirstCall, build_stage, build_subject, keep_outputs, open_expected, open_problem
from .device import open_timing
from .harness import OVERRUN, slowed, time_stage
from .product_rates import measure_roofline
from .stages import Stage, repeated


class Whose(TypedDict):
    """The fields of every record of a session; see `ProcessRecord`."""

    backend: str
    device: str
    number: int


class ChildSession:
    """One backend on one device in one process, with the requested timings.

    Args:
        binding: the binding of the backend.
        asked: the parent's request.
        append: writes a record.
    """

    def __init__(self, binding: Binding, asked: SessionAsked, append: Append):
        self.binding, self.asked, self.append = binding, asked, append
        self.last: tuple[tuple[str, str, str], Subject] | None = None
        self.held: ThroughputRecord | None = None
        self.folder, self.device = Path(asked.tensors), open_timing(binding)
        imported = time.time() - asked.started
        compiler = None
        if any(timing.cell.mode in COMPILED_MODES for timing in asked.timings):
            begin = time.perf_counter()
            self.device.start_compiler()
            compiler = time.perf_counter() - begin
        self.append(
            SessionRecord(
                **self._whose(), versions=self.binding.versions(), import_s=imported, compiler_start_s=compiler
            )
        )

    def measure_rooflines(self) -> None:
        """The rates that this backend's library reaches, and NumPy's where requested, one record per route."""
        for roofline in self.asked.rooflines:
            for record in measure_roofline(self.device, roofline, with_numpy=self.asked.with_numpy):
                self.append(replace_fields(record, **self._whose()))

    def measure(self, timing: Timing, benchmark: Any) -> None:
        """Time one stage of one cell and write its record, also where it raises.

        Args:
            timing: the timing.
            benchmark: pytest-benchmark's fixture.
        """
        try:
            record = self._measured(timing, benchmark)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            failed = unmeasured(timing, "failed", reason, number=self.asked.number)
            self._leave(timing, replace_fields(failed, traceback=traceback.format_exc()[-4000:]))
            raise
        self._leave(timing, record)

    def _leave(self, timing: Timing, record: ThroughputRecord) -> None:
        """Write a record; keep the last one until `close`: a session with all its records is not run again."""
        if timing is self.asked.timings[-1]:
            self.held = record
        else:
            self.append(record)

    def close(self) -> None:
        """Write the last record, once pytest-benchmark has written its JSON."""
        if self.held is not None:
            self.append(self.held)

    def _measured(self, timing: Timing, benchmark: Any) -> ThroughputRecord:
        resident_before, reset = memory.resident_mb(), memory.reset_peak()
        self.device.reset_peak_memory()
        stage, adapted, expected = self._stage(timing)
        call = FirstCall(stage, expected)
        rounds: list[int] = []
        cut_short, after = False, call.tensors
        if call.equal:
            timed = slowed(stage, timing.slowed) if timing.slowed else stage
            cut_short = time_stage(timed, benchmark, OVERRUN * self.asked.max_time_s)
            rounds = [round(seconds * 1e9) for seconds in benchmark.stats.stats.data]
            after = call.again()
        # On the CPU the peak is of the whole process, its framework included, and `resident_before_mb` is the memory
        # before the cell; `peak_memory_reset` is false where the kernel keeps the high-water mark of earlier cells. On
        # a GPU the peak is of the device memory that the framework allocated.
        device_bytes = self.device.peak_memory_bytes()
        return ThroughputRecord(
            cell=timing.cell,
            status="ok",
            **timing.about(),
            number=self.asked.number,
            adapted=adapted,
            rounds_ns=rounds,
            iterations=benchmark.stats.iterations if call.equal else 0,
            cut_short=cut_short,
            **call.about(self.binding),
            cold_cache=self.asked.cold_cache,
            graphs=stage.graphs(),
            peak_memory_mb=memory.peak_mb() if device_bytes is None else device_bytes / 2**20,
            resident_before_mb=resident_before,
            peak_memory_reset=reset,
            **keep_outputs(self.folder, f"{timing.key}-pass-{self.asked.number}", call.tensors, after),
        )

    def _stage(self, timing: Timing) -> tuple[Stage, bool, Expected | None]:
        """The stage, whether its problem leaves the source's architecture, and its expected outputs.

        The reference of another library depends on its draws: the judge computes it, and gives no figure without it.
        """
        if timing.cell.mode == LIBRARY_MODE:
            problem = repeated(open_problem(timing.problem_file), timing.batch)
            library = make_library_stage(self.binding, timing.cell, problem, timing.stage, timing.last_step)
            return library, False, None
        expected = open_expected(timing)
        subject = self._subject(timing)
        return build_stage(timing, subject), subject.notation.adapted(expected.problem.spec), expected

    def _subject(self, timing: Timing) -> Subject:
        """The timing's model with the problem's weights; the previous model is used again where it is the same.

        An earlier one is not: the construction of a model also sets the dtype of the process.
        """
        cell = timing.cell
        problem = open_problem(timing.problem_file)
        like = (timing.package, timing.problem_file, cell.dtype)
        if self.last is None or self.last[0] != like:
            self.last = like, build_subject(self.binding, timing)
        subject = replace(self.last[1], mode=cell.mode)
        self.binding.put_weights(subject.model, subject.starting_weights(problem))
        return subject

    def _whose(self) -> Whose:
        return {"backend": self.asked.backend, "device": self.asked.device, "number": self.asked.number}
