r"""TeX as plain text, for tables in a terminal: p_{\theta}(\mathbf{x}|\mathbf{z}) is p_θ(x|z)."""

from __future__ import annotations

import re
import unicodedata

_STYLES = "mathbf|boldsymbol|bm|mathrm|mathcal|mathtt|mathsf|mathit|mathbb|text|textbf|operatorname|left|right"
_SIGNS = {
    "sum": "Σ",
    "int": "∫",
    "nabla": "∇",
    "partial": "∂",
    "odot": "⊙",
    "cdot": "·",
    "times": "×",
    "mid": "|",
    "vert": "|",
    "infty": "∞",
    "simeq": "≃",
    "approx": "≈",
    "sim": "~",
    "leq": "≤",
    "geq": "≥",
    "to": "→",
    "prime": "′",
    "ast": "*",
    "star": "*",
    "top": "T",
    "quad": " ",
    "dots": "…",
    "ell": "ℓ",
    "vartheta": "ϑ",
}
_ACCENTS = {"tilde": "\u0303", "widetilde": "\u0303", "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304"}


def plain(tex: str) -> str:
    """TeX without its commands; a symbol without a plain form keeps its command's name."""
    text = tex.replace(r"\,", " ").replace(r"\;", " ").replace(r"\!", "").replace(r"\|", "‖").replace(r"\_", "\0")
    text = re.sub(rf"\\({_STYLES})(?![A-Za-z])", "", text)
    text = re.sub(r"\\(?!d?frac|sqrt)([A-Za-z]+)", _command, text).replace(r"\{", "\1").replace(r"\}", "\2")
    for _ in range(4):  # from the inside out: braces of one letter or word go, those of a fraction with it
        text = re.sub(r"(?<!frac)(?<!\})\{([^{}\s,]*)\}", r"\1", text)
        text = re.sub(r"\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", _fraction, text)
        text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"√(\1)", text)
    text = text.replace("\1", "{").replace("\2", "}")
    text = re.sub(r"([\u0303\u0302\u0304])(\w)", r"\2\1", text)
    return unicodedata.normalize("NFC", " ".join(text.replace("\0", "_").split()))


def _fraction(match: re.Match[str]) -> str:
    return "/".join(part if part.isalnum() else f"({part})" for part in match.groups()) + " "


def _command(match: re.Match[str]) -> str:
    name = match[1]
    if name in _SIGNS:
        return _SIGNS[name]
    if name in _ACCENTS:
        return _ACCENTS[name]
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    letter = name.removeprefix("var").upper().replace("LAMBDA", "LAMDA")
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {letter}")
    except KeyError:
        return name
