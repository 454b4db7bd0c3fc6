"""Rounds of chance: several processes at one store, some of them killed; and Ollama at it as well.

PULLAMA_ROUNDS sets how many rounds there are (100 for the whole campaign), PULLAMA_SEED the first seed: a round that
failed is repeated by PULLAMA_ROUNDS=1 and the seed that it printed.
"""
import os
import random
import time

import pytest
from support import model, ollama
from support.model import MIB, Layer, Model, noise
from support.store import check_model, check_store, leftovers, manifest_path

ROUNDS = int(os.environ.get("PULLAMA_ROUNDS", "4"))
FIRST_SEED = int(os.environ.get("PULLAMA_SEED", "1"))
SEEDS = range(FIRST_SEED, FIRST_SEED + ROUNDS)
UNTRACED = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}


def shared_models():
    """Three models: two share their weights, all share a licence."""
    weights, licence = Layer("model", noise(6 * MIB, 1)), Layer("license", b"do what you like")
    return [Model([weights, licence]), Model([weights, Layer("system", b"be brief"), licence]),
            Model([Layer("model", noise(3 * MIB, 2)), licence])]


def one_round(pullama, registry, names, chance, connections):
    """Starts a pull of each name, kills some at random, and starts those again until all have ended."""
    running = {n: None for n in range(len(names))}
    kills = 0
    until = time.monotonic() + 60
    while running:
        assert time.monotonic() < until, f"not done: {[p and p.peek() for p in running.values()]}"
        for n, process in list(running.items()):
            if process is None:
                running[n] = pullama.start("pull", names[n], "-x", connections, environment=UNTRACED)
            elif process.poll() is not None:
                result = process.result()
                assert result.status in (0, -9), result
                if result.status == 0:
                    del running[n]
                else:
                    running[n] = None
            elif kills < 6 and chance.random() < 0.05:
                process.popen.kill()
                kills += 1
        time.sleep(chance.uniform(0.005, 0.05))
    return kills


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 4, 16])
@pytest.mark.parametrize("processes", [2, 4])
def test_killed_processes_at_one_store(pullama, store, serve, processes, connections):
    for seed in SEEDS:
        chance = random.Random(seed * 1000 + processes * 100 + connections)
        registry = serve(rate=3 * MIB)
        models = shared_models()
        for n, one in enumerate(models):
            registry.add(f"library/m{n}", "latest", one)
        names = [registry.name(f"library/m{chance.randrange(len(models))}") for _ in range(processes)]
        print(f"seed {seed}: {names}")
        kills = one_round(pullama, registry, names, chance, connections)
        size = 0
        seen = set()
        for name in set(names):
            one = models[int(name.split("/m")[-1].split(":")[0])]
            check_model(store, registry, "library/" + name.split("/")[-1].split(":")[0], "latest", one)
            size += sum(len(data) for digest, data in one.blobs.items() if digest not in seen)
            seen |= set(one.blobs)
        # In a socket's buffers the test's server may have more than the product's bound speaks of.
        assert registry.blob_bytes() <= size * 1.05 + kills * connections * 256 * 1024, f"seed {seed}"
        assert leftovers(store) == [], f"seed {seed}"
        registry.stop()


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", [0.2, 0.6, 0.95])
def test_ollama_starts_between_two_runs(pullama, store, serve, stop_at):
    """Whatever time goes by between two runs, a server that starts in between costs us nothing."""
    registry = serve(rate=8 * MIB)
    whole = registry.add("library/m", "latest", Model([Layer("template", b"{{ .Prompt }}"), Layer("model", noise(8 * MIB, 7))]))
    process = pullama.start("pull", registry.name("library/m"), environment=UNTRACED)
    while registry.blob_bytes() < stop_at * 8 * MIB:
        time.sleep(0.01)
    process.kill()
    ollama.let_time_pass(store)
    ollama.start(store)
    pullama.pull(registry.name("library/m")).ended(0)
    check_model(store, registry, "library/m", "latest", whole)
    assert registry.blob_bytes() - 8 * MIB < MIB * 4 + MIB


@pytest.mark.slow
def test_ollama_removes_another_model_meanwhile(pullama, store, serve):
    registry = serve(rate=8 * MIB)
    first, second = Model([Layer("model", noise(2 * MIB, 1))]), Model([Layer("model", noise(4 * MIB, 2)), Layer("license", b"L")])
    registry.add("library/one", "latest", first)
    registry.add("library/two", "latest", second)
    pullama.pull(registry.name("library/one")).ended(0)
    process = pullama.start_pull(registry.name("library/two"), environment=UNTRACED)
    while registry.blob_bytes() < 3 * MIB:
        time.sleep(0.01)
    ollama.remove(store, manifest_path(store, registry.host, "library/one", "latest"))
    ollama.start(store)
    process.result().ended(0)
    check_model(store, registry, "library/two", "latest", second)
    ollama.let_time_pass(store)
    ollama.start(store)
    check_model(store, registry, "library/two", "latest", second)


@pytest.mark.slow
def test_what_was_pulled_stays_when_ollama_starts_an_hour_later(pullama, store, registry):
    whole = registry.add("library/m", "latest", model.whole(MIB))
    pullama.pull(registry.name("library/m")).ended(0)
    ollama.let_time_pass(store)
    ollama.start(store)
    check_model(store, registry, "library/m", "latest", whole)
    check_store(store)
