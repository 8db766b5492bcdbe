"""notation.toml: those of the suite are valid, and whatever is wrong with one is named in one line."""

import shutil
import tomllib
from pathlib import Path

import pytest

from elbostone.notations import registry
from elbostone.notations.reader import load_notation, parse_notation
from elbostone.notations.registry import choose, notations
from elbostone.notations.schema import FRAMEWORKS
from elbostone.notations.weight_maps import weight_maps
from elbostone.reference.errors import BadInput
from elbostone.reference.spec import Spec
from elbostone.reference.weights import weight_shapes

IDS = ("keras_io", "kingma_welling_2013", "kingma_welling_2019", "pytorch_examples")
SPECS = [
    Spec("mlp", "bernoulli", "standard", "tanh", (5,), 6, 2),
    Spec("mlp", "bernoulli", "standard", "relu", (5,), 6, 2),
    Spec("mlp", "gaussian", "standard", "tanh", (5,), 6, 2),
    Spec("mlp", "gaussian-fixed", "learned", "softplus", (5, 4, 3), 6, 2, variance=0.5),
    Spec("conv", "bernoulli", "standard", "relu", (5,), 64, 2, image_shape=(1, 8, 8), channels=(3, 4)),
    Spec("mlp", "bernoulli", "standard", "tanh", (5,), 6, 2, posterior="full"),
]


@pytest.mark.parametrize("name", IDS)
def test_the_suite_has_this_notation(name: str) -> None:
    notation = notations()[name]
    assert notation.source.title
    printed = {s.code for s in notation.symbols if s.kind == "distribution"}
    assert {claim.distribution for claim in notation.claims} == printed, "every printed distribution has its claim"


def test_all_four_meet_on_bernoulli_problems_of_one_hidden_layer() -> None:
    for spec in SPECS[:2]:
        assert [name for name in IDS if notations()[name].unsupported(spec) is None] == list(IDS)


def test_adapted_is_what_leaves_the_architecture_of_the_source() -> None:
    tanh, relu = SPECS[:2]
    adapted = {name: (notations()[name].adapted(tanh), notations()[name].adapted(relu)) for name in IDS}
    assert adapted["kingma_welling_2013"] == (False, True)
    assert adapted["pytorch_examples"] == (True, False)
    assert adapted["keras_io"] == (True, True)  # it is a convolutional network
    assert adapted["kingma_welling_2019"] == (False, False)  # it leaves its networks open


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.network}-{s.likelihood}-{s.activation}-{s.posterior}")
def test_every_supported_spec_has_a_map_for_every_weight(framework: str, spec: Spec) -> None:
    supporting = [n for n in notations().values() if n.unsupported(spec) is None]
    assert supporting
    for notation in supporting:
        maps = weight_maps(notation, framework, spec)
        assert list(maps) == list(weight_shapes(spec))
        assert len({m.path for m in maps.values()}) == len(maps), "two weights share a place"


def test_an_unknown_notation_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"notation 'nobody_2020': expected one of .*kingma_welling_2013"):
        choose(["nobody_2020"])


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("notation.toml", "torch_vae.py"):
        shutil.copy(notations()["prince_2023"].path.with_name(file), tmp_path)
    monkeypatch.setattr(registry, "packages", lambda: {"half_2000": "half"})
    monkeypatch.setattr(registry, "notation_folder", lambda package: tmp_path)
    with pytest.raises(BadInput, match=r"expected a file keras_vae\.py beside notation\.toml; found none"):
        registry.notations.__wrapped__()


TEXT = next(n.path for n in notations().values() if n.id == "pytorch_examples").read_text(encoding="utf-8")

WRONG = {
    "unknown role": (
        'role = "kl"',
        'role = "divergence"',
        "symbols.'KLD'.role: expected one of .*; found 'divergence'",
    ),
    "unknown field": (
        'role = "kl"',
        'role = "kl", kind = "term"',
        "symbols.'KLD': unknown field 'kind'; expected one of",
    ),
    "missing field": ('role = "kl", ', "", "symbols.'KLD': the field 'role' is missing; expected one of"),
    "no table": ("loss_function = {", 'x_hat = "p"\nloss_function = {', "symbols.'x_hat': expected a table; found 'p'"),
    "unknown field of a table": ("[objective]\n", '[objective]\ncolour = "red"\n', "objective: unknown field 'colour'"),
    "unknown table": ("[objective]\n", "[extra]\na = 1\n\n[objective]\n", "unknown field 'extra'; expected one of"),
    "unknown sense": (
        '"minimised"',
        '"smaller"',
        "objective.sense: expected one of maximised, minimised; found 'smaller'",
    ),
    "unknown scale": (
        '"log_variance"',
        '"logvar"',
        "symbols.'logvar'.scale: expected one of log_variance.*found 'logvar'",
    ),
    "scale of no scale": (
        '{ role = "kl"',
        '{ scale = "sd", role = "kl"',
        "'KLD'.scale: expected none, by the role 'kl'",
    ),
    "a scale without its kind": (
        ', scale = "log_variance"',
        "",
        "symbols.'logvar'.scale: expected one of .*found None",
    ),
    "sign of two": ("sign = -1", "sign = -2", "symbols.'BCE'.sign: expected 1 or -1; found -2"),
    "number for text": ('class = "VAE"', "class = 3", "model.class: expected text; found 3"),
    "text for number": ("depth = 1", 'depth = "one"', "supports.depth: expected a whole number; found 'one'"),
    "unknown word": (
        '["tanh", "relu"]',
        '["tanh", "gelu"]',
        "supports.activation: expected a list of .*; found 'gelu'",
    ),
    "unknown argument": ('"latent_dim"', '"latent"', "model.arguments.latent: expected .*latent_dim.*; found 'latent'"),
    "bad axes": ('axes = "batch data"', 'axes = "batch, data"', "symbols.'x'.axes: expected axes by name"),
    "a condition's word": (
        'eps = { role = "noise"',
        'eps = { when = "often", role = "noise"',
        "'eps'.when: expected words",
    ),
    "a KL that is weighed by nothing": (
        "[objective]\n",
        "[objective]\nbeta = 0\n",
        "objective.beta: expected a positive",
    ),
    "bad configuration": ('activation = "relu"', 'activation = "gelu"', "activation: expected one of tanh, relu"),
    "a row without a place": (
        'layer = "fc3", ',
        "",
        "weights.'decoder.hidden.0': expected one of layer, at, or torch with",
    ),
    "a row with two places": (
        'layer = "fc3"',
        'layer = "fc3", at = "fc3"',
        "'decoder.hidden.0': expected one of layer, at",
    ),
    "axes of a layer": (
        'layer = "fc3"',
        'layer = "fc3", axes = "out in"',
        "'decoder.hidden.0'.axes: expected none without",
    ),
    "TeX of a row that prints no symbol": ('fc3", eq = "decode"', 'fc3", tex = "a"', "tex: expected none without `eq`"),
    "flip of no axis": ('layer = "fc3"', 'layer = "fc3", flip = ["height"]', "flip: expected axes out of 'out in'"),
    "wrong decoder role": ('role = "decoder_logits"', 'role = "decoder_mean"', "expected a role out of decoder_logits"),
    "a Greek key without quotes": ("[symbols]\n", "[symbols]\nθ = 1\n", "expected TOML; found .*needs quotes"),
    "no TOML": ("[source]", "[source", "expected TOML; found"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_field_is_named(tmp_path: Path, wrong: str) -> None:
    old, new, message = WRONG[wrong]
    assert old in TEXT, f"pytorch_examples has no {old!r} any more"
    path = tmp_path / "notation.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=message) as caught:
        load_notation(path, "planted")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", ["source", "model", "supports", "methods", "objective", "symbols", "weights"])
def test_a_missing_table_is_named(table: str) -> None:
    document = tomllib.loads(TEXT)
    del document[table]
    with pytest.raises(BadInput, match=f"notation.toml: the field '{table}' is missing; expected a table"):
        parse_notation(document, Path("notation.toml"), "planted")


@pytest.mark.parametrize("name", list(notations()))
def test_no_line_is_longer_than_120_columns(name: str) -> None:
    lines = notations()[name].path.read_text(encoding="utf-8").splitlines()
    assert not [f"{number}: {line}" for number, line in enumerate(lines, start=1) if len(line) > 120]
