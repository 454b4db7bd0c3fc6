"""The table of all scenarios: what is pulled, over what, how often."""
from dataclasses import dataclass

from .server import LIMITED, PINNED, PLAIN, TLS

MIB = 1 << 20


@dataclass(frozen=True)
class Link:
    """A line between two hosts. rate: bits per second; rtt: both ways together; loss: share of packets."""
    rate: float
    rtt_ms: float
    loss: float = 0.0


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str            # race | resume | verify | start
    port: int = PLAIN
    link: Link = None
    size: int = 0        # of one blob
    quick_size: int = 0
    count: int = 1       # blobs
    quick_count: int = 1
    rounds: int = 3
    quick_rounds: int = 1
    limit: int = 60      # seconds, then a contender is stopped and counts as late

    def scaled(self, quick):
        """(blobs, bytes of each, rounds)"""
        return ((self.quick_count, self.quick_size, self.quick_rounds) if quick else
                (self.count, self.size, self.rounds))


ALL = (
    Scenario("http", "unshaped HTTP", "race", size=1024 * MIB, quick_size=256 * MIB, rounds=5),
    Scenario("https", "unshaped HTTPS", "race", port=TLS, size=1024 * MIB, quick_size=256 * MIB),
    Scenario("limited", "8 MB/s per connection", "race", port=LIMITED, size=256 * MIB, quick_size=64 * MIB),
    Scenario("pinned", "8 MB/s per connection, one of them 1 KiB/s", "race", port=PINNED, size=128 * MIB,
             quick_size=32 * MIB, limit=40),
)


def by_name(name):
    return next((scenario for scenario in ALL if scenario.name == name), None)
