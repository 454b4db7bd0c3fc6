"""A race: every contender pulls the same model, in turns, over the same network."""
import shutil
from dataclasses import asdict

from . import model, sample, stages
from .contenders import Job, pullama, raw_receive

REPEAT_BELOW_S = 20  # slower ones run once: their place is clear


def interleaved(names, rounds):
    """Who runs in each round; the order turns, so that nobody always follows the same one."""
    for number in range(rounds):
        turn = number % len(names)
        yield number, names[turn:] + names[:turn]


def measure(setup, scenario):
    """Runs a scenario. Returns what it showed, ready for JSON."""
    bench, place, rounds = setup.bench, setup.place, scenario.rounds
    contenders = setup.contenders
    if scenario.options:
        contenders = [pullama(contenders[0].program, scenario.options)]
    pulled = model.make(setup.root, scenario.name, scenario.count, scenario.size)
    samples = {contender.name: [] for contender in contenders}
    rates = {"receive": [], "hash": [], "disk": []}
    by_name = {contender.name: contender for contender in contenders}
    for number, names in interleaved(list(samples), rounds):
        if not scenario.link:
            measure_stages(bench, scenario, place, pulled, rates)
        for name in names:
            if samples[name] and samples[name][0].usage.wall > REPEAT_BELOW_S:
                continue
            job = Job(pulled, place.server.url(scenario.port), bench.site.scratch("out"), place.server.authority)
            command = by_name[name].command(job)
            if not command:
                continue
            taken = sample.pull(bench, place, command, job, scenario.limit)
            samples[name].append(taken)
            setup.say(f"{scenario.name} round {number + 1}/{rounds} {name} {taken.usage.wall:.2f} s {taken.usage.end}",
                bench.output() if not taken.usage.good else "")
            shutil.rmtree(job.folder)
    shutil.rmtree(setup.root / "v2" / "library" / scenario.name)
    return {"bytes": pulled.size, "blobs": scenario.count,
            "stages": {stage: values for stage, values in rates.items() if values},
            "samples": {name: [taken.to_json() for taken in list_] for name, list_ in samples.items()},
            "summaries": [asdict(sample.summarize(name, list_, pulled.size))
                          for name, list_ in samples.items() if list_]}


def measure_stages(bench, scenario, place, pulled, rates):
    """What one stage alone reaches now."""
    job = Job(pulled, place.server.url(scenario.port), bench.site.scratch("out"), place.server.authority)
    taken = sample.pull(bench, place, raw_receive(job), job, scenario.limit)
    rates["receive"].append(pulled.size / taken.usage.wall)
    rates["hash"].append(stages.sha256_rate())
    rates["disk"].append(stages.disk_rate(job.folder, pulled.size))
