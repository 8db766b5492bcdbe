"""How does the user's code name the tensors of a traced Keras model? By its variables, and by the layers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras

from ..models.run import Place, Run
from .guard import installed


class Names:
    """Names of values, and layers with their outputs, as they were noted while the model was traced."""

    def __init__(self, file: str):
        self.file = file
        self.variables: list[tuple[str, Any]] = []
        self.layers: list[tuple[Any, Any]] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the returns of the user's functions and of Keras' layers inside the context."""
        before = sys.getprofile()
        sys.setprofile(self._returned)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _returned(self, frame: FrameType, event: str, returned: Any) -> None:
        code = frame.f_code
        if event != "return":
            return
        if code.co_filename == self.file or (code.co_filename.endswith(".py") and not installed(code.co_filename)):
            for name, value in frame.f_locals.items():
                self.variables += value.items() if isinstance(value, dict) else [(name, value)]
            return
        layer = frame.f_locals.get("self") if code.co_name == "__call__" else None
        if isinstance(layer, keras.layers.Layer) and layer.variables and not layer._layers:
            self.layers.append((layer, returned))

    def into(self, run: Run, place_of: Callable[[Any], Place | None], owner: Any) -> None:
        """Put the noted names into a run.

        Args:
            run: the run.
            place_of: a traced value → its place; None if it has none.
            owner: the model.
        """
        named: dict[Place, dict[str, None]] = {}
        for name, value in self.variables:
            place = place_of(value)
            if place is not None and isinstance(name, str) and name.isidentifier():
                named.setdefault(place, {})[name] = None
        run.named(named)
        for layer, made in self.layers:
            place, own = place_of(made), name_of(layer, owner)
            if place is not None and own is not None:
                run.layers[place] = own


def name_of(layer: Any, owner: Any) -> str | None:
    """The name that the user gave a layer, else the attribute that holds it; None if there is neither."""
    if not isinstance(layer, keras.layers.Layer):
        return None
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
    if not re.fullmatch(rf"{plain}(_\d+)?", layer.name) and layer.name.isidentifier():
        return str(layer.name)
    models = owner._flatten_layers() if isinstance(owner, keras.Model) else ()
    held = (name for one in models for name, value in vars(one).items() if value is layer and not name.startswith("_"))
    return next(held, None)
