"""What the parts of the fault campaign count adds up to a table, and what failed can be repeated."""
import json
import subprocess
from pathlib import Path

from support import campaign

ROOT = Path(__file__).resolve().parents[2]


def line(part, cases, wrong=0, seeds=None, **worst):
    return json.dumps({"part": part, "cases": cases, "wrong": wrong, "seeds": seeds, "worst": worst}) + "\n"


def table_of(folder):
    return subprocess.run([ROOT / "tools/campaign-table", folder], capture_output=True, text=True, check=True).stdout


def test_the_sums_of_all_runs_stand_in_the_table(tmp_path):
    (tmp_path / "a.campaign").write_text(line("power cuts", 1500, seeds=[3, 9], again=[10, 1000, "fresh/1"])
                                         + line("kills", 2, wrong=1))
    (tmp_path / "b.campaign").write_text(line("power cuts", 20, seeds=[1, 4], again=[70, 1000, "fresh/2"])
                                         + line("interrupts", 1, longest=[0.25, "hashing"]))
    head, *rows = table_of(tmp_path).splitlines()
    assert head.split()[:3] == ["campaign", "cases", "violations"]
    assert [row.split()[:3] for row in rows] == [["interrupts", "1", "0"], ["kills", "2", "1"], ["power", "cuts", "1,520"]]
    assert "0.25 s (hashing)" in rows[0]
    assert "1 to 9" in rows[2] and "at most 70 bytes fetched again, 7.0% of 1,000 (fresh/2)" in rows[2]


def test_without_a_campaign_there_is_no_table(tmp_path):
    assert table_of(tmp_path) == ""


def test_the_command_that_repeats_a_test_can_be_pasted(monkeypatch):
    monkeypatch.setenv("PULLAMA", "build/pullama")
    monkeypatch.chdir(ROOT)
    words = campaign.repeat(ROOT / "tests/e2e/test_x.py::test_y[a b]", PULLAMA_SEED=7)
    assert words.startswith("PULLAMA=build/pullama PULLAMA_SEED=7 ")
    assert words.endswith(" -m pytest -q 'tests/e2e/test_x.py::test_y[a b]'")
