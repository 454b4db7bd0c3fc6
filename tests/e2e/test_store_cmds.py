"""list, show, rm, cp and clean work from the store alone, and never harm a blob that is needed."""
import hashlib

import pytest
from support import model
from support.model import MIB, Layer, Model, noise
from support.store import (age, blob_name, blob_path, check_store, descriptors, install, leave_ollama_partial,
                           leave_pullama_partial, leftovers, manifest_path, snapshot)

HOST = "registry.ollama.ai"


@pytest.fixture
def llama(store):
    """library/llama:latest, as Ollama has it."""
    made = model.whole()
    install(store, HOST, "library/llama", "latest", made)
    return made


def test_list_says_name_id_size_and_age(pullama, store, llama):
    other = model.small(1000, 3)
    install(store, "hf.co", "Org/Repo-GGUF", "Q4_K_M", other)
    result = pullama.run("list").ended(0)
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[0][:4] == ["NAME", "ID", "SIZE", "MODIFIED"]
    by_name = {row[0]: row for row in rows[1:]}
    assert by_name["llama:latest"][1] == hashlib.sha256(llama.manifest).hexdigest()[:12]
    assert "hf.co/Org/Repo-GGUF:Q4_K_M" in by_name
    assert "ago" in result.out


def test_list_as_json_has_real_numbers(pullama, store, llama):
    result = pullama.run("list", "--output", "json").ended(0)
    row = result.named("list_model")[0]
    assert row["Name"] == "llama:latest" and row["Tag"] == "latest"
    assert row["Size"] == sum(entry["size"] for entry in descriptors(
        manifest_path(store, HOST, "library/llama", "latest")))
    assert row["ID"] == hashlib.sha256(llama.manifest).hexdigest()
    assert row["Family"] == "llama" and row["Quantization"] == "F16"
    assert result.last["event"] == "completed"


def test_list_takes_a_prefix_and_ls_is_list(pullama, store, llama):
    install(store, HOST, "library/mistral", "7b", model.small(1000, 3))
    out = pullama.run("ls", "mis").ended(0).out
    assert "mistral:7b" in out and "llama" not in out


@pytest.mark.parametrize("arguments", [["list"], ["list", "--output", "json"], ["clean"]])
def test_commands_that_read_make_no_store(pullama, store, arguments):
    pullama.run(*arguments).ended(0)
    assert not store.exists()


@pytest.mark.broken_store
def test_list_shows_the_others_when_one_manifest_is_broken(pullama, store, llama):
    bad = manifest_path(store, HOST, "library/bad", "latest")
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    result = pullama.run("list")
    assert "llama:latest" in result.out
    assert "bad" in result.err


def test_show_reads_the_weights_header_and_the_texts(pullama, store, llama):
    shown = pullama.run("show", "llama", "--output", "json").ended(0).named("show")[0]
    assert shown["Architecture"] == "llama" and shown["ContextLength"] == 2048
    assert shown["EmbeddingLength"] == 256 and shown["Quantization"] == "F16"
    assert shown["System"] == "You answer in one sentence." and "MIT License" in shown["License"]
    assert [layer["Kind"] for layer in shown["Layers"]] == [
        "model", "template", "license", "system", "params"]
    text = pullama.run("show", "llama").ended(0).out
    assert "2048" in text and "F16" in text and "MIT License" in text


@pytest.mark.parametrize("path", model.real_gguf(), ids=lambda path: path.name)
def test_show_reads_real_files(pullama, store, path):
    install(store, HOST, "library/real", "latest", Model([Layer("model", path.read_bytes())]))
    shown = pullama.run("show", "real", "--output", "json").ended(0).named("show")[0]
    # A copy that went through a text conversion is no GGUF any more; then the reason must be said.
    assert "byte" in shown["GGUFWarning"] if shown["GGUFWarning"] else shown["Architecture"]


@pytest.mark.parametrize("weights", [b"", b"GGUF", b"GGUF" + b"\xff" * 60, b"\0" * 4096, noise(5000)], ids=range(5))
def test_show_survives_weights_that_are_no_gguf(pullama, store, weights):
    install(store, HOST, "library/odd", "latest", Model([Layer("model", weights)]))
    assert pullama.run("show", "odd").ended(0).out


def test_show_prints_no_control_characters_of_a_model(pullama, store):
    evil = b"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m License\r\n"
    install(store, HOST, "library/evil", "latest", Model(
        [Layer("model", model.gguf.make(name="\x1b[31mred")), Layer("license", evil), Layer("system", evil)],
        b'{"model_family":"\\u001b[1m"}'))
    for output in ("table", "compact", "debug"):
        said = pullama.run("show", "evil", "--output", output).ended(0)
        assert "\x1b" not in said.out and "\x07" not in said.out and "\x9b" not in said.out


@pytest.mark.parametrize("verb", ["show", "rm"])
def test_a_model_that_is_not_there_is_4(pullama, store, llama, verb):
    result = pullama.run(verb, "nothing").ended(4)
    assert "nothing" in result.err


def test_rm_takes_the_manifest_its_blobs_and_empty_folders(pullama, store, llama):
    pullama.run("rm", "llama").ended(0)
    assert [path for path in store.rglob("*") if path.is_file() and ".pullm" not in path.parts] == []
    assert not (store / "manifests" / HOST).exists()


def test_rm_tells_what_it_would_do(pullama, store, llama):
    before = snapshot(store)
    result = pullama.run("rm", "--dry-run", "llama").ended(0)
    assert "would delete blob" in result.out and "deleted" not in result.out.replace("would delete", ""), result
    assert snapshot(store) == before
    events = pullama.run("rm", "--dry-run", "--output", "json", "llama").ended(0).named("rm_blob")
    assert events and all(event["DryRun"] for event in events)


def test_rm_of_several_would_free_what_it_frees(pullama, store, llama):
    install(store, HOST, "library/other", "latest", Model([llama.layers[0], Layer("template", b"other")]))
    told = [pullama.run("rm", "llama", "other", "--output", "json", *how).ended(0) for how in (("--dry-run",), ())]
    would, did = ([(event["Ref"], event["BytesReclaimed"]) for event in one.named("rm_done")] for one in told)
    assert would == did and len(did) == 2
    would, did = ([event["Blob"]["Digest"] for event in one.named("rm_blob")] for one in told)
    assert would == did and llama.layers[0].digest in str(did)


def test_rm_keeps_what_others_name(pullama, store, llama):
    shared = llama.layers[0]
    other = Model([shared, Layer("template", b"other")])
    # Names that a careless scan would overlook.
    install(store, HOST, "library/other", "v1.locked", other)
    pullama.run("rm", "llama").ended(0)
    assert blob_path(store, shared.digest).exists()
    assert not blob_path(store, llama.layers[2].digest).exists()
    check_store(store)


def test_rm_says_what_it_reclaimed(pullama, store, llama):
    result = pullama.run("rm", "llama", "--output", "json").ended(0)
    done = result.named("rm_done")[0]
    assert done["BlobsDeleted"] == 6 and done["BytesReclaimed"] >= 2 * MIB


def test_rm_of_several_goes_on_after_a_failure(pullama, store, llama):
    install(store, HOST, "library/two", "latest", model.small(1000, 3))
    pullama.run("rm", "nothing", "two").ended(4)
    assert not manifest_path(store, HOST, "library/two", "latest").exists()


@pytest.mark.broken_store
@pytest.mark.parametrize("content", ["{", "", "[]", '{"layers":5}', '{"layers":[{"digest":"sha256:../x","size":1}]}'])
def test_a_manifest_that_does_not_parse_stops_every_deletion(pullama, store, llama, content):
    bad = manifest_path(store, HOST, "library/bad", "latest")
    bad.parent.mkdir(parents=True)
    bad.write_text(content)
    before = snapshot(store / "blobs")
    result = pullama.run("rm", "llama").ended(1)
    assert str(bad) in result.err or "library/bad/latest" in result.err
    assert snapshot(store / "blobs") == before


def test_cp_copies_the_bytes_and_shares_the_blobs(pullama, store, llama):
    before = snapshot(store / "blobs")
    pullama.run("cp", "llama", "me/copy:v2").ended(0)
    assert manifest_path(store, HOST, "me/copy", "v2").read_bytes() == llama.manifest
    assert snapshot(store / "blobs") == before
    pullama.run("rm", "llama").ended(0)
    check_store(store)
    assert pullama.run("show", "me/copy:v2").ended(0)


def test_cp_of_nothing_is_4_and_makes_nothing(pullama, store, llama):
    pullama.run("cp", "nothing", "copy").ended(4)
    assert not manifest_path(store, HOST, "library/copy", "latest").exists()


def test_cp_onto_itself_changes_nothing(pullama, store, llama):
    before = snapshot(store / "manifests")
    pullama.run("cp", "llama", "llama:latest").ended(0)
    assert snapshot(store / "manifests") == before


def test_clean_takes_what_is_left_over_and_nothing_else(pullama, store, llama):
    layer = Layer("model", noise(2 * MIB, 9))
    leave_pullama_partial(store, layer, verified=1)
    partial = leave_ollama_partial(store, Layer("model", noise(2 * MIB, 8)), [(0, 2 * MIB, 1000, 1000)])
    age(*partial.parent.glob(partial.name + "*"), seconds=7200)
    (store / "blobs" / (blob_name(layer.digest) + ".lock")).touch()
    (store / ".pullm" / (blob_name(layer.digest) + ".json.tmp")).write_text("{")
    (store / ".pullm" / (blob_name(layer.digest) + ".partial")).write_bytes(b"x" * 5000)
    before = snapshot(store)
    dry = pullama.run("clean", "--dry-run", "--output", "json").ended(0)
    assert snapshot(store) == before and len(dry.named("clean_file")) == 7
    pullama.run("clean").ended(0)
    assert leftovers(store) == []
    check_store(store)
    assert pullama.run("clean", "--output", "json").ended(0).named("clean_file") == []


@pytest.mark.broken_store
def test_clean_leaves_what_ollama_may_be_writing(pullama, store, llama):
    partial = leave_ollama_partial(store, Layer("model", noise(2 * MIB, 8)), [(0, 2 * MIB, 1000, 1000)])
    pullama.run("clean").ended(0)
    assert partial.exists() and len(list(partial.parent.glob(partial.name + "*"))) == 2


def test_links_in_the_store_lead_nowhere(pullama, store, llama, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    (store / ".pullm").mkdir()
    trap = store / ".pullm" / ("sha256-" + "a" * 64 + ".partial")
    trap.symlink_to(precious / "file")
    (store / "manifests" / HOST / "evil").symlink_to(precious)
    pullama.run("clean")
    pullama.run("list")
    assert (precious / "file").read_text() == "keep me"
    trap.unlink(missing_ok=True)
    (store / "manifests" / HOST / "evil").unlink()


def test_keygen_prints_the_public_key(pullama):
    result = pullama.run("keygen", "--output", "json").ended(0)
    assert result.named("key")[0]["PublicKey"].startswith("ssh-ed25519 AAAA")


def test_help_and_version_need_no_store(pullama, store):
    for arguments in (["help"], ["help", "pull"], ["pull", "--help"], ["version"], ["--version"], ["--help"]):
        assert pullama.run(*arguments).ended(0).out.strip()
    assert not store.exists()


def test_cp_says_what_it_replaces(pullama, store, llama):
    install(store, HOST, "library/other", "latest", Model([Layer("template", b"other")]))
    assert "other:latest was another model, and is replaced" in pullama.run("cp", "llama", "other").ended(0).err
    assert "replaced" not in pullama.run("cp", "llama", "other").ended(0).err
