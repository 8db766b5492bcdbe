"""Each file in `docs/explain.md` is explained as the document says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"```python\n# (\w+\.py)\n(.*?)```\n\n```console\n\$ elbostone (.*?)\n(.*?)```", GUIDE, flags=re.DOTALL
)


def test_there_are_five() -> None:
    assert len(BLOCKS) == len(re.findall("```console", GUIDE)) == 5


@pytest.mark.backend("torch")
@pytest.mark.parametrize(("name", "body", "command", "printed"), BLOCKS, ids=[block[0] for block in BLOCKS])
def test_the_guide_prints_what_is_printed(name: str, body: str, command: str, printed: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(body)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "elbostone", *shlex.split(command)],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120,
    )  # fmt: skip
    lines = iter(done.stdout.splitlines())
    for line in printed.splitlines():  # every line, in order
        assert line in lines, f"{line!r} is not printed, or earlier:\n{done.stdout}"
