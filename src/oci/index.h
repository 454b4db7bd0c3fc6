/** Telling indexes (manifest lists) from manifests. */
#pragma once

#include "base/json.h"

/** True when a parsed document is an index, by its media type or by its `manifests` array. */
bool plm_index_is(const struct plm_json *root);
