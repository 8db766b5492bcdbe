"""KaTeX, as its npm package publishes it, in a JavaScript engine that pip installs: no Node.js is needed."""

import base64
import hashlib
import io
import tarfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from py_mini_racer import mini_racer

VERSION = "0.19.1"
PACKAGE = f"https://registry.npmjs.org/katex/-/katex-{VERSION}.tgz"
#: As npm states it.
SHA512 = "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA=="
MEMBER = "package/dist/katex.min.js"

#: What KaTeX says to the console is an error too.
CONSOLE = """
var console = { warn: function (text) { throw new Error(text); }, error: function (text) { throw new Error(text); } };
var self = this;
"""
COMPLAINT = """
function complaint(tex) {
    try { katex.renderToString(tex, { throwOnError: true, strict: "error", displayMode: true }); return ""; }
    catch (error) { return String(error); }
}
"""


def script(folder: Path) -> str:
    """KaTeX itself, from the folder or, the first time, from npm.

    Raises:
        ValueError: what npm sends is not the package that was pinned.
    """
    path = folder / f"katex-{VERSION}.min.js"
    if not path.exists():
        with urllib.request.urlopen(PACKAGE, timeout=60) as response:
            package = response.read()
        found = base64.b64encode(hashlib.sha512(package).digest()).decode()
        if found != SHA512:
            raise ValueError(f"{PACKAGE}: expected SHA-512 {SHA512}; found {found}")
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            member = archive.extractfile(MEMBER)
            assert member is not None
            part = folder / f"{path.name}.{hashlib.sha512(str(id(member)).encode()).hexdigest()[:8]}"
            part.write_bytes(member.read())
        part.replace(path)  # whole, whoever else is writing it
    return path.read_text(encoding="utf-8")


@contextmanager
def katex(folder: Path) -> Iterator[Callable[[str], str]]:
    """TeX → what KaTeX has against it in its strictest mode; nothing where it typesets it without a warning."""
    with mini_racer() as engine:
        engine.eval(CONSOLE)
        engine.eval(script(folder))
        engine.eval(COMPLAINT)
        yield lambda tex: str(engine.call("complaint", tex))
