"""KaTeX in a JavaScript engine that pip installs: neither Node.js nor a network is needed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from py_mini_racer import mini_racer

#: dist/katex.min.js of the npm package katex 0.19.1, as it is published.
KATEX = Path(__file__).parents[1] / "vendor" / "katex" / "katex.min.js"

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


@contextmanager
def katex() -> Iterator[Callable[[str], str]]:
    """TeX → what KaTeX has against it in its strictest mode; nothing where it typesets it without a warning."""
    with mini_racer() as engine:
        engine.eval(CONSOLE)
        engine.eval(KATEX.read_text(encoding="utf-8"))
        engine.eval(COMPLAINT)
        yield lambda tex: str(engine.call("complaint", tex))
