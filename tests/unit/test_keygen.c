#include "kind_world.h"

#include "net/sshkey.h"

static size_t slurp(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(out, 1, size - 1, file);
    out[got] = '\0';
    assert_int_equal(fclose(file), 0);
    return got;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void a_key_is_made_private_with_its_public_line(void **state)
{
    (void)state;
    char line[200], part[220];
    struct plm_sshkey key;
    struct plm_buf expected = PLM_BUF_INIT(200);
    mode_t old = umask(0);
    assert_int_equal(run_verb(PLM_VERB_KEYGEN, NULL), PLM_OK);
    (void)umask(old);
    assert_int_equal(mode_of(scratch_file("keys")), 0755);
    assert_int_equal(mode_of(scratch_file("keys/id_ed25519")), 0600);
    assert_int_equal(mode_of(scratch_file("keys/id_ed25519.pub")) & 0755, 0644);
    assert_true(plm_sshkey_load(scratch_file("keys/id_ed25519"), &key, NULL));
    assert_true(plm_sshkey_public_line(&key, &expected, NULL));
    (void)slurp(scratch_file("keys/id_ed25519.pub"), line, sizeof(line));
    assert_memory_equal(line, expected.bytes, expected.size);
    assert_string_equal(line + expected.size, "\n");
    (void)snprintf(part, sizeof(part), "\"PublicKey\":\"%s\",\"Created\":true", expected.bytes);
    assert_says(said(PLM_EV_KEY, 0), part);
    plm_buf_done(&expected);
    assert_int_not_equal(access(scratch_file("keys/id_ed25519.tmp"), F_OK), 0);
    assert_int_not_equal(access(scratch_file("keys/id_ed25519.lock"), F_OK), 0);
    assert_false(is_there("")); /* no models directory for a key */
}

static void a_key_that_is_there_is_told_and_not_touched(void **state)
{
    (void)state;
    char before[1000], after[1000];
    assert_int_equal(run_verb(PLM_VERB_KEYGEN, NULL), PLM_OK);
    size_t size = slurp(scratch_file("keys/id_ed25519"), before, sizeof(before));
    char *line = strstr(said(PLM_EV_KEY, 0), "\"PublicKey\"");
    char told[200];
    (void)snprintf(told, sizeof(told), "%.100s", line);
    assert_int_equal(unlink(scratch_file("keys/id_ed25519.pub")), 0);
    assert_int_equal(run_verb(PLM_VERB_KEYGEN, NULL), PLM_OK);
    assert_says(said(PLM_EV_KEY, 0), "\"Created\":false");
    assert_says(said(PLM_EV_KEY, 0), told);
    assert_int_equal(slurp(scratch_file("keys/id_ed25519"), after, sizeof(after)), size);
    assert_memory_equal(before, after, size);
    /* A run that was stopped in between is completed. */
    assert_int_equal(access(scratch_file("keys/id_ed25519.pub"), F_OK), 0);
}

static void a_file_that_is_no_key_is_not_replaced(void **state)
{
    (void)state;
    char after[100];
    assert_int_equal(mkdir(scratch_file("keys"), 0755), 0);
    FILE *file = fopen(scratch_file("keys/id_ed25519"), "wb");
    assert_non_null(file);
    assert_true(fputs("precious", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(run_verb(PLM_VERB_KEYGEN, NULL), PLM_E_AUTH);
    (void)slurp(scratch_file("keys/id_ed25519"), after, sizeof(after));
    assert_string_equal(after, "precious");
}

static void a_link_in_the_keys_place_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_file("keys"), 0755), 0);
    assert_int_equal(symlink("../elsewhere", scratch_file("keys/id_ed25519")), 0);
    assert_int_equal(run_verb(PLM_VERB_KEYGEN, NULL), PLM_E_AUTH);
    assert_int_not_equal(access(scratch_file("elsewhere"), F_OK), 0);
}

static void only_the_last_folder_is_made(void **state)
{
    (void)state;
    char models[300], key[300];
    struct plm_engine *engine = NULL;
    struct plm_job_spec spec = {.verb = PLM_VERB_KEYGEN};
    uint32_t id;
    (void)snprintf(models, sizeof(models), "%s/models", scratch_path);
    (void)snprintf(key, sizeof(key), "%s/no/such/id_ed25519", scratch_path);
    struct plm_engine_options options = {.models_dir = models, .key_path = key};
    assert_true(plm_engine_new(&options, (struct plm_sink){.emit = record}, &engine, NULL));
    assert_true(plm_engine_submit(engine, &spec, &id, NULL));
    while (plm_engine_step(engine, 1000))
        ;
    assert_int_equal(plm_engine_result(engine), PLM_E_IO);
    plm_engine_free(engine);
    assert_int_not_equal(access(scratch_file("no"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_key_is_made_private_with_its_public_line),
        WITH_WORLD(a_key_that_is_there_is_told_and_not_touched),
        WITH_WORLD(a_file_that_is_no_key_is_not_replaced),
        WITH_WORLD(a_link_in_the_keys_place_is_not_followed),
        WITH_WORLD(only_the_last_folder_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
