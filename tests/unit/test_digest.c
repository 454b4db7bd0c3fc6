#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pullama/digest.h"

#define EMPTY_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digests_match_the_standard(void **state)
{
    (void)state;
    struct plm_error err = {0};
    struct plm_digest digest;
    char text[PLM_DIGEST_TEXT];
    assert_true(plm_digest_of(NULL, 0, &digest, &err));
    assert_string_equal(plm_digest_format(&digest, text), "sha256:" EMPTY_HEX);
    assert_true(plm_digest_of("abc", 3, &digest, &err));
    assert_string_equal(plm_digest_format(&digest, text), "sha256:" ABC_HEX);
    assert_string_equal(plm_digest_file_name(&digest, text), "sha256-" ABC_HEX);
}

static void a_hash_takes_pieces_and_starts_anew_after_its_end(void **state)
{
    (void)state;
    struct plm_error err = {0};
    plm_auto(plm_hash_freep) struct plm_hash *hash = NULL;
    struct plm_digest digest;
    char text[PLM_DIGEST_TEXT];
    assert_true(plm_hash_new(&hash, &err));
    for (int round = 0; round < 2; round++) {
        assert_true(plm_hash_update(hash, "a", 1, &err));
        assert_true(plm_hash_update(hash, NULL, 0, &err));
        assert_true(plm_hash_update(hash, "bc", 2, &err));
        assert_true(plm_hash_final(hash, &digest, &err));
        assert_string_equal(plm_digest_format(&digest, text), "sha256:" ABC_HEX);
    }
    plm_hash_free(NULL);
}

static void only_the_exact_form_is_a_digest(void **state)
{
    (void)state;
    static const char good[] = "sha256:" ABC_HEX;
    struct plm_error err = {0};
    struct plm_digest digest, other;
    assert_true(plm_digest_parse(good, strlen(good), &digest, &err));
    assert_true(plm_digest_of("abc", 3, &other, &err));
    assert_true(plm_digest_equal(&digest, &other));
    other.sha256[31] ^= 1;
    assert_false(plm_digest_equal(&digest, &other));

    static const char *const bad[] = {
        "",
        "sha256:",
        ABC_HEX,
        "sha256-" ABC_HEX,
        "SHA256:" ABC_HEX,
        "sha512:" ABC_HEX,
        "sha256:" ABC_HEX "0",
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:../../../../../../../../../../../../../../../../../../../../../.",
        " sha256:" ABC_HEX,
    };
    for (size_t i = 0; i < PLM_COUNT(bad); i++) {
        err = (struct plm_error){0};
        struct plm_digest out = digest;
        assert_false(plm_digest_parse(bad[i], strlen(bad[i]), &out, &err));
        assert_int_equal(err.code, PLM_E_BAD_NAME);
        assert_true(plm_digest_equal(&out, &digest));
    }
    assert_false(plm_digest_parse(good, strlen(good) - 1, &digest, NULL));
}

static void digests_have_one_order(void **state)
{
    (void)state;
    struct plm_digest low = {{0}}, high = {{0}};
    low.sha256[PLM_DIGEST_BYTES - 1] = 0xff;
    high.sha256[0] = 0x80; /* bytes have no sign */
    assert_true(plm_digest_compare(&low, &high) < 0);
    assert_true(plm_digest_compare(&high, &low) > 0);
    assert_int_equal(plm_digest_compare(&low, &low), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_match_the_standard),
        cmocka_unit_test(a_hash_takes_pieces_and_starts_anew_after_its_end),
        cmocka_unit_test(only_the_exact_form_is_a_digest),
        cmocka_unit_test(digests_have_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
