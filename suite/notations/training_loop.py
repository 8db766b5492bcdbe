"""The lines that train a notation's model on scikit-learn's digits, written in the notation's own names."""

from __future__ import annotations

from typing import Any

from ..reference.parsing import CHOICES
from ..reference.spec import Spec
from ..reference.weights import drawn_shapes
from .models import model_of
from .notation import Notation
from .overview import REDUCED
from .weight_maps import weight_maps

DIGITS, SIDE = 1797, 8
"""scikit-learn's digits, and the height and width of one."""
BATCH, EPOCHS = 100, 10
#: Where every datum has a posterior of its own, a batch is all data in their order, and an epoch is one step.
STEPS_OF_ALL = 200
STEP_SIZE = 0.003
WIDTH = 100


def digits_spec(notation: Notation) -> Spec:
    """The model of the digits, 64-32-8, that a notation defines: its source's own words, or the first that it lists.

    A Bernoulli likelihood is taken where the notation has one, of a pixel that is on or off.
    """
    own, words = notation.source_configuration, notation.supports.words
    chosen: dict[str, Any] = {name: own.get(name, words[name][0]) for name in CHOICES}
    if "bernoulli" in words["likelihood"]:
        chosen["likelihood"] = "bernoulli"
    chosen |= {"beta": "one", "latents": "none" if "none" in words["latents"] else "layers"}
    sizes = {
        "hidden": (32,) * len(own.get("hidden", (32,))),
        "data_dim": SIDE * SIDE,
        "latent_dim": 8,
        "variance": (notation.supports.variances or (0.1,))[0],
        "image_shape": (1, SIDE, SIDE),
        "channels": (8, 16),
        "components": 20,
        "latents": (8,),
        "data_count": DIGITS,
    }
    return model_of(chosen, sizes)


def training_loop(notation: Notation, framework: str) -> str:
    """`if __name__ == "__main__":` and the lines that train a model and print its objective.

    Args:
        notation: the notation whose names are used.
        framework: `torch`, whose loop is written out, or `keras`, whose `fit` has one.
    """
    spec = digits_spec(notation)
    lines = ["from sklearn.datasets import load_digits", ""]
    lines += _torch(notation, spec) if framework == "torch" else _keras(notation, spec)
    return "".join(f"    {line}".rstrip() + "\n" for line in lines).join(['if __name__ == "__main__":\n', ""])


def _torch(notation: Notation, spec: Spec) -> list[str]:
    names = {
        symbol.role: symbol.code for symbol in notation.symbols if symbol.role in ("data", "noise", "weight_noise")
    }
    x, noise, objective = names["data"], names["noise"], notation.objective
    one_by_one = "sample" not in notation.noise_axes
    arguments = [x, noise]
    _, width = _latent(notation, spec)
    draws = [f"{noise} = torch.randn({'' if one_by_one else '1, '}len({x}), {width})"]
    shapes = []
    if drawn := _drawn(notation, spec):
        arguments.append(names["weight_noise"])
        shapes = ["shapes = {", *(f'    "{letter}": model.{path}.shape,' for letter, path in drawn.items()), "}"]
        draws.append(f"{names['weight_noise']} = {{name: torch.randn(1, *shape) for name, shape in shapes.items()}}")
    if objective.data == "N/M":
        count = next(symbol.code for symbol in notation.symbols if symbol.role == "data_count")
        arguments.append(f"{count}=len(images)")
    said = f"{REDUCED[objective.data]} over a batch, {objective.sense}"
    said = f'f"epoch {{epoch}}: {objective.code}, {said}: {{sum(found) / len(found):.3f}}'
    # Each epoch sees every image once: the sums of its batches add up to one over all images.
    all_batches = {"sum": "", "N/M": " / len(found)"}
    printed = [f'print({said} nats an image")']
    if objective.data in all_batches:
        an_image = f"{{sum(found){all_batches[objective.data]} / len(images):.2f}}"
        printed = ["print(", f'    {said};"', f'    f" {an_image} nats an image"', ")"]
    maximised = ", maximize=True" if objective.sense == "maximised" else ""
    if spec.posterior == "free":
        epochs, batches = STEPS_OF_ALL, f"for {x} in [images]:  # every datum has a posterior of its own"
    else:
        epochs, batches = EPOCHS, f"for {x} in images[torch.randperm(len(images))].split({BATCH}):"
    return [
        "torch.manual_seed(0)",
        _own_data(spec),
        f"images = torch.tensor({_images(spec)}, dtype=torch.float32){_as_images(notation, spec, 'torch')}",
        *_model(notation, spec),
        *shapes,
        f"optimizer = torch.optim.Adam(model.parameters(), lr={STEP_SIZE}{maximised})",
        f"for epoch in range(1, {epochs + 1}):",
        "    found = []",
        f"    {batches}",
        *(f"        {draw}" for draw in draws),
        f"        objective = model.{objective.method}({', '.join(arguments)})  # {objective.sense}",
        "        optimizer.zero_grad()",
        "        objective.backward()",
        "        optimizer.step()",
        "        found.append(objective.item())",
        *(f"    {line}" for line in printed),
    ]


def _keras(notation: Notation, spec: Spec) -> list[str]:
    fit = f"batch_size={BATCH}, epochs={EPOCHS}"
    if spec.posterior == "free":
        fit = f"batch_size=len(images), shuffle=False, epochs={STEPS_OF_ALL}"
    return [
        "keras.utils.set_random_seed(0)",
        _own_data(spec),
        f'images = ({_images(spec)}).astype("float32"){_as_images(notation, spec, "keras")}',
        *_model(notation, spec),
        f"model.compile(optimizer=keras.optimizers.Adam({STEP_SIZE}))",
        f"model.fit(images, {fit}, verbose=2)",
    ]


def _images(spec: Spec) -> str:
    return "load_digits().data >= 8" if spec.likelihood == "bernoulli" else "load_digits().data / 16"


def _as_images(notation: Notation, spec: Spec, framework: str) -> str:
    """`.reshape(...)` where the model takes images."""
    if spec.network != "conv":
        return ""
    sizes = {"batch": -1, "channel": 1, "height": SIDE, "width": SIDE}
    return f".reshape({', '.join(str(sizes[axis]) for axis in notation.layout[framework])})"


def _own_data(spec: Spec) -> str:
    """The required form of other data, as a comment."""
    pixels = "0 or 1" if spec.likelihood == "bernoulli" else "from 0 to 1"
    shape = "shaped as here" if spec.network == "conv" else "a row an image"
    return f"# Data of your own: float32, {shape}, pixels {pixels}."


def _latent(notation: Notation, spec: Spec) -> tuple[str | None, str]:
    """The model's argument that has the size of z or those of its layers, if any has, and the size as an expression."""
    arguments = {attribute: name for name, attribute in notation.arguments.items()}
    if name := arguments.get("latent_dim"):
        return name, name
    if name := arguments.get("latents"):
        return name, f"sum({name})"
    return None, str(spec.latent_dim)


def _model(notation: Notation, spec: Spec) -> list[str]:
    """The size of z, and the call of the model's class; one argument a line where it is long."""
    values = {n: _literal(value) for n, value in notation.model_arguments(spec).items() if value is not None}
    latent, _ = _latent(notation, spec)
    size = []
    if latent:
        size = [f"{latent} = {values[latent]}"]
        values[latent] = latent
    for name, attribute in notation.arguments.items():
        if attribute == "data_dim" and name in values and spec.network != "conv":
            values[name] = "images.shape[1]"
        if attribute == "data_count" and name in values:
            values[name] = "len(images)"
    given = [f"{name}={value}" for name, value in values.items()]
    call = f"model = {notation.model_class}({', '.join(given)})"
    if len(call) <= WIDTH:
        return [*size, call]
    return [*size, f"model = {notation.model_class}(", *(f"    {argument}," for argument in given), ")"]


def _drawn(notation: Notation, spec: Spec) -> dict[str, str]:
    """The decoder weights that noise is drawn for: the notation's name → path in torch; none where all are points."""
    maps = weight_maps(notation, "torch", spec)
    paths = (maps[f"{name}.mean"].path for name in drawn_shapes(spec))
    return {path.rpartition(".")[2]: path for path in paths}


def _literal(value: object) -> str:
    """A value as Python source, with double quotes."""
    return repr(value).replace("'", '"')
