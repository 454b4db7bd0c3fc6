"""The table of all scenarios: what is pulled, over what, how often."""
from dataclasses import dataclass

from .server import PINNED, PLAIN, TLS

MIB = 1 << 20


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
    quick_size: int = 0
    count: int = 1       # blobs
    quick_count: int = 1
    rounds: int = 3
    quick_rounds: int = 1
    limit: int = 60      # seconds, then a contender is stopped and counts as late
    options: tuple = ()  # of pullama, which then runs alone

    def scaled(self, quick):
        """(blobs, bytes of each, rounds)"""
        return ((self.quick_count, self.quick_size, self.quick_rounds) if quick else
                (self.count, self.size, self.rounds))


ALL = (
    Scenario("http", "unshaped HTTP", "race", size=1024 * MIB, quick_size=256 * MIB, rounds=5),
    Scenario("https", "unshaped HTTPS", "race", port=TLS, size=1024 * MIB, quick_size=256 * MIB),
    Scenario("lan", "1 Gbit/s, 20 ms", "race", link=Link(20, rate=1e9), size=256 * MIB, quick_size=64 * MIB),
    Scenario("long", "300 Mbit/s, 150 ms, 0.01 % loss", "race", link=Link(150, rate=300e6, loss=0.0001),
             size=128 * MIB, quick_size=32 * MIB),
    Scenario("lossy", "50 Mbit/s, 80 ms, 1 % loss", "race", link=Link(80, rate=50e6, loss=0.01),
             size=32 * MIB, quick_size=8 * MIB),
    Scenario("limited", "8 MB/s per connection, 20 ms", "race", link=Link(20, flow_rate=64e6), size=256 * MIB,
             quick_size=64 * MIB),
    Scenario("pinned", "8 MB/s per connection, 20 ms, one of them 1 KiB/s", "race", port=PINNED,
             link=Link(20, flow_rate=64e6), size=128 * MIB, quick_size=32 * MIB, limit=40),
    Scenario("small", "300 Mbit/s, 50 ms", "race", link=Link(50, rate=300e6), size=64 << 10, quick_size=64 << 10,
             count=1000, quick_count=200),
    Scenario("wide", "unshaped HTTPS, 32 connections", "race", port=TLS, size=1024 * MIB, quick_size=256 * MIB,
             rounds=1, options=("-x", "32")),
    Scenario("tail", "from the last byte to the end, unshaped HTTP", "tail", size=4096 * MIB, quick_size=512 * MIB),
    Scenario("resume", "killed on the way, 40 Mbit/s, 20 ms", "resume", link=Link(20, rate=40e6),
             size=128 * MIB, quick_size=16 * MIB, count=20, quick_count=4, limit=120),
    Scenario("verify", "hashing a store", "verify", size=256 * MIB, quick_size=64 * MIB, count=8, quick_count=8),
    Scenario("startup", "start-up", "startup", rounds=41, quick_rounds=11),
)


def by_name(name):
    return next((scenario for scenario in ALL if scenario.name == name), None)
