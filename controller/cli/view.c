#include "controller/cli/view.h"

#include <assert.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "proto/codec.h"

const struct view_step *view_step_numbered (const struct view *view, uint64_t number)
{
    for (size_t i = 0; i < view->state.steps_count; i++)
        if (view->state.steps[i].number == number)
            return &view->state.steps[i];
    return NULL;
}

const struct view_host *view_host_named (const struct view *view, const char *name)
{
    for (size_t i = 0; i < view->state.hosts_count; i++)
        if (strcmp (view->state.hosts[i].name, name) == 0)
            return &view->state.hosts[i];
    return NULL;
}

static void merge_step (struct progress *state, const struct view_step *step)
{
    for (size_t i = 0; i < state->steps_count; i++)
        if (state->steps[i].number == step->number) {
            state->steps[i] = *step;
            return;
        }
    state->steps[state->steps_count++] = *step;
}

static void merge_host (struct progress *state, const struct view_host *host)
{
    for (size_t i = 0; i < state->hosts_count; i++)
        if (strcmp (state->hosts[i].name, host->name) == 0) {
            state->hosts[i] = *host;
            return;
        }
    state->hosts[state->hosts_count++] = *host;
}

/* The old state with the changes in it. Its texts still belong to both. */
static struct progress merged (const struct progress *old, const struct progress *change, struct arena *arena)
{
    struct progress state = *change;
    state.whole = true;
    state.steps = arena_array (arena, old->steps_count + change->steps_count, sizeof *state.steps);
    state.hosts = arena_array (arena, old->hosts_count + change->hosts_count, sizeof *state.hosts);
    state.steps_count = 0;
    state.hosts_count = 0;
    for (size_t i = 0; i < old->steps_count; i++)
        state.steps[state.steps_count++] = old->steps[i];
    for (size_t i = 0; i < old->hosts_count; i++)
        state.hosts[state.hosts_count++] = old->hosts[i];
    for (size_t i = 0; i < change->steps_count; i++)
        merge_step (&state, &change->steps[i]);
    for (size_t i = 0; i < change->hosts_count; i++)
        merge_host (&state, &change->hosts[i]);
    return state;
}

/* A copy that belongs to nobody else, by way of the codec. A change that makes the state larger than any
   message may be is answered like a gap. */
static bool keep (struct view *view, const struct progress *state)
{
    struct buffer bytes = {0};
    struct arena arena = {0};
    struct progress copy;
    bool kept = codec_encode (&progress_type, state, &bytes, NULL) &&
                codec_decode (&progress_type, buffer_bytes (&bytes), &arena, &copy, NULL);
    buffer_free (&bytes);
    if (!kept) {
        arena_free (&arena);
        return false;
    }
    arena_free (&view->arena);
    view->arena = arena;
    view->state = copy;
    return true;
}

enum view_merged view_merge (struct view *view, const struct progress *progress)
{
    struct arena arena = {0};
    struct progress state = *progress;
    bool kept;
    bool known = view->state.whole && view->state.head.rollout == progress->head.rollout;
    if (known && progress->whole && progress->sequence == view->state.sequence)
        return VIEW_SAME;
    if (!progress->whole) {
        if (known && progress->sequence <= view->state.sequence)
            return VIEW_SAME;
        if (!known || progress->sequence != view->state.sequence + 1)
            return VIEW_GAP;
        state = merged (&view->state, progress, &arena);
    }
    kept = keep (view, &state);
    arena_free (&arena);
    return kept ? VIEW_CHANGED : VIEW_GAP;
}

void view_free (struct view *view)
{
    arena_free (&view->arena);
    *view = (struct view){0};
}

bool phase_is_final (enum phase phase)
{
    return phase == PHASE_HEALTHY || phase == PHASE_DEGRADED || phase == PHASE_ABORTED ||
           phase == PHASE_ROLLED_BACK;
}

int phase_exit_code (enum phase phase)
{
    switch (phase) {
    case PHASE_HEALTHY:
        return CLI_DONE;
    case PHASE_DEGRADED:
    case PHASE_ABORTED:
        return CLI_FAILED;
    case PHASE_ROLLED_BACK:
        return CLI_ROLLED_BACK;
    case PHASE_AWAITING:
        return CLI_APPROVAL;
    case PHASE_PROGRESSING:
    case PHASE_PAUSED:
    case PHASE_RETURNING:
    case phase_count:
        break;
    }
    return CLI_RUNNING;
}
