/** Which version this is, and what it was built with. Any thread. */
#pragma once

#include "pullama/defs.h"

/** The version, "1.2.3". */
PLM_API const char *plm_version(void);
/** Versions of the network libraries in use, in one line. */
PLM_API const char *plm_version_libraries(void);
