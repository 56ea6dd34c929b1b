"""The workers of a Dask cluster."""

import asyncio
import contextlib
from collections.abc import Iterator

from zoo.errors import Place, ZooError, mistake
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
        asyncio.run(_expect_scheduler(address))
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # of what something else than Dask answered, whatever it may be
        reason = str(error).split("\n")[0] or type(error).__name__
        place = Place(f"--scheduler {address}")
        text = f"{reason}; see docs/cluster.md"
        raise ZooError(mistake(place, "no Dask scheduler answers", text)) from None
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


async def _expect_scheduler(address: str) -> None:
    """Asks what answers at an address: Dask's own client waits for the answer without limit."""
    from distributed.comm import connect
    from distributed.core import send_recv
    from distributed.security import Security

    async def kind() -> str:
        secured = Security().get_connection_args("client")
        comm = await connect(address, timeout=CONNECT_SECONDS, **secured)
        try:
            identity = await send_recv(comm, op="identity")
            return str(identity["type"])
        finally:
            comm.abort()

    try:
        answer = await asyncio.wait_for(kind(), CONNECT_SECONDS + 1)
    except TimeoutError:
        raise ZooError(f"nothing is said in {CONNECT_SECONDS} s") from None
    except MemoryError:  # another protocol's first bytes, taken for the size of what follows
        raise ZooError("what answers is not Dask") from None
    if answer != "Scheduler":
        raise ZooError(f"what answers is Dask's {answer}")
