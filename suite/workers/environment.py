"""The whole environment of a worker, compile caches included, in which no variable of the user's has an effect."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from .jobs import Job
from .scratch import own_folder

# A worker gets these and what `worker_environment` adds; a KERAS_BACKEND or XLA_FLAGS of the user's has no effect.
ALLOWED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CXX", "CC")

#: The variables that limit the threads of one operation, in several libraries.
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def worker_environment(job: Job, scratch: Path) -> dict[str, str]:
    """The whole environment of a worker, which has an empty folder `scratch` for configuration."""
    caches = Path(job.caches or scratch)
    environment = {name: os.environ[name] for name in ALLOWED if name in os.environ} | _imported_from()
    if job.threads is not None:
        environment |= dict.fromkeys(THREAD_LIMITS, str(job.threads))
    environment |= {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_HOME": str(scratch / "keras"),
        "TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"),
        "TRITON_CACHE_DIR": str(caches / "triton"),
        # Inductor would compile and run a test program for each vector extension, seconds at every cold start; it asks
        # the processor either way, and takes the same ones.
        "TORCHINDUCTOR_VEC_ISA_OK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    }
    if not job.tf32:
        # On a GPU, float32 must not be computed in TF32, which is a dtype of its own.
        environment["NVIDIA_TF32_OVERRIDE"] = "0"
    if job.backend is not None and job.backend.startswith("keras-"):
        environment["KERAS_BACKEND"] = job.backend.removeprefix("keras-")
    if job.backend == "keras-jax":
        environment["JAX_ENABLE_X64"] = "1" if job.x64 else "0"
        environment["JAX_PLATFORMS"] = "cpu" if job.device == "cpu" else "cuda,cpu"
    if job.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    environment |= kept_by_jax(Path(job.caches) if job.caches else compile_cache())
    return {**environment, **job.environment}


def _imported_from() -> dict[str, str]:
    """Variables by which a worker, and every Python that it starts, imports installed packages and those of PYTHONPATH.

    `python -m` and `python -c` alone would put the current folder in front of both, and so does an empty entry of
    PYTHONPATH. Its relative entries are made absolute, since a worker runs in a folder of its own.
    """
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    path = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, entries))} if entries else {}
    return {"PYTHONSAFEPATH": "1", **path}


@cache
def compile_cache() -> Path:
    """The folder in which the workers of this process share what JAX compiled; it goes when this process ends.

    Several workers may write at once: JAX takes an entry that is only half written for none (its checksum is wrong),
    and compiles again.
    """
    return Path(tempfile.mkdtemp(dir=own_folder(), prefix="compiled-"))


def kept_by_jax(folder: Path) -> dict[str, str]:
    """Settings by which JAX keeps every compilation in a folder; by default it keeps those of more than a second.

    An eager call compiles each of its operations, which is what a process then spends most of its time on.
    """
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
