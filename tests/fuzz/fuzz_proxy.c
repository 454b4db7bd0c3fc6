/* NO_PROXY: what it takes out depends on the URL alone, and `*` takes out all. Input: a line with
 * the URL, then the list. */
#include "fuzz.h"

#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *text = fuzz_line(&in), *list = fuzz_text(&in);
    struct plm_url url;
    (void)plm_url_is_proxy(text);
    (void)plm_url_is_proxy(list);
    if (plm_url_parse(text, &url, NULL)) {
        FUZZ_HOLDS(setenv("ALL_PROXY", "http://127.0.0.1:9", 1) == 0);
        FUZZ_HOLDS(setenv("NO_PROXY", "", 1) == 0);
        bool has_proxy = plm_url_env_proxy(&url) != NULL;
        FUZZ_HOLDS(setenv("NO_PROXY", list, 1) == 0);
        bool is_excepted = plm_url_env_proxy(&url) == NULL;
        FUZZ_HOLDS(has_proxy || is_excepted);
        FUZZ_HOLDS(is_excepted == (plm_url_env_proxy(&url) == NULL));
        size_t length = strlen(list) + 4;
        char *all = malloc(length);
        FUZZ_HOLDS(all);
        (void)snprintf(all, length, "%s, *", list);
        FUZZ_HOLDS(setenv("NO_PROXY", all, 1) == 0);
        FUZZ_HOLDS(!plm_url_env_proxy(&url));
        free(all);
    }
    free(text);
    free(list);
    return 0;
}
