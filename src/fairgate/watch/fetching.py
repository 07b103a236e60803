"""The files of a ledger that somebody serves, over HTTP, with a bound on everything.

Whoever serves may lie, and may as well try to keep us: with a file without end, with one that unfolds to gigabytes,
with a byte now and then. So no answer is unfolded, as none was asked for in that form, and each file has its time, from
the first byte that is asked to the last one that comes.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from types import TracebackType
from typing import Final, Self

import httpx

from fairgate.core.errors import BadInput, shown

PATIENCE: Final = httpx.Timeout(15.0, connect=5.0)
FILE_S: Final = 60.0  # for one file, however it comes
FILE_MOST: Final = 256 * (2 + 0xFFFF)  # bytes: a bundle of the largest entries
REDIRECTS_MOST: Final = 3
AT_ONCE: Final = 4  # requests

_PLAIN: Final = {"Accept-Encoding": "identity"}
_WAY_OUT: Final = "see that the address is right and the service is up, and run this again"


class Source:
    """The ledger at `url`, below which its `checkpoint` and tiles are. Each file has `file_s` seconds.

    Raises BadInput for what is no address, as one without `https://` before it.
    """

    def __init__(self, url: str, file_s: float = FILE_S) -> None:
        if not url.startswith(("https://", "http://")):
            problem = "does not begin with https:// or http://"
            raise BadInput(shown(url), problem, "write the address like https://places.example.org/ledger")
        self._url = url.rstrip("/")
        self._file_s = file_s
        self._client = httpx.Client(
            timeout=PATIENCE, follow_redirects=True, max_redirects=REDIRECTS_MOST, headers=_PLAIN
        )
        self._threads = ThreadPoolExecutor(AT_ONCE, "fetch")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._client.close()

    def get(self, path: str, most: int = FILE_MOST) -> bytes | None:
        """The bytes of a file, `most` at most; None where the service has none.

        Raises BadInput where it does not answer, or not with what a file of a ledger can be.
        """
        address = f"{self._url}/{path}"
        place = address if address.isascii() and address.isprintable() else shown(address, 200)
        answer: Future[bytes | None] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._fetched(address, place, most))
            except Exception as error:  # whatever it is, it is raised where the answer is waited for
                answer.set_exception(error)

        # A thread that can be left behind: the time in which headers trickle in has no bound of the library's own.
        Thread(target=ask, name="fetch", daemon=True).start()
        try:
            return answer.result(self._file_s)
        except TimeoutError:
            raise BadInput(place, "is slower than any file of a ledger", _WAY_OUT) from None

    def _fetched(self, address: str, place: str, most: int) -> bytes | None:
        until, body = time.monotonic() + self._file_s, bytearray()
        try:
            with self._client.stream("GET", address) as answer:
                if answer.status_code in (404, 410):
                    return None
                if answer.status_code != httpx.codes.OK:
                    raise BadInput(place, f"answers {answer.status_code}", _WAY_OUT)
                if answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise BadInput(place, "comes compressed, and was not asked for so", _WAY_OUT)
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > most:
                        raise BadInput(place, f"has more than {most} bytes", "correct the address of the ledger")
                    if time.monotonic() > until:
                        break  # nobody waits any more
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadInput(place, f"does not answer ({type(error).__name__})", _WAY_OUT) from None
        return bytes(body)

    def many(self, paths: Sequence[str]) -> Iterable[tuple[str, bytes | None]]:
        """The same for many files, in their order."""
        return zip(paths, self._threads.map(self.get, paths), strict=True)
