"""Which names a store's certificate may carry.

A box that was taken over must not get a certificate for another store's pages. So the name under the
zone follows from the store's code, and what else a node asks for has to be below that name, or
written down for this store by a person. Addresses are taken from the authority's ranges as asked:
every shop has a 192.168.1.10, so an address says nothing about which store it is.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ZONES = ("yipan.internal",)
"""`.internal` is set aside for private use, so no public name can ever be meant."""
RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
HERE = "localhost"
MOST_NAMES = 20
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


def is_name(text: str) -> bool:
    """A DNS name in lower case, without a wildcard."""
    return bool(_NAME.match(text)) and as_address(text) is None


def as_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def own_name(store: str, zone: str) -> str:
    """S001 is s001.yipan.internal. A code that is no DNS label gets one that no other code can have."""
    label = store.lower()
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", label):
        plain = re.sub(r"[^a-z0-9]+", "-", label).strip("-")[:30]
        label = f"{plain}-{hashlib.sha256(store.encode()).hexdigest()[:10]}".lstrip("-")
    return f"{label}.{zone}"


def below(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def granted(
    asked: Iterable[str],
    *,
    store: str,
    zones: Sequence[str],
    ranges: Sequence[Network],
    written: Iterable[str] = (),
) -> tuple[list[str], list[Address]]:
    """Names and addresses of a store's certificate: its own name first, then what it may have of `asked`."""
    own = own_name(store, zones[0])
    names, addresses = [own], []
    for one in (*written, *asked):
        text = one.strip().lower().rstrip(".")
        address = as_address(text)
        if address is not None:
            if any(address in net for net in ranges) and address not in addresses:
                addresses.append(address)
        elif is_name(text) and text not in names:
            may = below(text, own) or text == HERE or text in written
            if may and any(below(text, zone) for zone in (*zones, HERE)):
                names.append(text)
    return names[:MOST_NAMES], addresses[:MOST_NAMES]
