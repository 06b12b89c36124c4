"""Where files go: an object store (S3, Google Cloud Storage, Azure), or whatever takes PUT."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, urlsplit

import urllib3

from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from pathlib import Path

AUTHORIZATION: Final = "UPLOAD_AUTHORIZATION"
"""The variable with the Authorization header of PUT."""
_RETRIES: Final = 4
_RETRY_FOR_S: Final = 60
_CONNECT_S: Final = 10.0
_TIMEOUT_S: Final = 60.0
_WORTH_ANOTHER_TRY: Final = (408, 429, 500, 502, 503, 504)


class Store(Protocol):
    """A place for files."""

    def put(self, name: str, path: Path) -> None:
        """Send a file.

        :param name: what it is called there, with slashes.
        :raises Fault: if it does not get there.
        """


def store_at(url: str) -> Store:
    """The store with this address.

    :raises Fault: if there is no way to such a one.
    """
    if urlsplit(url).scheme in {"http", "https"}:
        return HttpStore(url, os.environ.get(AUTHORIZATION, ""))
    return ObjectStore(url)


class HttpStore:
    """PUT, a request for each file.

    :param authorization: the header; empty for none.
    """

    def __init__(self, url: str, authorization: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": authorization} if authorization else {}
        retries = urllib3.Retry(
            _RETRIES, backoff_factor=0.5, status_forcelist=_WORTH_ANOTHER_TRY, allowed_methods=None, redirect=0
        )
        self._pool = urllib3.PoolManager(
            retries=retries, timeout=urllib3.Timeout(connect=_CONNECT_S, read=_TIMEOUT_S)
        )

    def put(self, name: str, path: Path) -> None:
        """As of every store."""
        address = f"{self._url}/{quote(name)}"
        try:
            answer = self._pool.request("PUT", address, body=path.read_bytes(), headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise Fault(
                Owner.NETWORK, f"{address} cannot be reached: {error}", "Check the upload's address."
            ) from error
        if answer.status >= 300:
            raise Fault(
                Owner.USER,
                f"PUT {address} was answered with {answer.status}",
                f"Check the upload's address, and {AUTHORIZATION}.",
            )


class ObjectStore:
    """A bucket, with the credentials that the environment has: keys, or an identity that the cluster hands out."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            from obstore import exceptions
            from obstore.store import from_url
        except ImportError as error:
            raise Fault(
                Owner.USER,
                "the package obstore is not installed",
                "pip install 'prometheus-loadtest[upload]'; the image has it.",
            ) from error
        retry: Any = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_FOR_S)}
        self._errors = (exceptions.BaseError, OSError, ValueError)
        try:
            self._store = from_url(url, retry_config=retry)
        except self._errors as error:
            raise self._fault(error) from error

    def put(self, name: str, path: Path) -> None:
        """As of every store."""
        import obstore

        try:
            obstore.put(self._store, name, path)
        except self._errors as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> Fault:
        # What follows is for those who write such clients.
        said = " ".join(str(error).partition("Debug source")[0].split())[:400]
        return Fault(
            Owner.USER,
            f"{self._url} does not take the files: {said}",
            "Check the bucket, its region and endpoint, and the credentials.",
        )
