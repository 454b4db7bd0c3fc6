"""How long a program takes to start, and how large ours is."""
import shutil
import statistics
import subprocess
from dataclasses import asdict

CANDIDATES = (("curl", ("curl", "-q", "--version")), ("aria2", ("aria2c", "--version")),
              ("wget2", ("wget2", "--version")))


def stripped_size(site, program):
    """Bytes of the program without symbols; None where strip is not installed."""
    if not shutil.which("strip"):
        return None
    copy = site.folder / "stripped"
    subprocess.run(["strip", "-o", copy, program], check=True)
    return copy.stat().st_size


def measure(setup, scenario):
    bench, own = setup.bench, setup.contenders[0].program
    commands = {"pullama": (own, "version"),
                **{name: words for name, words in CANDIDATES if shutil.which(words[0])}}
    usages = {name: [] for name in commands}
    folder = bench.site.scratch("out")
    for _ in range(scenario.rounds):
        for name, words in commands.items():
            usages[name].append(bench.run(words, folder, seconds=10))
    setup.say(f"{scenario.name} {scenario.rounds} rounds")
    return {"binary": stripped_size(bench.site, own),
            "results": [{"name": name, "wall": statistics.median(one.wall for one in taken),
                         "cpu": statistics.median(one.cpu for one in taken),
                         "peak_mib": max(one.peak_kib for one in taken) / 1024,
                         "good": all(one.good for one in taken),
                         "samples": [asdict(one) for one in taken]} for name, taken in usages.items()]}
