"""How is a Keras model on torch run? As a model of torch, after its layers are built."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch

from ..dictionary.formula import Array
from ..models.run import Run, Setting
from .keras_built import OfKeras, resized
from .keras_names import name_of
from .torch_model import TorchRunner


class KerasTorchRunner(OfKeras, TorchRunner):
    """Runs a Keras model on torch; `subject` is the user's model and the call of its loss."""

    resizes = True

    def run_once(self, x: Array, setting: Setting) -> Run:
        """Run the model once, from its first variables, including those of random seeds."""
        return TorchRunner.run(self, x, setting)

    def _name_of(self, layer: Any, owner: Any) -> str | None:
        return name_of(layer, owner) or super()._name_of(layer, owner)

    def _recorded(self, x: Array, setting: Setting, *, leaves: bool) -> Any:
        subject = self.subject.rebuilt(setting.rebuilt) if setting.rebuilt else self.subject
        with subject.at(setting.parameters, setting.training):
            self.build(subject, torch.tensor(x), setting.training)
        with resized(subject.owner, setting.resized) if setting.resized else nullcontext():
            return super()._recorded(x, setting, leaves=leaves)

    def _restore(self, owner: Any) -> None:
        """Restore the values that the variables had when the model was built."""
        key = str(id(owner))
        variables = getattr(owner, "variables", ())
        if key not in self._kept:
            self._kept[key] = {str(id(one)): one.value.detach().clone() for one in variables}
        with torch.no_grad():
            for one in variables:
                kept = self._kept[key].get(str(id(one)))
                if kept is not None and tuple(kept.shape) == tuple(one.shape):
                    one.assign(kept)
