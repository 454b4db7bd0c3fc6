"""Counts of the fault campaign: what each part tried, and how often a promise was broken.

A part counts its cases one by one with count(), or marks its tests with pytest.mark.campaign(PART): then each
test is a case. What was counted is told at the end of the run, and appended to the file that PULLAMA_CAMPAIGN
names, a JSON object a line; tools/count-results makes a table of such files.
"""
import json
import os
import sys

SEED = int(os.environ.get("PULLAMA_SEED", "1"))
parts = {}
# What a part may measure, and how the worst of it is told.
WORST = {"again": "at most {0} bytes ({1})", "longest": "{0:.2f} s ({1})"}


class Part:
    """One part's sums: cases and wrong ones, and the worst of what it measured."""

    def __init__(self, name):
        self.name, self.cases, self.wrong, self.seeds, self.worst = name, 0, 0, None, {}

    def add(self, cases=1, wrong=0, seed=None, **worst):
        """worst: name → (number, what it was like); the largest number is kept."""
        self.cases += cases
        self.wrong += wrong
        if seed is not None:
            low, high = self.seeds or (seed, seed)
            self.seeds = [min(low, seed), max(high, seed)]
        for name, measured in worst.items():
            self.worst[name] = max(list(measured), self.worst.get(name, [-1, ""]))

    def __str__(self):
        low, high = self.seeds or (None, None)
        seeds = f", seed {low}" if low == high else f", seeds {low} to {high}"
        worst = "".join(f", {name} {WORST[name].format(*measured)}" for name, measured in self.worst.items())
        return f"{self.name}: {self.cases} cases, {self.wrong} violations{seeds if self.seeds else ''}{worst}"

    def line(self):
        return json.dumps({"part": self.name, "cases": self.cases, "wrong": self.wrong, "seeds": self.seeds,
                           "worst": self.worst})


def part(name):
    return parts.setdefault(name, Part(name))


def count(name, **sums):
    part(name).add(**sums)


def repeat(file, **environment):
    """The command that repeats a case of a test file: PULLAMA and the variables that are given."""
    words = {"PULLAMA": os.environ.get("PULLAMA", "build/pullama"), **environment}
    return " ".join([*(f"{name}={value}" for name, value in words.items()), sys.executable, "-m pytest -q",
                     os.path.relpath(file)])


def save():
    path = os.environ.get("PULLAMA_CAMPAIGN")
    if path and parts:
        with open(path, "a", encoding="utf-8") as file:
            file.write("".join(one.line() + "\n" for one in parts.values()))
