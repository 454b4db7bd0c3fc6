/* The network library's own account of what it was built with. */
#include "pullama/version.h"

#include <curl/curl.h>

const char *plm_version_libraries(void)
{
    return curl_version();
}
