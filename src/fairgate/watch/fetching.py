"""The files of a ledger that somebody serves, over HTTP, with a bound on everything."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import httpx

from fairgate.core.errors import BadInput

PATIENCE: Final = httpx.Timeout(15.0, connect=5.0)
FILE_S: Final = 60.0  # for one file, however it comes
FILE_MOST: Final = 256 * (2 + 0xFFFF)  # bytes: a bundle of the largest entries
AT_ONCE: Final = 4  # requests

_WAY_OUT: Final = "see that the address is right and the service is up, and run this again"


class Source:
    """The ledger at `url`, below which its `checkpoint` and tiles are."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=PATIENCE, follow_redirects=True)
        self._threads = ThreadPoolExecutor(AT_ONCE, "fetch")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._client.close()

    def get(self, path: str) -> bytes | None:
        """The bytes of a file; None where the service has none. Raises BadInput where it does not answer."""
        address, until, body = f"{self._url}/{path}", time.monotonic() + FILE_S, bytearray()
        try:
            with self._client.stream("GET", address) as answer:
                if answer.status_code in (404, 410):
                    return None
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > FILE_MOST or time.monotonic() > until:
                        raise BadInput(address, "is larger or slower than any file of a ledger", _WAY_OUT)
        except httpx.HTTPStatusError as error:
            raise BadInput(address, f"answers {error.response.status_code}", _WAY_OUT) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BadInput(address, f"does not answer ({type(error).__name__})", _WAY_OUT) from None
        return bytes(body)

    def many(self, paths: Sequence[str]) -> Iterable[tuple[str, bytes | None]]:
        """The same for many files, in their order."""
        return zip(paths, self._threads.map(self.get, paths), strict=True)
