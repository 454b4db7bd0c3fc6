/* The network library's own account of what it was built with. */
#include "pullama/version.h"

#include "net/http.h"

#include <curl/curl.h>

const char *plm_version_libraries(void)
{
    return curl_version();
}

void plm_http_authorities(const char **file, const char **folder)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    *file = built->cainfo;
    *folder = built->capath;
}
