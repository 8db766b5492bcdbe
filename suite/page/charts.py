"""Charts: each as SVG, which needs no scripts, and as a specification, which scripts make interactive."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

Drawn = alt.Chart | alt.LayerChart | alt.FacetChart
Rows = Sequence[Mapping[str, Any]]
SMALL = 9
"""Font size of numbers in a tile, for phones."""
INK_ON_PAPER = "#16181d"
LETTER = 6.8
"""The approximate width of a letter in a picture's title, in pixels."""
_WIDTH = re.compile(r'<svg[^>]* width="([0-9.]+)"')
_ROLE = re.compile(r' (?:role|aria-roledescription)="[^"]*"')
"""The accessible names of marks, which are removed: the picture around them is one image with a name."""
TEXT = "#010203"
"""A placeholder for the colour of the text around a chart, `currentColor`, which Altair's schema lacks."""
INK = {"labelColor": TEXT, "titleColor": TEXT}
AXIS = INK | {"tickColor": TEXT, "domainColor": TEXT, "gridColor": TEXT, "gridOpacity": 0.1}
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": AXIS,
    "legend": INK
    | {"symbolBaseFillColor": TEXT, "symbolBaseStrokeColor": TEXT, "labelLimit": 300}
    | {"orient": "bottom", "columns": 2},
    "aria": False,
}
"""Without `aria`: the figure around a chart has a label; labels of marks would repeat it a hundred times."""
LEGENDS = {"bottom": {"anchor": "start", "direction": "vertical"}}
"""Legends one below the other, for phones: a setting of Vega that Altair's schema lacks."""


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        name: unique on the page.
        title: its subject, in a sentence.
        svg: the picture.
        specification: the specification of Vega-Lite, as JSON.
        note: the meaning of its marks, which a standalone picture has below its title.
    """

    name: str
    title: str
    svg: Markup
    specification: dict[str, Any]
    note: str = ""

    def picture(self) -> str:
        """The chart as standalone SVG, dark on white."""
        return vl_convert.vegalite_to_svg(self._on_paper(), allowed_base_urls=[])

    def png(self) -> bytes:
        """The chart as PNG, dark on white."""
        return vl_convert.vegalite_to_png(self._on_paper(), scale=1, allowed_base_urls=[])

    def _on_paper(self) -> dict[str, Any]:
        text = json.dumps(self.specification).replace("currentColor", INK_ON_PAPER)
        paper: dict[str, Any] = json.loads(text)
        paper["config"]["background"] = "white"
        title = {"text": self._lines(self.title), "subtitle": self._lines(self.note)}
        return paper | {"title": title | {"anchor": "start", "fontWeight": "normal"}}

    def _lines(self, text: str) -> list[str]:
        """A text in lines that are no wider than the chart."""
        width = _WIDTH.search(self.svg)
        assert width is not None
        return textwrap.wrap(text, int(float(width[1]) / LETTER))


def chart(name: str, title: str, drawn: Drawn, note: str = "") -> Chart:
    """An Altair chart in the page's colours, drawn without a browser."""
    text = drawn.configure(**CONFIG).to_json(indent=None).replace(TEXT, "currentColor")
    specification: dict[str, Any] = json.loads(text)
    specification.pop("usermeta", None)
    specification["config"]["legend"]["layout"] = LEGENDS
    svg = _ROLE.sub("", vl_convert.vegalite_to_svg(specification, allowed_base_urls=[]))
    return Chart(name, title, Markup(svg), specification, note)


@cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which contains no end tag of HTML's `script`."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


def data(rows: Rows) -> alt.Data:
    """Rows as the data of a chart."""
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]
