"""Rounds of chance: several processes at one store, some of them killed; and Ollama at it as well.

PULLAMA_ROUNDS sets how many rounds there are (100 for the whole campaign), PULLAMA_SEED the first seed: a round that
failed is repeated by PULLAMA_ROUNDS=1 and its seed.
"""
import os
import random
import time

import pytest
from support import campaign, model, ollama
from support.model import MIB, Layer, Model, noise
from support.store import check_model, check_store, leftovers, manifest_path

PART = "rounds of processes that are killed"
ROUNDS = int(os.environ.get("PULLAMA_ROUNDS", "4"))
SEEDS = range(campaign.SEED, campaign.SEED + ROUNDS)
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
@pytest.mark.campaign(PART)
@pytest.mark.parametrize("connections", [1, 4, 16])
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_processes_at_one_store(pullama, store, serve, seed, processes, connections):
    chance = random.Random(seed * 1000 + processes * 100 + connections)
    registry = serve(rate=3 * MIB)
    models = shared_models()
    for n, one in enumerate(models):
        registry.add(f"library/m{n}", "latest", one)
    wanted = [chance.randrange(len(models)) for _ in range(processes)]
    kills = one_round(pullama, registry, [registry.name(f"library/m{n}") for n in wanted], chance, connections)
    blobs = {}
    for n in set(wanted):
        check_model(store, registry, f"library/m{n}", "latest", models[n])
        blobs.update(models[n].blobs)
    size, received = sum(map(len, blobs.values())), registry.blob_bytes()
    # What a socket's buffers held when its process was killed is counted here, and is in no promise.
    campaign.count(PART, cases=0, seed=seed,
                   again=(max(0, received - size), size, f"{kills} kills, {connections} connections"))
    campaign.count("kills in these rounds", cases=kills)
    assert received <= size * 1.05 + kills * connections * 256 * 1024
    assert leftovers(store) == []


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
