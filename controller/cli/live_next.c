/* The commands that are of use in the state that a rollout is in. */
#include <inttypes.h>

#include "controller/cli/live.h"

static bool any_step_failed (const struct view *view)
{
    for (size_t i = 0; i < view->state.steps_count; i++)
        if (view->state.steps[i].state == STEP_FAILED)
            return true;
    return false;
}

static void add_command (struct buffer *out, const char *word, uint64_t rollout, const char *more)
{
    buffer_print (out, "%srelevo rollout %s %" PRIu64 "%s", out->size > 0 ? " | " : "", word, rollout, more);
}

/* For a step that people decide. */
static void next_decision (const struct view_step *step, uint64_t rollout, struct buffer *out)
{
    if (step == NULL || step->kind == STEP_PAUSE) {
        add_command (out, "promote", rollout, "");
        add_command (out, "abort", rollout, "");
        return;
    }
    add_command (out, "approve", rollout, " --key NAME");
    if (step->optional)
        add_command (out, "skip", rollout, " --key NAME -m WHY");
    add_command (out, "reject", rollout, " --key NAME -m WHY");
}

void live_next (const struct view *view, struct buffer *ret)
{
    const struct view_head *head = &view->state.head;
    const struct view_step *step = view_step_numbered (view, head->step);
    bool pausing = step != NULL && step->kind == STEP_PAUSE;
    struct buffer out = {0};
    switch (head->phase) {
    case PHASE_PROGRESSING:
        add_command (&out, pausing ? "promote" : "pause", head->rollout, "");
        add_command (&out, "abort", head->rollout, "");
        break;
    case PHASE_AWAITING:
        next_decision (step, head->rollout, &out);
        break;
    case PHASE_PAUSED:
        add_command (
            &out,
            any_step_failed (view) ? "retry"
            : pausing              ? "promote"
                                   : "resume",
            head->rollout, "");
        if (head->overridable)
            add_command (&out, "override", head->rollout, " --key NAME -m WHY");
        add_command (&out, "abort", head->rollout, "");
        break;
    case PHASE_HEALTHY:
        add_command (&out, "undo", head->rollout, "");
        break;
    case PHASE_DEGRADED:
    case PHASE_ABORTED:
    case PHASE_ROLLED_BACK:
        buffer_text (&out, "relevo host list | relevo audit verify");
        break;
    case PHASE_RETURNING:
    case phase_count:
        break;
    }
    if (out.size > 0)
        buffer_append (ret, out.data, out.size);
    buffer_free (&out);
}
