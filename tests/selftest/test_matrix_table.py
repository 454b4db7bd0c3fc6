"""The table of network faults is whole, and its page says what the table says."""
import subprocess
from pathlib import Path

from support import matrix

ROOT = Path(__file__).resolve().parents[2]


def test_each_fault_stands_in_the_table_once_and_always():
    stated = [(name, times) for name, times, _ in matrix.rows()]
    assert stated == [(name, times) for name in matrix.FAULTS for times in matrix.TIMES]


def test_each_row_has_an_end_for_each_kind():
    for name, times, ends in matrix.rows():
        assert len(ends) == len(matrix.KINDS), (name, times)
        assert set(ends) <= {*matrix.STATUSES, "-"}, (name, times)


def test_a_sample_has_all_kinds_and_is_no_larger_than_asked_for():
    cells = matrix.cells()
    chosen = matrix.sample(cells, 40)
    assert {cell.kind for cell in chosen} == set(matrix.KINDS)
    assert {cell.times for cell in chosen} == set(matrix.TIMES)
    assert 35 <= len(chosen) <= 60 and set(chosen) <= set(cells)


def test_the_page_is_not_stale():
    result = subprocess.run([ROOT / "tools" / "network-faults", "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
