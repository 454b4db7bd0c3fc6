"""Progress never goes back, whatever the network does: many faults in many pulls, by seed.

PULLAMA_FAULTS sets how many faults are injected at least (1000 for the whole campaign), PULLAMA_SEED the first seed: a
round that failed is repeated by PULLAMA_FAULTS=1 and its seed.
"""
import os
import random

import pytest
from support import campaign
from support.model import MIB, Layer, Model, noise
from support.store import check_model, leftovers
from support.tokens import Realm

PART = "progress under faults of the network"
WANTED = int(os.environ.get("PULLAMA_FAULTS", "100"))
A_ROUND = 25
ROUNDS = -(-WANTED // A_ROUND)
KIB = 1024


def another_start(start, end, total):
    return f"bytes {start + 1}-{end + 1}/{total}"


# What can go wrong with an answer that brings bytes of a blob; each is made anew, with its chances.
AT_BLOB = {
    "reset before the answer": lambda chance: dict(hang_up=True),
    "closed before the answer": lambda chance: dict(raw=b""),
    "reset in the body": lambda chance: dict(reset_at=chance.randrange(1, 60 * KIB)),
    "closed in the body": lambda chance: dict(close_at=chance.randrange(1, 60 * KIB)),
    "silence in the body": lambda chance: dict(silent_at=chance.randrange(0, 60 * KIB)),
    "silence before the answer": lambda chance: dict(delay=30),
    "a status": lambda chance: dict(status=chance.choice([408, 425, 429, 500, 502, 503, 504])),
    "wrong bytes": lambda chance: dict(flip=tuple(chance.sample(range(MIB), 200))),
    "another place": lambda chance: dict(content_range=another_start),
    "range ignored": lambda chance: dict(ignore_range=True),
    "range ignored, and cut": lambda chance: dict(ignore_range=True, close_at=chance.randrange(1, 200 * KIB)),
    "compressed": lambda chance: dict(gzip=True),
    "an empty answer": lambda chance: dict(status=200, body=b""),
    "slow": lambda chance: dict(rate=200 * KIB),
}
AT_OTHERS = {
    "reset": lambda chance: dict(hang_up=True),
    "cut": lambda chance: dict(close_at=5),
    "a status": lambda chance: dict(status=chance.choice([429, 500, 502, 503, 504])),
    "silence": lambda chance: dict(silent_at=3),
}


def inject(registry, chance, digests):
    """Rules for faults that come once each, at some request or other."""
    rules = []
    for _ in range(chance.randint(10, 25)):
        way = chance.choice(list(AT_BLOB.values()))
        rules.append(registry.fault(chance.choice(digests), times=1, skip=chance.randrange(4), **way(chance)))
    for pattern in ("/manifests/", "^/token", "/chunksums/"):
        way = chance.choice(list(AT_OTHERS.values()))
        rules.append(registry.fault(pattern, times=chance.randrange(3), **way(chance)))
    return rules


def pull_under_faults(pullama, store, registry, chance, number):
    """Pulls until it is done, and once more when nothing is in the way. Returns how many faults there were."""
    layers = [Layer("model", noise(chance.randint(300 * KIB, 2 * MIB), chance.random())) for _ in range(3)]
    name = f"library/m{number}"
    served = registry.add(name, "latest", Model(layers))
    for layer in layers:
        if chance.random() < 0.5:
            registry.add_chunksums(layer.digest, 128 * KIB)
    rules = inject(registry, chance, [layer.digest for layer in layers])
    options = ["-x", chance.choice([1, 2, 4, 8]), "--chunk-size", chance.choice(["64KiB", "128KiB", "1MiB"]),
               "--stall-timeout", "300ms", "--max-retries", "3"]
    statuses = []
    while len(statuses) < 5 and 0 not in statuses:
        # pull() looks at every event: OverallDone never falls, one end, nothing behind it.
        statuses.append(pullama.pull(registry.name(name), *options, timeout=120).status)
        assert statuses[-1] in (0, 1, 5, 6), statuses
    registry.rules.clear()
    pullama.pull(registry.name(name), *options).ended(0)
    check_model(store, registry, name, "latest", served)
    assert leftovers(store) == []
    return sum(rule.hits for rule in rules)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(campaign.SEED, campaign.SEED + ROUNDS))
def test_progress_only_grows(pullama, store, serve, seed):
    """P7, in every event of every run."""
    chance = random.Random(seed)
    injected = number = 0
    try:
        while injected < A_ROUND:
            registry = serve(mode=chance.choice(["direct", "redirect"]),
                             realm=Realm("anonymous") if chance.random() < 0.5 else None)
            injected += pull_under_faults(pullama, store, registry, chance, number)
            registry.stop()
            number += 1
    except AssertionError as error:
        campaign.count(PART, cases=injected, wrong=1, seed=seed)
        again = campaign.repeat(__file__, PULLAMA_FAULTS=1, PULLAMA_SEED=seed)
        raise AssertionError(f"{error}\nrepeat: {again}") from error
    campaign.count(PART, cases=injected, seed=seed)
