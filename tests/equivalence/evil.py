"""Implementations that harm the process they run in, or return what is no result: a notation with lines added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from equivalence.planted import PACKAGE, copy

from elbostone.equality.records import Task

NOTATION = "pytorch_examples"
#: Added to a copy: what is evil happens when the file is imported, or when `quantities` is called, to what it returns.
ADDED = """

{imported}

_quantities = VAE.quantities


def _evil(self, x, eps, **options):
    out = _quantities(self, x, eps, **options)
{called}
    return out


VAE.quantities = _evil
"""


@dataclass(frozen=True)
class Evil:
    """Lines of Python.

    Attributes:
        name: of the copy.
        imported: lines that run when the file is imported.
        called: lines that run in `quantities`, which may change `out`.
    """

    name: str
    imported: str = ""
    called: str = ""

    def task(self, good: Task, root: Path) -> Task:
        """The cell of this implementation in place of a good one's; its file is written below `root`."""
        name = f"evil_{self.name}"
        toml = copy(name, NOTATION, root)
        body = "\n".join(f"    {line}" for line in self.called.splitlines())
        for framework in ("torch", "keras"):
            with toml.with_name(f"{framework}_vae.py").open("a", encoding="utf-8") as file:
                file.write(ADDED.format(imported=self.imported, called=body))
        cell = type(good.cell)(**{**good.cell.as_json(), "notation": name})
        return Task(cell, good.problem_file, f"{PACKAGE}.{name}", str(toml), gradients=good.gradients)


#: What the next implementation would find, whatever the framework.
LEAKS = (
    Evil("current_folder", called="import os; os.chdir('/')"),
    Evil("environment", "import os; os.environ['OMP_NUM_THREADS'] = '7'"),
    Evil("search_path", "import sys; sys.path.insert(0, '/nowhere')"),
    Evil("affinity", called="import os; os.sched_setaffinity(0, range(os.cpu_count()))"),
    Evil("alarm", called="import signal; signal.alarm(3000)"),
    Evil("handler", called="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
    Evil("numpy_errors", "import numpy; numpy.seterr(all='raise')"),
    Evil("numpy_patched", "import numpy; numpy.exp = numpy.log"),
    Evil("numpy_array", "import numpy; numpy.asarray = lambda *a, **k: 0"),
    Evil("builtin", "import builtins; builtins.sum = lambda *a, **k: 0"),
    Evil("math_patched", "import math; math.log = lambda x, *b: 0.0"),
    Evil("recursion", "import sys; sys.setrecursionlimit(5000)"),
    Evil("trace", "import sys; sys.setprofile(lambda *a: None)"),
    Evil("output", "import io, sys; sys.stderr = io.StringIO()"),
    Evil("module_replaced", "import sys, types; sys.modules['math'] = types.ModuleType('math')"),
    Evil("module_planted", "import sys, types; sys.modules['fractions'] = types.ModuleType('fractions')"),
    Evil(
        "thread",
        called="import threading, time, os\n"
        "threading.Thread(target=lambda: (time.sleep(30), os._exit(3)), daemon=True).start()",
    ),
    Evil("child", called="import subprocess; subprocess.Popen(['sleep', '312'])"),
    Evil("binding", "import elbostone.workers.evaluation as e; e.evaluate = None"),
)
ON_TORCH = (
    Evil("grad_mode", "import torch; torch.set_grad_enabled(False)"),
    Evil("inference_mode", "import torch; _kept = torch.inference_mode(); _kept.__enter__()"),
    Evil("threads", "import torch; torch.set_num_threads(3)"),
    Evil("default_device", "import torch; torch.set_default_device('meta')"),
    Evil("default_dtype", "import torch; torch.set_default_dtype(torch.bfloat16)"),
    Evil("autocast", "import torch; _kept = torch.autocast('cpu', torch.bfloat16); _kept.__enter__()"),
    Evil(
        "global_hook",
        "import torch\ntorch.nn.modules.module.register_module_forward_hook(lambda m, i, o: o * 2)",
    ),
    Evil("patched_exp", "import torch; torch.exp = torch.log"),
    Evil("patched_loss", "import torch.nn.functional as G; G.binary_cross_entropy_with_logits = G.mse_loss"),
    Evil("patched_layer", "import torch; torch.nn.Linear.forward = lambda self, x: x @ self.weight.T"),
    Evil("patched_method", "import torch; torch.Tensor.sum = torch.Tensor.mean"),
    Evil("patched_c_method", "import torch; torch.Tensor.exp = torch.Tensor.log"),
    Evil("added_method", "import torch; torch.nn.Linear.__call__ = lambda self, x: x @ self.weight.T"),
    Evil("flush_denormal", "import torch; torch.set_flush_denormal(True)"),
    Evil("function_mode", "import torch\n_kept = torch.overrides.BaseTorchFunctionMode(); _kept.__enter__()"),
    Evil("deterministic", "import torch; torch.use_deterministic_algorithms(True)"),
    Evil("onednn", "import torch; torch.backends.mkldnn.enabled = False"),
)
ON_KERAS = (
    Evil("keras_epsilon", "import keras; keras.config.set_epsilon(0.5)"),
    Evil("keras_layout", "import keras; keras.config.set_image_data_format('channels_first')"),
    Evil("keras_patched", "import keras; keras.ops.exp = keras.ops.log"),
    Evil("keras_layer", "import keras; keras.layers.Dense.call = lambda self, x, training=None: x @ self.kernel"),
    Evil("keras_activation", "import keras; keras.activations.sigmoid = keras.activations.tanh"),
    Evil("keras_scope", "import keras; _kept = keras.name_scope('left'); _kept.__enter__()"),
)
ON_JAX = (
    Evil("jax_x64", "import jax; jax.config.update('jax_enable_x64', False)"),
    Evil("jax_precision", "import jax; jax.config.update('jax_default_matmul_precision', 'bfloat16')"),
    Evil("jax_disable_jit", "import jax; jax.config.update('jax_disable_jit', True)"),
    Evil("jax_patched", "import jax.numpy; jax.numpy.exp = jax.numpy.log"),
    Evil("jax_nans", "import jax; jax.config.update('jax_debug_nans', True)"),
)
ON_TENSORFLOW = (
    Evil("tf_eager", "import tensorflow as tf; tf.config.run_functions_eagerly(True)"),
    Evil("tf_patched", "import tensorflow as tf; tf.exp = tf.math.log"),
    Evil("tf_nn_patched", "import tensorflow as tf; tf.nn.relu = tf.nn.tanh"),
    Evil("tf_device", "import tensorflow as tf; _kept = tf.device('CPU:0'); _kept.__enter__()"),
    Evil("tf_checked", "import tensorflow as tf; tf.debugging.enable_check_numerics()"),
    Evil("tf_tf32", "import tensorflow as tf; tf.config.experimental.enable_tensor_float_32_execution(False)"),
)
OF_BACKEND = {
    "torch": ON_TORCH,
    "keras-torch": (*ON_TORCH, *ON_KERAS),
    "keras-jax": (*ON_KERAS, *ON_JAX),
    "keras-tensorflow": (*ON_KERAS, *ON_TENSORFLOW),
}


def leaks(backend: str) -> list[Evil]:
    """All that are possible on a backend."""
    return [*LEAKS, *OF_BACKEND[backend]]


FLOATS = "expected real floating-point numbers"
#: What is no result, and a part of what is said of it; frameworks have their own words for some.
OUTPUTS = (
    (Evil("complex", called="out['KLD'] = out['KLD'] + 0j"), f"KLD: {FLOATS}|complex"),
    (Evil("truth_values", called="out['mu'] = out['mu'] > 0"), f"mu: {FLOATS}"),
    (Evil("integers", called="import numpy; out['mu'] = numpy.zeros((3, 4), int)"), f"mu: {FLOATS}|ndarray"),
    (Evil("texts", called="import numpy; out['mu'] = numpy.full((3, 4), 'mu')"), f"mu: {FLOATS}|ndarray"),
    (Evil("objects", called="import numpy; out['mu'] = numpy.full((3, 4), None)"), f"mu: {FLOATS}|ndarray"),
    (Evil("text", called="out['mu'] = 'mu'"), "mu|str"),
    (Evil("nothing", called="out['mu'] = None"), "mu|None"),
    (Evil("unused_nan", called="out['unused'] = out['mu'] * float('nan')"), "unused: NaN"),
    (Evil("one_axis_more", called="out['KLD'] = out['KLD'][:, None]"), "KLD: expected the axes batch; found shape"),
    (
        Evil("same_rows", called="out['KLD'] = out['KLD'][None] + 0 * out['KLD'][:, None]"),
        "KLD: expected the axes batch",
    ),
    (Evil("scalar", called="out['KLD'] = out['KLD'][0]"), "KLD: expected the axes batch"),
    (Evil("input", called="out['recon_x'] = x"), "recon_x: expected a tensor of its own; found a view of x"),
    (Evil("noise", called="out['z'] = eps"), "z: expected a tensor of its own; found a view of the noise"),
    (
        Evil("loss_of_each", "VAE.objective = lambda self, x, eps: self.quantities(x, eps)['loss']"),
        "objective: expected",
    ),
    (Evil("list", called="out = [out]"), ""),
)

#: What harms the parent, or the cells after it, by other means than the state of the process.
HARMS = (
    Evil("fork", called="import os; os.fork()"),
    Evil("fork_and_stay", "import os, time\nif os.fork() == 0: time.sleep(600)"),
    Evil("reason_with_markup", called="raise ValueError('[/b] \\x1b[31m \\ud800 \\u202e x')"),
    Evil("long_reason", called="raise ValueError('x' * 10**7)"),
    Evil("reason_raises", "class Worse(Exception):\n    def __str__(self): raise self", "raise Worse"),
    Evil("exit", called="import sys; sys.exit(0)"),
    Evil("os_exit", called="import os; os._exit(0)"),
    Evil("much_output", called="import os; [os.write(2, b'x' * 65536) for _ in range(1000)]; os._exit(3)"),
    Evil("process", called="import os, subprocess; subprocess.Popen(['sleep', '3121']); os._exit(3)"),
    Evil("segfault", called="import ctypes; ctypes.string_at(0)"),
    Evil("abort", called="import os; os.abort()"),
    Evil("kill", called="import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    Evil("closed_files", called="import os; os.closerange(0, 4096)"),
    Evil("interrupt", called="raise KeyboardInterrupt"),
    Evil("endless_recursion", called="deeper = lambda: deeper(); deeper()"),
    Evil("no_memory", called="raise MemoryError"),
    Evil("no_record", called="open('records.jsonl', 'a').write('[1, 2]\\n')"),
    Evil("endless_record", called="open('records.jsonl', 'a').write('x' * 70_000_000)"),
)
#: What the record of each says, as a pattern; `ok` where there is one.
SAID = {
    "fork": "ok",
    "fork_and_stay": "ok",
    "reason_with_markup": r"ValueError: \[/b\] \\x1b\[31m \\ud800 \\u202e x",
    "long_reason": r"ValueError: x{400,}…",
    "reason_raises": "Worse, whose text cannot be had",
    "exit": "the worker ended with exit code 0",
    "os_exit": "the worker ended with exit code 0",
    "much_output": "the worker ended with exit code 3",
    "process": "the worker ended with exit code 3",
    "segfault": "the worker ended with signal SIGSEGV",
    "abort": "the worker ended with signal SIGABRT",
    "kill": "the worker ended with signal SIGKILL",
    "closed_files": "ok",
    "interrupt": "the worker ended with (signal SIGINT|exit code 1)",  # as Python ends, or a framework at its exit
    "endless_recursion": "RecursionError: maximum recursion depth exceeded",
    "no_memory": "MemoryError",
    "no_record": "the worker wrote what is no record: expected an object; found list",
    "endless_record": "the worker wrote what is no record: a line of more than",
}
