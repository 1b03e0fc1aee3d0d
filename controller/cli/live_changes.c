#include <inttypes.h>
#include <string.h>

#include "controller/cli/live.h"
#include "controller/cli/output.h"

static void begin (const struct view *view, struct buffer *out)
{
    char time[TIME_TEXT_SIZE];
    buffer_print (out, "%s ", instant_print (view->state.at, time));
}

/* ": TEXT" where there is one, and the end of the line. */
static void finish (const char *text, struct buffer *out)
{
    if (text[0] != '\0')
        buffer_text (out, ": ");
    buffer_plain (out, text);
    buffer_text (out, "\n");
}

static void step_change (
    const struct view *before, const struct view *after, const struct view_step *step, struct buffer *out)
{
    const struct view_step *old = view_step_numbered (before, step->number);
    enum step_state known = old != NULL ? old->state : STEP_WAITING;
    /* Hosts tell of themselves; each approval is told here. */
    bool more = step->state == STEP_RUNNING && old != NULL && old->done != step->done &&
                (step->kind == STEP_MANUAL || step->kind == STEP_SIGNOFF);
    if (step->state == known && !more)
        return;
    begin (after, out);
    buffer_print (out, "step %" PRIu64 " ", step->number);
    buffer_plain (out, step->title);
    /* The words of a skipped step say so themselves, with who and why. */
    if (step->state != STEP_SKIPPED || step->detail[0] == '\0')
        buffer_print (out, " %s", enum_word (&step_state_words, step->state));
    buffer_text (out, " ");
    live_step_words (step, out);
    finish ("", out);
}

static void host_change (
    const struct view *before, const struct view *after, const struct view_host *host, struct buffer *out)
{
    const struct view_host *old = view_host_named (before, host->name);
    enum activity known = old != NULL ? old->activity : ACTIVITY_IDLE;
    if (host->activity == known)
        return;
    begin (after, out);
    buffer_text (out, "host ");
    buffer_plain (out, host->name);
    buffer_print (out, " %s", enum_word (&activity_words, host->activity));
    buffer_text (out, host->version[0] != '\0' ? " " : "");
    buffer_plain (out, host->version);
    finish (host->detail, out);
}

static void phase_change (const struct view *before, const struct view *after, struct buffer *out)
{
    const struct view_head *head = &after->state.head;
    if (before->state.whole && before->state.head.phase == head->phase &&
        strcmp (before->state.head.cause, head->cause) == 0)
        return;
    begin (after, out);
    buffer_print (out, "rollout %" PRIu64 " ", head->rollout);
    buffer_plain (out, head->product);
    buffer_text (out, " ");
    buffer_plain (out, head->version);
    buffer_print (
        out, " %s step %" PRIu64 "/%" PRIu64, enum_word (&phase_words, head->phase), head->step, head->steps);
    finish (head->cause, out);
}

void live_changes (const struct view *before, const struct view *after, struct buffer *out)
{
    for (size_t i = 0; i < after->state.hosts_count; i++)
        host_change (before, after, &after->state.hosts[i], out);
    for (size_t i = 0; i < after->state.steps_count; i++)
        step_change (before, after, &after->state.steps[i], out);
    phase_change (before, after, out);
}
