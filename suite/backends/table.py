"""The table of the four backends: what each needs, and which modes it can execute."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from ..reference.arithmetic import STORED_AS
from ..reference.errors import no_such

DTYPES = ("float64", "float32", "float64-as-shipped")
DEVICES = ("cpu", "cuda")
MODES = ("eager", "compiled", "compiled-xla", "published")
#: Modes that are only timed: for these the timed stage itself is compared with the reference, at the timed batch.
STAGE_MODES = ("tuned", "exported")
#: Modes with a compiler, which is started before the first cell is timed.
COMPILED_MODES = ("compiled", "compiled-xla", "tuned")
#: `bfloat16` and `tf32` compute in float32 storage whose values are rounded, by hand or by the hardware.
TIMED_DTYPES = ("float32", "bfloat16", "tf32", "float64")
#: Importable packages that a mode needs beside its backend's; the extra that installs them is named like the mode.
MODE_PACKAGES = {"exported": ("onnx", "onnxscript", "onnxruntime")}


@dataclass(frozen=True)
class Backend:
    """A backend: the software that executes a cell.

    Attributes:
        name: the word used everywhere; the extra of this distribution that installs its packages has it too.
        framework: `torch` or `keras`: which file of a notation it runs.
        binding: the class of this folder that drives it, after its module.
        packages: importable packages that it needs.
        modes: the modes that it can execute.
        stage_modes: the modes of `STAGE_MODES` in which it is timed.
        timed_dtypes: the dtypes of `TIMED_DTYPES` in which it is timed.
        dtypes: the dtypes that it is run in. `float64-as-shipped` is float64 without the lift of Keras' table that
            demotes float64 (see `keras.py`); TensorFlow and torch itself have nothing to lift.
        compiles_each: whether it compiles every operation of an eager call, and so takes longest to prove its cells.
    """

    name: str
    framework: str
    binding: str
    packages: tuple[str, ...]
    modes: tuple[str, ...]
    dtypes: tuple[str, ...] = ("float64", "float32")
    stage_modes: tuple[str, ...] = ()
    timed_dtypes: tuple[str, ...] = ("float32", "float64")
    compiles_each: bool = False

    def lacking(self, mode: str = "") -> list[str]:
        """The packages that are not installed here, those of a mode included. Imports nothing."""
        return [name for name in (*self.packages, *MODE_PACKAGES.get(mode, ())) if find_spec(name) is None]

    def remedy(self, mode: str = "") -> str:
        """One line: the missing packages and the command that installs them."""
        extras = f"{self.name},{mode}" if mode in MODE_PACKAGES else self.name
        who = f"{self.name} {mode}" if mode in MODE_PACKAGES else self.name
        return f"{who} needs {', '.join(self.lacking(mode))}: pip install 'elbostone[{extras}]'"


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend(
            "torch",
            "torch",
            "pytorch.TorchBinding",
            ("torch",),
            ("eager", "compiled", "published"),
            stage_modes=STAGE_MODES,
            timed_dtypes=TIMED_DTYPES,
        ),
        Backend(
            "keras-tensorflow",
            "keras",
            "keras_tensorflow.TensorFlowBinding",
            ("keras", "tensorflow"),
            ("eager", "compiled", "compiled-xla", "published"),
            stage_modes=("tuned",),
            timed_dtypes=("float32", "bfloat16", "float64"),
        ),
        Backend(
            "keras-jax",
            "keras",
            "keras_jax.JaxBinding",
            ("keras", "jax"),
            ("eager", "compiled", "published"),
            ("float64", "float32", "float64-as-shipped"),
            stage_modes=("tuned",),
            compiles_each=True,
        ),
        Backend(
            "keras-torch",
            "keras",
            "keras_torch.KerasTorchBinding",
            ("keras", "torch"),
            ("eager", "published"),
            ("float64", "float32", "float64-as-shipped"),
        ),
    )
}


def one_of(what: str, value: str, choices: tuple[str, ...]) -> str:
    """`value` if it is a choice. Raises BadInput: `what`, the choices and the value."""
    if value not in choices:
        raise no_such(what, value, choices)
    return value


#: The backends of other libraries → our backend in whose sessions they are timed.
HOSTS = {"jax": "keras-jax", "tensorflow": "keras-tensorflow"}


def host_of(backend: str) -> str:
    """Our backend that executes a cell's backend: the same, unless the cell is another library's."""
    return HOSTS.get(backend, backend)


def base_dtype(dtype: str) -> str:
    """The NumPy dtype that holds tensors of a dtype: those below float32 are kept in float32."""
    return STORED_AS.get(dtype, precision(dtype))


def precision(dtype: str) -> str:
    """The precision that a dtype's products have: a key of `arithmetic.EPSILON`."""
    return dtype.partition("-")[0]
