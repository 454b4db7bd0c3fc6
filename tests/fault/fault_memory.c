/* Stands in for what gives memory: the system's allocators, and the libraries' makers of objects.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/evp.h>

#include "fault.h"

static bool fails(const char *name)
{
    return fault_fails(FAULT_CAN(FAULT_MEMORY), name);
}

FAULT_WRAP(void *, malloc, (size_t size))
{
    return fails("malloc") ? NULL : __real_malloc(size);
}

FAULT_WRAP(void *, calloc, (size_t count, size_t size))
{
    return fails("calloc") ? NULL : __real_calloc(count, size);
}

FAULT_WRAP(void *, realloc, (void *old, size_t size))
{
    return fails("realloc") ? NULL : __real_realloc(old, size);
}

FAULT_WRAP(char *, strdup, (const char *text))
{
    return fails("strdup") ? NULL : __real_strdup(text);
}

FAULT_WRAP(char *, strndup, (const char *text, size_t length))
{
    return fails("strndup") ? NULL : __real_strndup(text, length);
}

static int __attribute__((format(printf, 2, 0))) print(char **out, const char *format, va_list args)
{
    return fails("asprintf") ? -1 : vasprintf(out, format, args);
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = print(out, format, args);
    va_end(args);
    return length;
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
    (void)flag;
    va_list args;
    va_start(args, format);
    int length = print(out, format, args);
    va_end(args);
    return length;
}

FAULT_WRAP(CURL *, curl_easy_init, (void))
{
    return fails("curl_easy_init") ? NULL : __real_curl_easy_init();
}

FAULT_WRAP(CURLM *, curl_multi_init, (void))
{
    return fails("curl_multi_init") ? NULL : __real_curl_multi_init();
}

FAULT_WRAP(CURLU *, curl_url, (void))
{
    return fails("curl_url") ? NULL : __real_curl_url();
}

FAULT_WRAP(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text))
{
    return fails("curl_slist_append") ? NULL : __real_curl_slist_append(list, text);
}

FAULT_WRAP(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy))
{
    return fails("curl_multi_add_handle") ? CURLM_OUT_OF_MEMORY
                                          : __real_curl_multi_add_handle(multi, easy);
}

FAULT_WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void))
{
    return fails("EVP_MD_CTX_new") ? NULL : __real_EVP_MD_CTX_new();
}

void *fault_json_malloc(size_t size)
{
    return fails(FAULT_JSON) ? NULL : __real_malloc(size);
}
