"""The benchmark measures: what it reads is understood, a race is run, and it cleans up."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from harness import goals, machine, race, report, resume, sample, scenarios, server, site, stages  # noqa: E402

PROGRAM = os.environ.get("PULLAMA", str(ROOT / "build-check" / "pullama"))
needs_tools = pytest.mark.skipif(bool(machine.missing(machine.NEEDED)), reason="a program is not installed")


def test_what_other_programs_print_is_understood():
    usage = sample.parse_usage("1.5 0.25 0.5 2048 signal 9\n")
    assert (usage.wall, usage.cpu, usage.peak_kib, usage.end, usage.good) == (1.5, 0.75, 2048, "signal 9", False)
    first, second = server.parse_log("28080 206 1000 3 17.250 /v2/a b\n28443 200 5 4 18.000 /\n")
    assert (first.port, first.status, first.sent, first.connection, first.ended_at, first.path) == (
        28080, 206, 1000, 3, 17.25, "/v2/a b")
    assert second.port == server.TLS
    assert stages.parse_speed("+R:1:sha256:1.0\n+F:25:sha256:1737.29\n") == 1737.29
    table = "Inter-|   Receive\n    lo: 5 1 0\n  line: 10520 10 0 0\n"
    assert resume.received(table) == 10000
    assert resume.received("    lo: 5 1 0\n") == 0


def test_the_order_turns_and_everyone_runs_once_a_round():
    rounds = list(race.interleaved(["a", "b", "c"], 3))
    assert [names for _, names in rounds] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]


def test_the_short_run_is_smaller_everywhere():
    for scenario in scenarios.ALL:
        short = scenario.short()
        assert short.size * short.count <= scenario.size * scenario.count, scenario.name
        assert short.rounds <= scenario.rounds and short.limit <= scenario.limit
        assert (short.size * short.count, short.rounds) != (scenario.size * scenario.count, scenario.rounds)


def summary(name, wall, **changed):
    return {"name": name, "rounds": 3, "wall": wall, "cpu": 1.0, "server_cpu": 0.1, "peak_mib": 20.0,
            "sent_ratio": 1.0, "connections": 4, "intact": True, "late": False, "end": "exit 0", **changed}


def race_result(*summaries):
    return {"bytes": 1 << 30, "blobs": 1, "stages": {"receive": [2e9], "hash": [1e9, 1.2e9, 3e9], "disk": [1.5e9]},
            "link": None, "samples": {}, "summaries": list(summaries)}


def judged(scenarios_found):
    return {goal.what.split(" ")[0]: goal.reached for goal in goals.of(scenarios_found)}


def test_goals_are_judged_by_the_figures():
    fast = race_result(summary("pullama", 0.9), summary("aria2", 2.0), summary("curl", 60.0, late=True, intact=False))
    assert judged({"http": fast, "lan": fast})["unshaped"] is True
    assert judged({"lan": fast})["lan:"] is True
    slow = race_result(summary("pullama", 2.1), summary("aria2", 2.0))
    assert judged({"http": slow, "lan": slow})["unshaped"] is False
    assert judged({"lan": slow})["lan:"] is False
    broken = race_result(summary("pullama", 0.1, intact=False), summary("aria2", 2.0))
    assert judged({"lan": broken})["lan:"] is False
    assert judged({})["lan:"] is None
    large = race_result(summary("pullama", 1.0, peak_mib=32.1))
    assert judged({"wide": large})["peak"] is False
    small = dict(fast, link={"rate": 8 * (1 << 30), "rtt_ms": 50})  # 1 s, and 0.2 s of round trips
    assert judged({"small": small})["small"] is True
    assert judged({"small": dict(small, summaries=[summary("pullama", 2.5)])})["small"] is False


def test_tables_fit_a_hundred_columns():
    long_name = race_result(summary("pullama", 1234.567), summary("aria2", 2.0, late=True))
    text = "\n".join([report.table(scenarios.by_name("pinned"), long_name), goals.table({"http": long_name}, True)])
    assert max(map(len, text.splitlines())) <= 100


def test_a_program_that_hangs_is_ended(tmp_path):
    with site.Site() as grounds:
        bench = sample.Bench(grounds, grounds.compile("timed"))
        usage = bench.run(["sh", "-c", "sleep 100 & sleep 100"], tmp_path, seconds=0.2)
        assert usage.end == "late" and usage.wall < 50
        assert bench.run(["sh", "-c", "exit 3"], tmp_path).end == "exit 3"
        used = bench.run([sys.executable, "-c", "b = bytearray(100 << 20)"], tmp_path)
        assert 100 * 1024 < used.peak_kib < 200 * 1024
        assert bench.run(["true"], tmp_path).peak_kib < 16 * 1024
    assert not grounds.folder.exists()


def test_signals_mean_afterwards_what_they_meant_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with site.Site():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@needs_tools
def test_a_small_run_leaves_only_its_results(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    done = subprocess.run(
        [ROOT / "bench" / "run", "--quick", "--rounds", "1", "--only", "startup", "--only", "wide", "--pullama", PROGRAM,
         "--json", tmp_path / "out.json"], env={**os.environ, "TMPDIR": str(room)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "goals" in done.stdout and "startup: start-up" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["scenarios"]["startup"]["results"][0]["good"]
    wide = found["scenarios"]["wide"]
    assert wide["summaries"][0]["intact"] and wide["summaries"][0]["sent_ratio"] >= 1
    assert set(wide["stages"]) == {"receive", "hash", "disk"}
    assert not list(room.iterdir())


def test_what_is_missing_is_named(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "bench" / "run", "--only", "startup", "--pullama", tmp_path / "none"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "build it first" in done.stderr
    done = subprocess.run([sys.executable, ROOT / "bench" / "run", "--only", "nothing"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "no scenario nothing" in done.stderr
