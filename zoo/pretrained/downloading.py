"""What an address has, by HTTP: the bytes, or within half a minute why there are none.

No time limit of a socket bounds a download: names are looked up without one, and whoever sends a
byte now and then is never late. So another thread receives, and whoever waits for it has patience,
which bytes give back.
"""

import contextlib
import datetime
import email.utils
import queue
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NewConnectionError

import zoo
from zoo.errors import Place, ZooError, mistake
from zoo.pretrained.places import without_password

PATIENCE = 15.0  # seconds without what may be called progress
SLOWEST = 2000  # bytes a second that are: each give back a second of the patience
WAITS = (0.5, 1.0, 2.0)  # seconds before another attempt
LONGEST_WAIT = 10.0  # seconds that a server may ask for
MOST_REDIRECTS = 5
CHUNK = 2**14  # bytes
AGAIN = {429, 500, 502, 503, 504}  # that may be another answer the next time


class _CutError(Exception):
    """Of an attempt that failed.

    Args:
        problem: why.
        after: seconds that the server asks to wait; None if it does not.
    """

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


class _Patience:
    """How long is still waited, over all attempts at one address."""

    def __init__(self) -> None:
        self._full = time.monotonic()  # when it was all there, had it only been spent since

    @property
    def left(self) -> float:
        """Seconds; none is less."""
        return max(0.0, self._full + PATIENCE - time.monotonic())

    def received(self, count: int) -> None:
        """Gives some of it back, for a number of bytes."""
        self._full = min(self._full + count / SLOWEST, time.monotonic())


class Client:
    """Gets files by HTTP, one after the other."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"gradient-zoo/{zoo.__version__}"
        self._session.headers["Accept-Encoding"] = "identity"  # the bytes that are hashed

    def attempts(self, url: str) -> Iterator[Iterator[bytes]]:
        """Attempts at a file, each the chunks of it from its start; the next if one breaks off.

        Who has all chunks of one asks for no further attempt.

        Raises:
            ZooError: while an attempt is read, in one line, if a further one is of no use.
        """
        patience = _Patience()
        for wait in (*WAITS, None):
            failed: list[_CutError] = []
            yield self._chunks(url, patience, failed)
            if not failed:
                return
            problem, after = str(failed[0]), failed[0].after
            if after is not None and after > min(LONGEST_WAIT, patience.left):
                raise _refusal(url, f"{problem}, and the server asks to wait {after:.0f} s")
            if wait is None:
                raise _refusal(url, f"{problem}, at the last of {len(WAITS) + 1} attempts")
            pause = wait if after is None else after
            if pause >= patience.left:
                raise _refusal(url, problem)
            time.sleep(pause)

    def _chunks(self, url: str, patience: _Patience, failed: list[_CutError]) -> Iterator[bytes]:
        """The chunks of one attempt; it ends early with the reason in `failed`."""
        came: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=4)
        nobody_waits = threading.Event()
        arguments = (url, came, nobody_waits)
        threading.Thread(target=self._receive, args=arguments, daemon=True).start()
        try:
            while True:
                try:
                    # In turns: a signal that another thread got waits for the end of one.
                    item = came.get(timeout=min(patience.left, 0.2))
                except queue.Empty:
                    if patience.left:
                        continue
                    raise _refusal(url, f"no answer, or hardly any, in {PATIENCE:.0f} s") from None
                if item is None:
                    return
                if isinstance(item, _CutError):
                    failed.append(item)
                    return
                if isinstance(item, BaseException):
                    raise item
                patience.received(len(item))
                yield item
        finally:
            nobody_waits.set()

    def _receive(self, url: str, came: "queue.Queue[Any]", nobody_waits: threading.Event) -> None:
        """Hands over what comes, then None; or the error."""

        def hand_over(item: Any) -> bool:
            while not nobody_waits.is_set():
                with contextlib.suppress(queue.Full):
                    came.put(item, timeout=0.1)
                    return True
            return False

        try:
            with contextlib.closing(self._answer(url)) as response:
                for chunk in response.iter_content(CHUNK):
                    if not hand_over(chunk):
                        return
            hand_over(None)
        except (ZooError, _CutError) as error:
            hand_over(error)
        except requests.RequestException as error:
            hand_over(_explained(url, error))
        except Exception as error:  # of what an odd answer does to the libraries
            hand_over(_refusal(url, f"no answer to understand: {error or type(error).__name__}"))

    def _answer(self, url: str) -> requests.Response:
        """The response whose body is the file, not read yet; bodies of others are not read."""
        at = url
        for _ in range(1 + MOST_REDIRECTS):
            # Longer than anybody waits: the limit is for the thread that is left behind.
            limit = 2 * PATIENCE
            response = self._session.get(at, stream=True, allow_redirects=False, timeout=limit)
            if response.is_redirect:
                response.close()
                at = urljoin(at, response.headers["location"])
                if urlsplit(at).scheme not in {"https", urlsplit(url).scheme}:
                    raise _refusal(url, f"sent on to {without_password(at)}, which is not https")
                continue
            if response.status_code == HTTPStatus.OK:
                return response
            response.close()
            problem = f"{response.status_code} {response.reason or ''}".strip()
            if response.status_code in AGAIN:
                raise _CutError(problem, _retry_after(response.headers.get("Retry-After")))
            raise _refusal(url, problem)
        raise _refusal(url, f"sent on more than {MOST_REDIRECTS} times")


def _refusal(url: str, problem: str) -> ZooError:
    through = _proxy_of(url)
    by = f", through the proxy {through}" if through else ""
    return ZooError(mistake(Place(without_password(url)), f"{problem}{by}"))


def _proxy_of(url: str) -> str | None:
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    return proxy and without_password(proxy if "//" in proxy else f"http://{proxy}")


def _explained(url: str, error: requests.RequestException) -> Exception:
    """The refusal of a request that failed, or that it is worth another attempt."""
    chain = list(_chain(error))
    reason = _said(chain)
    if isinstance(error, requests.exceptions.SSLError):
        return _refusal(url, f"no safe connection: {reason}")
    if isinstance(error, requests.exceptions.Timeout):
        return _refusal(url, "no answer")
    cut = requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError
    if isinstance(error, cut) and not isinstance(error, requests.exceptions.ProxyError):
        if any(isinstance(each, NewConnectionError) for each in chain):
            return _refusal(url, f"cannot be reached: {reason}")
        return _CutError(f"the connection was cut ({reason})")
    return _refusal(url, f"cannot be had: {reason}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was made of, the outermost first."""
    while error is not None:
        yield error
        below = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((each for each in below if isinstance(each, BaseException)), None)


def _said(chain: list[BaseException]) -> str:
    """What the system, or else the innermost library, says."""
    said = [str(getattr(each, "strerror", None) or each) for each in chain]
    text = next((text for text in reversed(said) if text), type(chain[0]).__name__)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _retry_after(text: str | None) -> float | None:
    """Seconds of the header, which are a number or a date; None of anything else."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        until = email.utils.parsedate_to_datetime(text)
        left = until - datetime.datetime.now(until.tzinfo or datetime.UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, left.total_seconds())
