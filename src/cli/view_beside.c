/* Jobs that run beside each other: what the view knows of each, while another one's event is shown.
 */
#include "cli/view_parts.h"

#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 32

struct plm_view_context {
    struct plm_snapshot snapshot;
    struct plm_pace pace;
    struct plm_burst burst;
    char model[PLM_REF_TEXT];
    enum plm_scheme scheme;
    bool pushes;
};

static struct plm_view_context *context_of(struct plm_view *view, uint32_t job)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (view->contexts[i] && view->contexts[i]->snapshot.job == job)
            return view->contexts[i];
    }
    return NULL;
}

static void keep(struct plm_view *view)
{
    struct plm_view_context *context = context_of(view, view->snapshot.job);
    for (size_t i = 0; !context && i < JOBS_MAX; i++) {
        if (!view->contexts[i])
            context = view->contexts[i] = calloc(1, sizeof(*context));
    }
    if (!context)
        return; /* its lines come a little too often then */
    context->snapshot = view->snapshot;
    context->pace = view->pace;
    context->burst = view->burst;
    context->scheme = view->scheme;
    context->pushes = view->pushes;
    memcpy(context->model, view->model, sizeof(context->model));
}

bool plm_view_turn_to(struct plm_view *view, uint32_t job)
{
    if (!view->contexts)
        view->contexts = calloc(JOBS_MAX, sizeof(struct plm_view_context *));
    if (!view->contexts || view->snapshot.job == job)
        return false;
    keep(view);
    const struct plm_view_context *context = context_of(view, job);
    if (!context)
        return false;
    view->snapshot = context->snapshot;
    view->pace = context->pace;
    view->burst = context->burst;
    view->scheme = context->scheme;
    view->pushes = context->pushes;
    memcpy(view->model, context->model, sizeof(view->model));
    return true;
}

void plm_view_forget(struct plm_view *view, uint32_t job)
{
    for (size_t i = 0; view->contexts && i < JOBS_MAX; i++) {
        if (!view->contexts[i] || (job != 0 && view->contexts[i]->snapshot.job != job))
            continue;
        free(view->contexts[i]);
        view->contexts[i] = NULL;
    }
    if (job == 0) {
        free(view->contexts);
        view->contexts = NULL;
    }
}
