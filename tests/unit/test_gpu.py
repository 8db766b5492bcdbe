"""The state of a GPU, out of text as nvidia-smi prints it; and no GPU is no error."""

import sys

import pytest

from elbostone.workers.machine import COMMAND, FIELDS, described, gpus, parse_gpus

PRINTED = "NVIDIA H100 80GB HBM3, 550.90.07, P0, Enabled, 81559, 527, 1980, 2619, 1980, 2619, 117.32, 700.00, 34\n"
SHARED = "Tesla T4, 535.1, P8, [N/A], 15360, 0, 300, 405, 1590, 5001, [N/A], [Unknown Error], 41\n"


def test_a_card_has_its_clocks_memory_and_power() -> None:
    (card,) = parse_gpus(PRINTED)
    assert card == {
        "name": "NVIDIA H100 80GB HBM3",
        "driver": "550.90.07",
        "performance_state": "P0",
        "persistence": "Enabled",
        "memory_mib": 81559.0,
        "memory_used_mib": 527.0,
        "sm_clock_mhz": 1980.0,
        "memory_clock_mhz": 2619.0,
        "sm_clock_max_mhz": 1980.0,
        "memory_clock_max_mhz": 2619.0,
        "power_w": 117.32,
        "power_limit_w": 700.0,
        "temperature_c": 34.0,
    }


def test_what_a_card_does_not_say_is_null() -> None:
    first, second = parse_gpus(PRINTED + "\n" + SHARED)
    assert first["name"] != second["name"]
    assert [name for name, value in second.items() if value is None] == [
        "persistence", "power_w", "power_limit_w",
    ]  # fmt: skip
    assert described([first, second]) == (
        "NVIDIA H100 80GB HBM3, driver 550.90.07, 81559 MiB; Tesla T4, driver 535.1, 15360 MiB"
    )


def test_a_card_that_shares_the_memory_of_the_processor_has_none_of_its_own() -> None:
    cards = parse_gpus("NVIDIA GB10, 580.95, P8, Enabled, [N/A], [N/A], 208, [N/A], 3003, [N/A], 5.2, [N/A], 40\n")
    assert described(cards) == "NVIDIA GB10, driver 580.95"


def test_other_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 13 values; found 2"):
        parse_gpus("NVIDIA H100 80GB HBM3, 550.90.07\n")


@pytest.mark.parametrize("command", [["no-such-nvidia-smi"], [sys.executable, "-c", "raise SystemExit(9)"]])
def test_no_gpu_is_no_error(command: list[str]) -> None:
    assert gpus(command) == []
    assert described([]) is None


def test_the_command_asks_for_every_field_once() -> None:
    asked = COMMAND[1].removeprefix("--query-gpu=").split(",")
    assert asked == [name for name, _ in FIELDS.values()]
    assert len(set(asked)) == len(asked)
    assert gpus([sys.executable, "-c", f"print({PRINTED!r})"]) == parse_gpus(PRINTED)
