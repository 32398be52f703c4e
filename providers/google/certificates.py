"""The certificates with which Google signs its pushes, asked for at one public address."""

from __future__ import annotations

import httpx

from providers.failures import TryLater

TIMEOUT_SECONDS = 3.0


async def certificates_at(url: str) -> tuple[dict[str, str], str]:
    """Key id to PEM, and the Cache-Control of the answer. Asked once, without credentials; no redirect is followed.

    Raises:
        TryLater: there is no such answer now.
    """
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            response = await client.get(url)
            response.raise_for_status()
            fetched = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise TryLater(
            f"Google's certificates cannot be fetched ({type(error).__name__})"
        ) from None
    if not isinstance(fetched, dict) or not all(isinstance(pem, str) for pem in fetched.values()):
        raise TryLater("Google's certificates are in no form that is known")
    return fetched, response.headers.get("cache-control", "")
