"""Where a redirect leads, and what may be taken there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urljoin, urlsplit

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.redaction import is_secret_name
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.request import Request
from pytest_modelbench.wire.target import Target, target_of

MOST_REDIRECTS = 5
_STATUSES = (301, 302, 303, 307, 308)
_ABOUT_BODY = ("content-type", "content-encoding", "content-language")
_PRIVATE = ("authorization", "proxy-authorization", "cookie")


class WrongRedirect(Exception):  # noqa: N818 - a fault of an exchange is made of it
    """It leads to where nothing is sent; its text says why, without an address."""


def is_redirect(exchange: Exchange) -> bool:
    return exchange.status in _STATUSES and exchange.fault is None


def redirected(request: Request, target: Target, exchange: Exchange) -> Request:
    """What is to be sent next. Raises `WrongRedirect`.

    Keys belong to the origin that they were given for. Once left, they are not taken up again: who
    sends us away could send us back to a place of its choice.
    """
    url = _location(request.url, exchange)
    try:
        there = target_of(url)
    except ModelbenchError as error:
        raise WrongRedirect(f"redirects to what is no address: {error}") from None
    following = replace(request, url=url)
    if exchange.status == 303 or (exchange.status in (301, 302) and request.method == "POST"):
        following = replace(
            following, method="GET", body=b"", headers=_without(request.headers, _ABOUT_BODY)
        )
    if there.origin == target.origin:
        return following
    if following.body and (target.origin.scheme, there.origin.scheme) == ("https", "http"):
        raise WrongRedirect(f"redirects from https to {there.origin}: the request stays here")
    secret = [name for name in request.headers if is_secret_name(name)]
    return replace(following, secrets={}, headers=_without(following.headers, (*_PRIVATE, *secret)))


def _location(url: str, exchange: Exchange) -> str:
    location = exchange.header("location")
    if not location:
        raise WrongRedirect(f"answered {exchange.status} without saying where to go")
    # Some write their addresses in UTF-8; each header is read as Latin-1.
    location = quote(location.encode("latin-1"), safe="!#$%&'()*+,/:;=?@[]~")
    try:
        return urlsplit(urljoin(url, location))._replace(fragment="").geturl()
    except ValueError as error:
        raise WrongRedirect(f"redirects to what is no address: {error}") from None


def _without(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    left_out = {name.lower() for name in names}
    return {name: value for name, value in headers.items() if name.lower() not in left_out}
