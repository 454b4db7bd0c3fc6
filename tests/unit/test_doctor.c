#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/doctor.h"

static void hosts_are_told_from_models(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "https://x",          "http://r/",     "http://127.0.0.1:5000", "localhost",
        "localhost:5000",     "127.0.0.1",     "127.0.0.1:5000",        "[::1]",
        "[::1]:5000",         "r.example.org", "r.example.org:5000",    "registry.ollama.ai",
        "https+insecure://r",
    };
    static const char *const models[] = {
        "",           "llama3.2",        "llama3.2:3b",       "mistral",        "mistral:latest",
        "ns/model",   "localhost/m",     "r.example.org/n/m", "r.example.org/", "http://r/v2/",
        "http://",    "r.example.org:x", "r.example.org:",    "model.1b",       "model.x",
        "localhostx", "127.0.0",         "https://r/n/m:t",
    };
    for (size_t i = 0; i < PLM_COUNT(hosts); i++)
        if (!plm_doctor_is_host(hosts[i]))
            fail_msg("'%s' is a host", hosts[i]);
    for (size_t i = 0; i < PLM_COUNT(models); i++)
        if (plm_doctor_is_host(models[i]))
            fail_msg("'%s' is no host", models[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_told_from_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
