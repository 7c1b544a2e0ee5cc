"""How often a process takes what anybody may send, in all and from one client."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class PerMinute:
    """At most ``most`` in each minute, and at most ``per_client`` of them from one client that is named."""

    most: int
    per_client: int | None = None
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _minute: int = field(default=0, repr=False)
    _taken: int = field(default=0, repr=False)
    _clients: Counter[str] = field(default_factory=Counter, repr=False)  # of this minute, so at most ``most``

    def allows(self, client: str = "") -> bool:
        with self._lock:
            minute = int(self.clock() // 60)
            if minute != self._minute:
                self._minute, self._taken = minute, 0
                self._clients.clear()
            if self._taken >= self.most or (client and self._clients[client] >= (self.per_client or self.most)):
                return False  # a refused call takes no place from other clients
            self._taken += 1
            if client:
                self._clients[client] += 1
            return True


def client_name(address: str | None, forwarded_for: str = "") -> str:
    """Return who asks: an IPv4 address, or the IPv6 network of one customer of a provider. It is empty if unknown.

    Behind a proxy that the app was not told of, all have the proxy's address. Then the last address that was forwarded
    counts. Whoever invents that one gets no further than the limit for the process.
    """

    def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        return getattr(address, "ipv4_mapped", None) or address

    client = parsed(address or "")
    if client is not None and not client.is_global and forwarded_for:
        client = parsed(forwarded_for.rpartition(",")[2].strip())
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((client, 64), strict=False))
    return "" if client is None else str(client)
