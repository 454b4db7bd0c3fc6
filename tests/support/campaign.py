"""Counts of the fault campaign: what each part tried, and how often a promise was broken.

A part counts its cases with count(), or marks its tests with pytest.mark.campaign(PART): then each test is a case. What
was counted is told at the end of the run, and appended to the file that PULLAMA_CAMPAIGN names, a JSON object a line.
tests/fault/campaign.c writes such lines, too; tools/campaign-table makes a table of them.
"""
import json
import os
import shlex
import sys

SEED = int(os.environ.get("PULLAMA_SEED", "1"))
parts = {}


def tell_again(size, of, where):
    return f"at most {size:,} bytes fetched again, {size / of:.1%} of {of:,} ({where})"


def tell_longest(seconds, what):
    return f"the longest took {seconds:.2f} s ({what})"


# What a part may measure, and how the worst of it is told.
WORST = {"again": tell_again, "longest": tell_longest}


class Part:
    """One part's sums: cases and wrong ones, and the worst of what it measured."""

    def __init__(self, name):
        self.name, self.cases, self.wrong, self.seeds, self.worst = name, 0, 0, None, {}

    def add(self, cases=1, wrong=0, seeds=None, worst=None):
        """seeds: the first and the last one; worst: a name in WORST → a number and what it was like."""
        self.cases += cases
        self.wrong += wrong
        if seeds:
            low, high = self.seeds or seeds
            self.seeds = [min(low, seeds[0]), max(high, seeds[1])]
        for name, measured in (worst or {}).items():
            self.worst[name] = max(list(measured), self.worst.get(name, [-1]))

    @property
    def seeds_text(self):
        low, high = self.seeds or ("-", "-")
        return str(low) if low == high else f"{low} to {high}"

    @property
    def worst_text(self):
        return "; ".join(WORST[name](*measured) for name, measured in self.worst.items())

    def __str__(self):
        words = [f"{self.name}: {self.cases} cases", f"{self.wrong} violations"]
        words += [f"seed {self.seeds_text}"] if self.seeds else []
        return ", ".join(words + ([self.worst_text] if self.worst else []))


def count(name, cases=1, wrong=0, seed=None, **worst):
    parts.setdefault(name, Part(name)).add(cases, wrong, None if seed is None else [seed, seed], worst)


def save():
    path = os.environ.get("PULLAMA_CAMPAIGN")
    if not path:
        return
    with open(path, "a", encoding="utf-8") as file:
        for part in parts.values():
            file.write(json.dumps({"part": part.name, "cases": part.cases, "wrong": part.wrong, "seeds": part.seeds,
                                   "worst": part.worst}) + "\n")


def load(paths):
    """The parts of all files, in the order of their names."""
    found = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            sums = json.loads(line)
            name = sums.pop("part")
            found.setdefault(name, Part(name)).add(**sums)
    return [found[name] for name in sorted(found)]


def repeat(test, **environment):
    """The command that repeats a test, with PULLAMA and the variables that are given."""
    words = {"PULLAMA": os.environ.get("PULLAMA", "build/pullama"), **environment}
    return " ".join([*(f"{name}={shlex.quote(str(value))}" for name, value in words.items()), sys.executable,
                     "-m pytest -q", shlex.quote(os.path.relpath(test))])
