"""Work sent to the machines of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ECGError

# Seconds to wait for the scheduler, and for its first worker.
_PATIENCE = 30


@contextmanager
def workers(scheduler: str | None, n_jobs: int) -> Iterator[int | None]:
    """Give the `n_jobs` for work inside the block: here, or all workers of a Dask scheduler.

    Raises
    ------
    ECGError
        If `n_jobs` is wrong, Dask is not installed, no scheduler or worker answers, or workers die
        again and again.
    """
    if n_jobs == 0 or n_jobs < -1:
        raise ECGError(f"--n-jobs must be 1 or more, or -1 for all cores, got {n_jobs}.")
    if scheduler is None:
        yield n_jobs
        return
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ECGError("--scheduler needs Dask; pip install 'ecg-anomaly[dask]'.") from None
    from joblib import parallel_config

    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ECGError(
            f"{scheduler}: no Dask scheduler answers ({error}); start one by `dask scheduler`."
        ) from None
    try:
        with (
            client,
            parallel_config(backend="dask", client=client, wait_for_workers_timeout=_PATIENCE),
        ):
            yield None
    except TimeoutError:
        raise ECGError(
            f"{scheduler}: has no worker; start some by `dask worker {scheduler}`."
        ) from None
    except KilledWorker as error:
        raise ECGError(
            f"{scheduler}: workers died again and again ({error}); give them more memory, and the "
            "same call goes on."
        ) from None
