"""The program starts."""


def test_version_says_its_number(pullama):
    assert "pullama" in pullama.run("version").ended(0).out
