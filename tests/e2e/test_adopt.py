"""Progress of other programs is taken over; its claims are no proof, the final hash decides."""
import pytest
from support import model
from support.model import MIB
from support.store import age, blob_name, check_model, leave_ollama_partial, leave_pullama_partial


@pytest.fixture
def tiny(registry):
    return registry.add("library/m", "latest", model.small(8 * MIB))


def finish(pullama, store, registry, tiny):
    result = pullama.pull(registry.name("library/m"), "--chunk-size", "1MiB").ended(0)
    check_model(store, registry, "library/m", "latest", tiny)
    return result


@pytest.mark.parametrize("with_digests", [True, False])
def test_pullamas_partial_is_taken_over(pullama, store, registry, tiny, with_digests):
    leave_pullama_partial(store, tiny.layers[0], verified=5, with_digests=with_digests)
    result = finish(pullama, store, registry, tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 3 * MIB + 64 * 1024
    adopted = result.named("blob_adopted")[0]
    assert "Pullama" in str(adopted)


def test_pullamas_partial_with_everything_needs_no_byte(pullama, store, registry, tiny):
    leave_pullama_partial(store, tiny.layers[0], verified=8)
    finish(pullama, store, registry, tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) == 0


def test_pullamas_partial_with_damage_ends_right_all_the_same(pullama, store, registry, tiny):
    partial, _ = leave_pullama_partial(store, tiny.layers[0], verified=5)
    with open(partial, "r+b") as stream:
        stream.seek(2 * MIB)
        stream.write(b"damage")
    finish(pullama, store, registry, tiny)


@pytest.mark.parametrize("changes", [
    {"version": 2}, {"size": 5}, {"digest": "sha256:" + "1" * 64}, {"chunks": None}, {"chunks": [{}]},
    {"chunks": [{"start": 0, "end": 1 << 60, "verified": True}]},
    {"chunks": [{"start": -5, "end": 10, "verified": True}]},
    {"chunks": [{"start": 10, "end": 5, "verified": True}]},
    {"chunks": [{"start": 0, "end": 100, "verified": True}, {"start": 50, "end": 150, "verified": True}]},
], ids=range(9))
def test_pullamas_checkpoint_with_nonsense_is_no_obstacle(pullama, store, registry, tiny, changes):
    leave_pullama_partial(store, tiny.layers[0], verified=5, **changes)
    finish(pullama, store, registry, tiny)


def test_pullamas_partial_shorter_than_its_checkpoint(pullama, store, registry, tiny):
    leave_pullama_partial(store, tiny.layers[0], verified=5, total=2 * MIB)
    finish(pullama, store, registry, tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 6 * MIB + 64 * 1024


def test_pullamas_partial_that_is_a_link_is_left_alone(pullama, store, registry, tiny, tmp_path):
    partial, _ = leave_pullama_partial(store, tiny.layers[0], verified=5)
    precious = tmp_path / "precious"
    partial.rename(precious)
    before = precious.read_bytes()
    partial.symlink_to(precious)
    pullama.pull(registry.name("library/m")).ended(0)
    assert precious.read_bytes() == before
    partial.unlink(missing_ok=True)


def test_ollamas_partial_is_taken_over(pullama, store, registry, tiny):
    leave_ollama_partial(store, tiny.layers[0], [
        (0, 4 * MIB, 3 * MIB, 3 * MIB), (4 * MIB, 4 * MIB, 2 * MIB, 2 * MIB)])
    result = finish(pullama, store, registry, tiny)
    assert registry.blob_bytes(tiny.layers[0].digest) <= 3 * MIB + 64 * 1024
    assert "Ollama" in str(result.named("blob_adopted")[0])


def test_ollamas_counts_are_no_proof(pullama, store, registry, tiny):
    leave_ollama_partial(store, tiny.layers[0], [
        (0, 4 * MIB, 4 * MIB, MIB), (4 * MIB, 4 * MIB, 2 * MIB, 0)])
    finish(pullama, store, registry, tiny)


@pytest.mark.parametrize("state", [b"", b"{}", b"[1]", b'{"N":0,"Offset":-1,"Size":5,"Completed":9}',
                                   b'{"N":0,"Offset":9223372036854775807,"Size":9223372036854775807,"Completed":1}'])
def test_ollamas_state_with_nonsense_is_no_obstacle(pullama, store, registry, tiny, state):
    leave_ollama_partial(store, tiny.layers[0], [(0, 8 * MIB, MIB, MIB)])
    path = store / "blobs" / (blob_name(tiny.layers[0].digest) + "-partial-0")
    path.write_bytes(state)
    age(path)
    finish(pullama, store, registry, tiny)


def test_blob_names_of_old_versions_are_understood(pullama, store, registry, tiny):
    layer = tiny.layers[0]
    (store / "blobs").mkdir(parents=True)
    (store / "blobs" / layer.digest).write_bytes(layer.data)
    finish(pullama, store, registry, tiny)
    assert registry.blob_bytes(layer.digest) == 0


@pytest.mark.broken_store
def test_a_partial_that_ollama_is_writing_is_left_alone(pullama, store, registry, tiny):
    partial = leave_ollama_partial(store, tiny.layers[0], [(0, 8 * MIB, MIB, MIB)])
    partial.touch()
    result = pullama.pull(registry.name("library/m")).ended(0)
    assert result.named("blob_adopted") == [] and partial.exists()
