"""The supervisor reads each line once, and starts what it is asked for with CPUs of its own."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from elbostone.workers import supervisor
from elbostone.workers.jobs import Job
from elbostone.workers.probe import Asked
from elbostone.workers.supervisor import Child, side_by_side, whole_lines

START = Job("no-such-backend", parts=(("workers.probe", Asked()),))


def test_each_line_is_read_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    with path.open("wb", buffering=0) as written, path.open("rb") as read:
        assert list(whole_lines(read)) == []
        written.write(b'{"a": 1}\n{"b"')
        assert list(whole_lines(read)) == [b'{"a": 1}\n']
        assert list(whole_lines(read)) == []
        assert read.tell() == len(b'{"a": 1}\n')
        written.write(b": 2}\n")
        assert list(whole_lines(read)) == [b'{"b": 2}\n']
        assert read.tell() == path.stat().st_size


def test_a_child_that_never_starts_settles_every_item_and_leaves_nothing() -> None:
    settled: list[tuple[int, str, str]] = []
    tails: list[str] = []

    def settle(item: int, status: str, reason: str, tail: str) -> None:
        settled.append((item, status, reason))
        tails.append(tail)

    child = Child(START, [1, 2], take=lambda line: True, settle=settle, timeout_s=60, name="thing")
    folder = child.scratch
    assert folder.is_dir()
    assert child.follow() == []
    assert settled == [(item, "failed", "the thing ended with exit code 1") for item in (1, 2)]
    assert "no-such-backend" in tails[0]
    assert not folder.exists()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child's module takes long to come to its first line."""
    monkeypatch.setattr(supervisor.sys, "executable", "/bin/sleep")
    monkeypatch.setattr(supervisor.subprocess, "Popen", _sleeping(supervisor.subprocess.Popen))


def _sleeping(popen: Callable[..., object]) -> Callable[..., object]:
    return lambda command, **options: popen(["/bin/sleep", "600"], **options)


@pytest.mark.usefixtures("slow")
def test_a_silent_child_costs_the_item_that_it_is_in() -> None:
    settled: list[tuple[int, str, str]] = []
    child = Child(START, [1, 2], take=lambda line: True, settle=lambda *found: settled.append(found[:3]), timeout_s=0.2)
    started = time.monotonic()
    assert child.follow() == [2]
    assert settled == [(1, "timeout", "no outcome within 0.2 s")]
    assert time.monotonic() - started < 30


def test_what_a_child_did_not_come_to_is_started_anew_on_the_least_used_cpus() -> None:
    started: list[tuple[list[int], list[int]]] = []
    settled: list[int] = []

    def start(items: list[int], cpus: list[int]) -> Child[int]:
        started.append((items, cpus))
        child = Child(START, items, take=lambda line: True, settle=lambda item, *_: settled.append(item), timeout_s=60)
        child._records.seek(1)  # as though it had written a line
        return child

    side_by_side([[1, 2], [3]], start, parallel=2, threads=1)
    assert sorted(settled) == [1, 2, 3]
    assert [items for items, _ in started][:2] == [[1, 2], [3]]
    assert [2] in [items for items, _ in started]
    first, second = (cpus for _, cpus in started[:2])
    assert (first == second) == (len(os.sched_getaffinity(0)) == 1)
