"""Which IP addresses are of the public internet: the only ones that a fetched URL may lead to.

Written out rather than asked of `ipaddress.is_global`, whose answers have changed between versions of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

#: IANA's special-purpose registry: everything in it leads nowhere, home, or into somebody's network.
SPECIAL_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
#: Only 2000::/3 is given out. Outside of it lie loopback, private and link-local addresses, multicast, and
#: those that wrap an IPv4 address (::a.b.c.d, ::ffff:a.b.c.d, 64:ff9b::a.b.c.d).
GIVEN_OUT_V6 = IPv6Network("2000::/3")
SPECIAL_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo wraps an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 wraps an IPv4 address
        "3fff::/20",  # documentation
    )
]
#: What an admin may open by naming host and port. The link-local addresses of metadata services are not in it.
PRIVATE: list[IPv4Network | IPv6Network] = [
    IPv4Network("10.0.0.0/8"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
]


def parsed(text: str) -> Address:
    """An address as a resolver gives it; a zone (`fe80::1%eth0`) is part of it.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text)


def is_public(address: Address) -> bool:
    """Whether it is an address of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    return address in GIVEN_OUT_V6 and not any(address in network for network in SPECIAL_V6)


def is_private(address: Address) -> bool:
    """Whether it is this machine or a private network, which an admin may name."""
    return any(address in network for network in PRIVATE)
