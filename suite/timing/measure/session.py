"""The inside of a session: build a cell, call it once, time it, and keep its outputs from before and after."""

from __future__ import annotations

import statistics
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...backends import Binding
from ...backends.table import COMPILED_MODES, precision
from ...workers.records import SCHEMA, Append, make_record
from ...workers.subject import Subject
from ..asked import SessionAsked
from ..libraries.stage import make_library_stage
from ..libraries.table import LIBRARY_MODE
from ..proof import Expected
from ..timings import HARNESS, PEAK, ROOFLINE, SESSION, THROUGHPUT, Timing
from . import memory
from .building import FirstCall, build_stage, build_subject, keep_outputs, open_expected, open_problem
from .device import open_timing
from .harness import BENCHMARK, OVERRUN, time_nothing, time_stage
from .rooflines import measure_ceilings, measure_roofline
from .stages import Stage, repeated


class ChildSession:
    """One backend on one device in one process, with the timings that are asked for.

    Args:
        binding: what executes them.
        asked: what the parent asks.
        append: writes a record.
    """

    def __init__(self, binding: Binding, asked: SessionAsked, append: Append):
        self.binding, self.asked, self.append = binding, asked, append
        self.last: tuple[tuple[str, str, str], Subject] | None = None
        self.folder, self.device = Path(asked.tensors), open_timing(binding)
        imported = time.time() - asked.started
        compiler = None
        if any(timing.cell.mode in COMPILED_MODES for timing in asked.timings):
            begin = time.perf_counter()
            self.device.start_compiler()
            compiler = time.perf_counter() - begin
        self._append(
            kind=SESSION,
            status="ok",
            reason=None,
            versions=self.binding.versions(),
            import_s=imported,
            compiler_start_s=compiler,
        )

    def measure_rooflines(self) -> None:
        """The rates that this backend's library reaches, and the shared ones, one record per route."""
        for roofline in self.asked.rooflines:
            for found in measure_roofline(self.device, roofline, shared=self.asked.shared_rooflines):
                self._append(kind=ROOFLINE, **vars(roofline), **found)

    def measure_harness(self, benchmark: Any) -> None:
        """What the harness adds to every call of this session, as one record."""
        rounds = time_nothing(self.binding, benchmark)
        self._append(
            kind=HARNESS, status="ok", reason=None, path=BENCHMARK, ns=statistics.median(rounds), rounds_ns=rounds
        )

    def measure_ceilings(self, when: str) -> None:
        """The limits of a GPU, `before` and `after` what is timed; those of the processor are the parent's to ask."""
        if self.binding.device == "cpu":
            return
        for figure in measure_ceilings(self.device, sorted({precision(t.cell.dtype) for t in self.asked.timings})):
            self._append(kind=PEAK, status="ok", reason=None, when=when, **figure)

    def measure(self, timing: Timing, benchmark: Any) -> None:
        """Time one stage of one cell and write its record, also where it raises.

        Args:
            timing: what to time.
            benchmark: pytest-benchmark's fixture.
        """
        about: dict[str, Any] = {"kind": THROUGHPUT, **timing.about()}
        about["pass"] = self.asked.number
        try:
            found = self._measured(timing, benchmark)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            trace = traceback.format_exc()[-4000:]
            self.append(make_record(timing.cell, "failed", reason, **about, traceback=trace))
            raise
        self.append(make_record(timing.cell, "ok", **about, **found))

    def _measured(self, timing: Timing, benchmark: Any) -> dict[str, Any]:
        resident_before, reset = memory.resident_mb(), memory.reset_peak()
        self.device.reset_peak_memory()
        stage, about, expected = self._stage(timing)
        call = FirstCall(stage, expected)
        timed: dict[str, Any] = {"rounds_ns": [], "iterations": 0, "cut_short": False}
        after = call.tensors
        if call.equal:
            cut_short = time_stage(stage, benchmark, OVERRUN * self.asked.max_time_s)
            rounds = [round(seconds * 1e9) for seconds in benchmark.stats.stats.data]
            timed = {"rounds_ns": rounds, "iterations": benchmark.stats.iterations, "cut_short": cut_short}
            after = call.again()
        graphs = stage.graphs()
        return {
            **about,
            **timed,
            **call.about(self.binding),
            "cold_cache": self.asked.cold_cache,
            "graphs": None if graphs is None else vars(graphs),
            **self._memory(resident_before, reset),
            **keep_outputs(self.folder, f"{timing.key}-pass-{self.asked.number}", call.tensors, after),
        }

    def _memory(self, resident_before: float | None, reset: bool) -> dict[str, Any]:
        """Memory that was in use at most while the cell was built, called and timed, in MiB.

        On the CPU it is the whole process's, its framework included, and `resident_before_mb` what it held before;
        `peak_memory_reset` is false where the kernel keeps the high-water mark of earlier cells. On a GPU it is the
        device memory that the framework took.
        """
        device = self.device.peak_memory_bytes()
        return {
            "peak_memory_mb": memory.peak_mb() if device is None else device / 2**20,
            "resident_before_mb": resident_before,
            "peak_memory_reset": reset,
        }

    def _stage(self, timing: Timing) -> tuple[Stage, dict[str, Any], Expected | None]:
        """What is timed, what its record says of it, and what it must return.

        The truth of a peer depends on what it drew: the judge makes it, and there is no figure without.
        """
        if timing.cell.mode == LIBRARY_MODE:
            problem = repeated(open_problem(timing.problem_file), timing.batch)
            library = make_library_stage(self.binding, timing.cell, problem, timing.stage, timing.last_step)
            return library, {"adapted": False}, None
        expected = open_expected(timing)
        subject = self._subject(timing)
        about = {"adapted": subject.notation.adapted(expected.problem.spec)}
        return build_stage(timing, subject, expected), about, expected

    def _subject(self, timing: Timing) -> Subject:
        """The timing's model with the problem's weights; the one before it is used again where it is the same.

        Only the one before: to construct a model is also to set the process to its dtype.
        """
        cell = timing.cell
        problem = open_problem(timing.problem_file)
        like = (timing.package, timing.problem_file, cell.dtype)
        if self.last is None or self.last[0] != like:
            self.last = like, build_subject(self.binding, timing)
        subject = replace(self.last[1], mode=cell.mode)
        self.binding.put_weights(subject.model, subject.starting_weights(problem))
        return subject

    def _append(self, **fields: Any) -> None:
        about = {
            "schema": SCHEMA,
            "backend": self.asked.backend,
            "device": self.asked.device,
            "pass": self.asked.number,
        }
        self.append(about | fields)
