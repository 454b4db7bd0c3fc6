/* Hosts that asked for patience, and until when. */
#include "net/hosts.h"

#include <stdio.h>
#include <string.h>

int64_t plm_hosts_wait(const struct plm_hosts *hosts, const char *host, int64_t now_ms)
{
    for (size_t i = 0; i < PLM_COUNT(hosts->held); i++) {
        const struct plm_host_hold *hold = &hosts->held[i];
        if (hold->until_ms > now_ms && strcmp(hold->host, host) == 0)
            return hold->until_ms - now_ms;
    }
    return 0;
}

static bool asks_for_patience(const struct plm_http_outcome *outcome)
{
    int status = outcome->head.status;
    return outcome->end == PLM_HTTP_ANSWERED && outcome->head.retry_after_ms > 0 &&
           (status == 429 || status >= 500);
}

void plm_hosts_note(struct plm_hosts *hosts, const char *host,
                    const struct plm_http_outcome *outcome, int64_t now_ms)
{
    if (!asks_for_patience(outcome))
        return;
    struct plm_host_hold *slot = &hosts->held[0];
    for (size_t i = 0; i < PLM_COUNT(hosts->held); i++) {
        struct plm_host_hold *hold = &hosts->held[i];
        if (strcmp(hold->host, host) == 0) {
            slot = hold;
            break;
        }
        if (hold->until_ms < slot->until_ms)
            slot = hold;
    }
    int64_t until = now_ms + outcome->head.retry_after_ms;
    if (strcmp(slot->host, host) == 0 && slot->until_ms > until)
        return;
    (void)snprintf(slot->host, sizeof(slot->host), "%s", host);
    slot->until_ms = until;
}
