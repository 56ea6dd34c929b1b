"""The workers of a Dask cluster."""

import contextlib
from collections.abc import Iterator

from zoo.errors import ZooError
from zoo.sweep.workers import ATTEMPTS, Worker

CONNECT_SECONDS = 5


@contextlib.contextmanager
def cluster(address: str) -> Iterator[list[Worker]]:
    """The workers of a Dask cluster, as many as it has now.

    Dask itself gives a run that lost its worker to another one.

    Args:
        address: of the scheduler, such as tcp://host:8786.

    Raises:
        ZooError: if no scheduler answers, or its workers are none or have several threads.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ZooError("--scheduler: needs Dask: pip install 'gradient-zoo[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ZooError(
            f"--scheduler {address}: no Dask scheduler answers: {reason}; see docs/cluster.md"
        ) from None
    with client:
        threads = list(client.nthreads().values())
        if not threads or any(count != 1 for count in threads):
            has = "none" if not threads else f"some with {max(threads)} threads"
            raise ZooError(
                f"--scheduler {address}: needs workers of one thread each, has {has}: "
                f"dask worker {address} --nworkers auto --nthreads 1"
            )
        executor = client.get_executor(retries=ATTEMPTS - 1, pure=False)
        yield [Worker(lambda: executor) for _ in threads]
