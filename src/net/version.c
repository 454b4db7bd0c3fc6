/* The network library's own account of what it was built with. */
#include <curl/curl.h>

#include "pullama/engine.h"

const char *plm_version_libraries(void)
{
    return curl_version();
}
