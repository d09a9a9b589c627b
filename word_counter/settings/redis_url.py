"""Redis URLs: built from REDIS_HOST and the like, and shown without their passwords."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import quote

from word_counter.errors import UsageError

#: What Kubernetes sets for a service that is called redis: REDIS_PORT=tcp://10.0.0.1:6379.
_SERVICE_LINK = re.compile(r"tcp://(\[[^\]]+\]|[^:/]+):([0-9]+)")
_LAST_PORT = 65_535


def from_parts(environ: Mapping[str, str]) -> str:
    """Return the URL from REDIS_HOST, REDIS_PORT and REDIS_PASSWORD; "" when the first two are not set.

    Raises:
        UsageError: the host or the port is not valid.
    """
    host, port = environ.get("REDIS_HOST", ""), environ.get("REDIS_PORT", "")
    if not host and not port:
        return ""
    if link := _SERVICE_LINK.fullmatch(port):
        host, port = host or link[1], link[2]
    if port and not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= _LAST_PORT):
        message = f"REDIS_PORT must be a port, a whole number from 1 to {_LAST_PORT}, not {port!r}"
        raise UsageError(message)
    password = environ.get("REDIS_PASSWORD", "")
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{_in_url(host or 'localhost')}:{port or 6379}/0"


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL: an IPv6 address in brackets."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    with contextlib.suppress(ValueError):
        return f"[{ipaddress.IPv6Address(bare)}]".replace("%", "%25")
    if re.search(r"[\s:/?#@\[\]]", host):
        shown = without_password(host)
        message = f"REDIS_HOST must be a host alone, not {shown!r}: a port goes into REDIS_PORT, a URL into REDIS_URL"
        raise UsageError(message)
    return quote(host)


#: Passwords among the options of a Redis URL: ``password``, and ``ssl_password`` of a client's key.
_SECRET_OPTION = re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return a Redis URL with *** in place of its passwords, even if it is malformed."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    login, at, address = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = f"{user}:***@{address}" if colon else login + at + address
    return scheme + separator + _SECRET_OPTION.sub(r"\1***", shown)


#: What no URL may ask for, with what to give instead.
SENTINEL, CLUSTER, SEVERAL = "a Redis Sentinel", "a Redis Cluster", "several servers"
GIVE_ONE = {
    SENTINEL: (
        "give the URL of the server that it watches: redis-cli -h HOST -p PORT sentinel get-master-addr-by-name NAME "
        "says where that is"
    ),
    CLUSTER: "give the URL of one server that is in no cluster, as redis://HOST:PORT/0",
    SEVERAL: "give the URL of one server, as redis://HOST:PORT/0",
}
_SENTINEL_OPTION = re.compile(r"(^|&)(sentinels?|service_name|service|master_name|master_set)=", re.IGNORECASE)


def asks_for_many(url: str) -> str:
    """Return what of several servers a Redis URL asks for, a key of :data:`GIVE_ONE`; nothing: it names one server."""
    scheme, _, rest = url.partition("://")
    place, _, options = rest.rpartition("@")[2].partition("?")
    if "sentinel" in scheme.lower() or _SENTINEL_OPTION.search(options):
        return SENTINEL
    if "cluster" in scheme.lower() or re.search("(^|&)cluster=", options, re.IGNORECASE):
        return CLUSTER
    return SEVERAL if scheme.lower() != "unix" and "," in place.partition("/")[0] else ""
