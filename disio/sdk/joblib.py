"""A backend for joblib: ``Parallel`` on machines of one's own.

Rule: what travels is pickled, so only native workers get it, and only when the one who registers it has named the
cluster: whoever may compute for that cluster can run any program here and there.
"""

import concurrent.futures
import functools
import pickle
import sys
from collections.abc import Callable
from typing import Any, Unpack

import cloudpickle  # type: ignore[import-untyped, import-not-found, unused-ignore]
import joblib  # type: ignore[import-untyped, import-not-found, unused-ignore]
from joblib._parallel_backends import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    AutoBatchingMixin,
    ParallelBackendBase,
    SequentialBackend,
)

from disio.sdk.executor import Executor
from disio.sdk.options import Options
from disio.sdk.sync import Client
from disio.sdk.units import WorkUnit
from disio_shared.errors import RefusedError

NAME = "disio"
AHEAD = 2
"""Batches for each worker that are on their way."""
SOURCE = '''\
"""Computes a batch of joblib's."""

import pickle
import sys
import traceback

import cloudpickle


def run(payload, unit):
    version, _, data = payload.partition(b"\\n")
    here = "%d.%d" % sys.version_info[:2]
    if version.decode() != here:
        raise RuntimeError(f"this batch was pickled by Python {version.decode()}, and this worker has Python {here}")
    batch = pickle.loads(data)
    try:
        ending = True, batch(), ""
    except Exception as error:
        ending = False, error, traceback.format_exc()
    try:
        return cloudpickle.dumps(ending)
    except Exception as error:
        text = f"{type(error).__name__}: {error}\\n{ending[2]}"
        return pickle.dumps((False, RuntimeError(f"what the batch gave cannot be pickled: {text}"), ending[2]))
'''


class NotTrusted(RefusedError):
    """The cluster is not the one that was named."""

    code = "not-trusted"


def register(client: Client, trust: str, name: str = NAME, **options: Unpack[Options]) -> None:
    """Have ``joblib.parallel_config(name)`` compute on a cluster.

    Args:
        client: Connected to it.
        trust: Its id (``disio doctor`` tells it): you trust all who may compute for it with this machine.
        name: Of the backend.
        options: Fields of the policy of its tasks.

    Raises:
        NotTrusted: The client is connected to another cluster.
    """
    if client.cluster != trust:
        raise NotTrusted(
            f"the manager at {client.url} is of the cluster {client.cluster}, not of {trust!r}: results are unpickled "
            "here, so name the cluster that you trust"
        )
    joblib.register_parallel_backend(name, functools.partial(DisioBackend, client, options))


class DisioBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc, unused-ignore]
    """What joblib asks to compute batches; made by it.

    Args:
        client: Connected to the cluster.
        options: Fields of the policy of its tasks.
        how: What joblib says of nesting and threads.
    """

    supports_retrieve_callback = True
    uses_threads = False
    supports_sharedmem = False

    def __init__(self, client: Client, options: Options, **how: Any) -> None:
        super().__init__(**how)
        self._client, self._options = client, options
        self._unit = WorkUnit.from_source(SOURCE, "python", "joblib", runtime="native", options=options)
        self._executor: Executor | None = None
        self._jobs = 1

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many batches are computed at a time; negative numbers count down from the cluster's slots.

        Raises:
            ValueError: It is 0.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        return n_jobs if n_jobs > 0 else max(1, self._client.slots() + 1 + n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **how: Any) -> int:
        """Get ready for one ``Parallel``; return how many batches are computed at a time."""
        self.parallel = parallel
        self._jobs = self.effective_n_jobs(n_jobs)
        self._open()
        return self._jobs

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> "concurrent.futures.Future[Any]":
        """Have a batch computed.

        Raises:
            BadArgument: It is too large.
        """
        assert self._executor is not None, "configure it first"
        data = b"%d.%d\n" % sys.version_info[:2] + cloudpickle.dumps(func)
        future = self._executor.submit_unit(self._unit, data)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: "concurrent.futures.Future[bytes]") -> Any:
        """Return what a batch gave, or raise what it raised."""
        is_fine, value, trace = pickle.loads(out.result())
        if is_fine:
            return value
        value.add_note(f"Where it was raised:\n{trace}")
        raise value

    def terminate(self) -> None:
        """Take no more batches; those that are computed come to their end by themselves."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End all batches."""
        if self._executor is not None:
            self._executor.abort()
            self._executor = None
        if ensure_ready:
            self._open()

    def get_nested_backend(self) -> Any:
        """Return what computes a ``Parallel`` inside of a batch."""
        return SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def _open(self) -> None:
        if self._executor is None:
            options: Options = {"max_failures": 1, **self._options}
            self._executor = self._client.executor(
                max_workers=AHEAD * self._jobs, runtime="native", name="joblib", **options
            )
