"""The table of all scenarios: what is pulled, over what, how often."""
import dataclasses
from dataclasses import dataclass

from .server import PINNED, PLAIN, TLS

MIB = 1 << 20
QUICK_LIMIT_S = 8


@dataclass(frozen=True)
class Link:
    """A line between two hosts. Rates are in bits per second, of all or of each connection; loss is the
    share of packets that vanish; the round trip is both ways together."""
    rtt_ms: float
    rate: float = 0
    flow_rate: float = 0
    loss: float = 0


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str            # race | resume | tail | verify | startup
    port: int = PLAIN
    link: Link = None
    size: int = 0        # of one blob
    count: int = 1       # blobs; kills
    rounds: int = 3
    limit: int = 30      # seconds, then a contender is stopped and counts as late
    options: tuple = ()  # of pullama, which then runs alone
    quick: tuple = ()    # (field, value) pairs of the short run

    def short(self):
        """The same, small enough to run among all others within two minutes."""
        return dataclasses.replace(self, **{"rounds": 1, "limit": min(self.limit, QUICK_LIMIT_S), **dict(self.quick)})


def quick(**fields):
    return tuple(fields.items())


ALL = (
    Scenario("http", "unshaped HTTP", "race", size=1024 * MIB, rounds=5, quick=quick(size=128 * MIB)),
    Scenario("https", "unshaped HTTPS", "race", port=TLS, size=1024 * MIB, quick=quick(size=64 * MIB)),
    Scenario("wide", "unshaped HTTPS, 32 connections", "race", port=TLS, size=1024 * MIB, rounds=1,
             options=("-x", "32"), quick=quick(size=128 * MIB)),
    Scenario("tail", "from the last byte to the end, unshaped HTTP", "tail", size=4096 * MIB, limit=90,
             quick=quick(size=256 * MIB)),
    Scenario("lan", "1 Gbit/s, 20 ms", "race", link=Link(20, rate=1e9), size=256 * MIB, quick=quick(size=32 * MIB)),
    Scenario("long", "300 Mbit/s, 150 ms, 0.01 % loss", "race", link=Link(150, rate=300e6, loss=0.0001),
             size=128 * MIB, quick=quick(size=16 * MIB)),
    Scenario("lossy", "50 Mbit/s, 80 ms, 1 % loss", "race", link=Link(80, rate=50e6, loss=0.01), size=32 * MIB,
             quick=quick(size=2 * MIB)),
    Scenario("limited", "8 MB/s per connection, 20 ms", "race", link=Link(20, flow_rate=64e6), size=192 * MIB,
             quick=quick(size=32 * MIB)),
    Scenario("pinned", "8 MB/s per connection, 20 ms, one of them 1 KiB/s", "race", port=PINNED,
             link=Link(20, flow_rate=64e6), size=64 * MIB, quick=quick(size=16 * MIB)),
    Scenario("small", "300 Mbit/s, 50 ms", "race", link=Link(50, rate=300e6), size=64 << 10, count=1000,
             quick=quick(count=100)),
    Scenario("resume", "killed on the way, 40 Mbit/s, 20 ms", "resume", link=Link(20, rate=40e6), size=64 * MIB,
             count=20, limit=120, quick=quick(size=8 * MIB, count=4, limit=30)),
    Scenario("verify", "hashing a store", "verify", size=256 * MIB, count=4, quick=quick(size=32 * MIB)),
    Scenario("startup", "start-up", "startup", rounds=41, quick=quick(rounds=5)),
)


def by_name(name):
    return next((scenario for scenario in ALL if scenario.name == name), None)
