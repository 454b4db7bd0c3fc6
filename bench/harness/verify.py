"""Re-hashing what is in a store, with the files in memory and from the disk."""
import mmap
import os
import shutil
import statistics
import time
from dataclasses import asdict

from . import model, stages

STORED_AT = ("manifests", "registry.ollama.ai", "library", "verify")


def make_store(site, root, count, size):
    """A store with one model in it. Returns its folder and its blobs' paths."""
    made = model.make(root, "verify", count, size)
    store = site.scratch("store")
    blobs = store / "blobs"
    blobs.mkdir()
    source = root / "v2" / "library" / "verify"
    for path in (source / "blobs").iterdir():
        path.rename(blobs / path.name.replace(":", "-"))
    manifests = store.joinpath(*STORED_AT)
    manifests.mkdir(parents=True)
    (source / "manifests" / "latest").rename(manifests / "latest")
    shutil.rmtree(source)
    return store, made, sorted(path for path in blobs.iterdir() if path.stat().st_size == size)


def forget(paths):
    """Drops the files from memory, so that they are read from the disk."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def read_rate(paths, flags):
    """Bytes per second that come from the disk."""
    buffer, total = mmap.mmap(-1, 4 << 20), 0
    forget(paths)
    begun = time.monotonic()
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY | flags)
        except OSError:  # no O_DIRECT on this file system
            return 0.0
        while (length := os.readv(fd, [buffer])) > 0:
            total += length
        os.close(fd)
    return total / (time.monotonic() - begun)


def commands(program, store, paths, cores):
    several = f"printf '%s\\0' {store}/blobs/* | xargs -0 -n 1 -P {cores}"
    return {"pullama": [program, "--models-dir", store, "--quiet", "verify"],
            f"sha256sum x{cores}": ["sh", "-c", f"{several} sha256sum"],
            f"openssl x{cores}": ["sh", "-c", f"{several} openssl dgst -sha256"]}


def measure(setup, scenario):
    bench, cores, rounds = setup.bench, os.cpu_count(), scenario.rounds
    store, made, paths = make_store(bench.site, setup.root, scenario.count, scenario.size)
    table = commands(setup.contenders[0].program, store, paths, cores)
    samples = {(name, state): [] for state in ("memory", "disk") for name in table}
    rates = {"hash": [], "read": []}
    for number in range(rounds):
        rates["hash"].append(stages.sha256_rate(cores))
        rates["read"].append(max(read_rate(paths, 0), read_rate(paths, os.O_DIRECT)))
        names = list(table)
        names = names[number % len(names):] + names[:number % len(names)]  # the first one finds colder pages
        for state in ("disk", "memory"):  # in this order: reading from the disk fills the memory
            for name in names:
                if state == "disk":
                    forget(paths)
                samples[name, state].append(bench.run(table[name], store, seconds=scenario.limit))
        setup.say(f"{scenario.name} round {number + 1}/{rounds}")
    shutil.rmtree(store)
    return {"bytes": made.size, "blobs": scenario.count, "cores": cores, "stages": rates,
            "results": [{"name": name, "from": state, "wall": statistics.median(one.wall for one in taken),
                         "cpu": statistics.median(one.cpu for one in taken),
                         "peak_mib": max(one.peak_kib for one in taken) / 1024,
                         "good": all(one.good for one in taken), "samples": [asdict(one) for one in taken]}
                        for (name, state), taken in samples.items()]}
