/* What people see of a rollout. At the end of a step, each rollout that somebody watches is drawn again; the
   parts that differ from what was told last go out as one change, under the rollout's next number. */
#include "controller/core/state.h"

#include <assert.h>
#include <string.h>

static bool is_waited_for (const struct host *host, const struct task *task)
{
    return host->stale && task->grant != NULL && task->receipt == NULL;
}

/* While a silent host holds a step up, or nobody believes this controller, that is the cause that people want
   to read. */
static const char *cause_of (
    const struct controller *controller, const struct rollout *rollout, struct arena *arena)
{
    const struct stage *stage = rollout_current (rollout);
    struct buffer names = {0};
    struct seat **silent;
    const char *cause = rollout->cause;
    struct error why;
    size_t count = 0;
    if (rollout_is_open (rollout) && !controller_is_believed (controller, &why))
        return line_format (arena, "%s", why.text);
    if (rollout->phase != PHASE_PROGRESSING || stage == NULL)
        return cause;
    silent = arena_array (arena, stage->step->hosts_count, sizeof (struct seat *));
    for (size_t i = 0; i < stage->step->hosts_count; i++)
        if (is_waited_for (stage->seats[i]->host, &stage->tasks[i]))
            silent[count++] = stage->seats[i];
    if (count == 0)
        return cause;
    silent_print (controller, silent, count, &names);
    cause = line_format (arena, "waiting for %s", names.data);
    buffer_free (&names);
    return cause;
}

/* Takes one more version into "the version before": the only one so far, or "several". */
static const char *agree (const struct plan *plan, const char *from, const char *version)
{
    if (version[0] == '\0' || strcmp (version, plan->version) == 0)
        return from;
    return from[0] == '\0' || strcmp (from, version) == 0 ? version : "several";
}

/* A host that does not run the release runs what it ran before. */
static const char *before (const struct plan *plan, const struct receipt *receipt)
{
    return strcmp (receipt->version, plan->version) == 0 ? receipt->previous : receipt->version;
}

/* By the receipts, which say what ran before; for hosts not reached yet, by what they run. */
static const char *from_of (const struct rollout *rollout)
{
    const char *from = "";
    for (size_t i = 0; i < rollout->paper_count; i++)
        if (rollout->papers[i]->receipt != NULL && rollout->papers[i]->receipt->kind == PERMIT_STEP)
            from = agree (&rollout->plan, from, before (&rollout->plan, rollout->papers[i]->receipt));
    for (size_t i = 0; i < rollout->seat_count; i++) {
        const struct seat *seat = &rollout->seats[i];
        const struct host_release *release = host_release_of (seat->host, rollout->plan.product);
        if (seat->deploy != NULL && seat->deploy->receipt == NULL && release != NULL &&
            rollout_is_open (rollout))
            from = agree (&rollout->plan, from, release->version);
    }
    return from;
}

static const char *approvers_of (const struct rollout *rollout, struct arena *arena)
{
    struct buffer names = {0};
    const char *line;
    for (size_t i = 0; i < rollout->gate.approval_count; i++) {
        const struct gate_approval *item = &rollout->gate.approvals[i];
        bool told = item->approval->decision != DECISION_APPROVE;
        for (size_t j = 0; j < i && !told; j++)
            told = rollout->gate.approvals[j].approval->decision == DECISION_APPROVE &&
                   public_key_equal (&rollout->gate.approvals[j].key, &item->key);
        if (!told)
            buffer_print (&names, "%s%s", names.size > 0 ? ", " : "", item->approval->name);
    }
    line = line_format (arena, "%s", names.size > 0 ? names.data : "");
    buffer_free (&names);
    return line;
}

void view_head (
    const struct controller *controller, const struct rollout *rollout, struct arena *arena,
    struct view_head *ret)
{
    const struct stage *stage = rollout_current (rollout);
    *ret = (struct view_head){
        .rollout = rollout->number,
        .name = rollout->plan.name,
        .product = rollout->plan.product,
        .version = rollout->plan.version,
        .from = from_of (rollout),
        .environment = plan_environment (&rollout->plan, stage != NULL ? stage->step->number : 0),
        .phase = rollout->phase,
        .cause = cause_of (controller, rollout, arena),
        .attempt = rollout->attempt,
        .step = stage != NULL ? stage->step->number : rollout->plan.steps_count,
        .steps = rollout->plan.steps_count,
        .by = rollout->by,
        .signers = rollout->signers,
        .approvers = approvers_of (rollout, arena),
        .started = rollout->started,
        .changed = rollout->changed,
        .plan = rollout->plan_digest,
        .overridable = rollout->phase == PHASE_PAUSED && rollout->plan.override_role[0] != '\0' &&
                       gate_overridable (&rollout->gate, NULL, NULL, 0) > 0};
}

static struct digest picture (const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct digest digest;
    struct error error;
    bool fits = codec_encode (type, record, &bytes, &error);
    assert (fits);
    digest = digest_of (bytes.data, bytes.size);
    buffer_free (&bytes);
    return digest;
}

/* Replaces what was shown; true where it differs. */
static bool shows (struct digest *shown, const struct record_type *type, const void *record)
{
    struct digest digest = picture (type, record);
    bool differs = !digest_equal (shown, &digest);
    *shown = digest;
    return differs;
}

static bool host_differs (const struct turn *turn, struct seat *seat, const struct view_host *row)
{
    struct view_host still = *row;
    bool contacted = turn->refresh && seat->shown_seen.ms != row->seen.ms;
    bool differs;
    still.seen = (struct instant){0};
    differs = shows (&seat->shown, &view_host_type, &still) || contacted;
    if (differs)
        seat->shown_seen = row->seen;
    return differs;
}

/* Draws the rollout: everything into `whole`, what differs into `change`. True where anything does. */
static bool draw (struct turn *turn, struct rollout *rollout, struct progress *whole, struct progress *change)
{
    struct arena *arena = &turn->effects->arena;
    bool differs;
    *whole = (struct progress){.whole = true, .at = turn->now};
    view_head (turn->controller, rollout, arena, &whole->head);
    *change = (struct progress){.at = turn->now, .head = whole->head};
    differs = shows (&rollout->shown_head, &view_head_type, &whole->head);
    whole->steps = arena_array (arena, rollout->plan.steps_count, sizeof *whole->steps);
    change->steps = arena_array (arena, rollout->plan.steps_count, sizeof *change->steps);
    whole->hosts = arena_array (arena, rollout->seat_count, sizeof *whole->hosts);
    change->hosts = arena_array (arena, rollout->seat_count, sizeof *change->hosts);
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        struct view_step *row = &whole->steps[whole->steps_count++];
        view_step_fill (turn->controller, rollout, &rollout->stages[i], arena, row);
        if (shows (&rollout->stages[i].shown, &view_step_type, row))
            change->steps[change->steps_count++] = *row;
    }
    for (size_t i = 0; i < rollout->seat_count; i++) {
        struct view_host *row = &whole->hosts[whole->hosts_count++];
        view_host_fill (rollout, &rollout->seats[i], arena, row);
        if (host_differs (turn, &rollout->seats[i], row))
            change->hosts[change->hosts_count++] = *row;
    }
    return differs || change->steps_count > 0 || change->hosts_count > 0;
}

static bool is_watched (const struct controller *controller, const struct rollout *rollout, bool *ret_fresh)
{
    bool watched = false;
    *ret_fresh = false;
    for (size_t i = 0; i < controller->watcher_count; i++)
        if (controller->watchers[i].rollout == rollout) {
            watched = true;
            *ret_fresh = *ret_fresh || controller->watchers[i].fresh;
        }
    return watched;
}

static void publish (struct turn *turn, struct rollout *rollout)
{
    struct controller *controller = turn->controller;
    struct progress whole;
    struct progress change;
    bool differs = draw (turn, rollout, &whole, &change);
    if (differs)
        rollout->sequence++;
    whole.sequence = change.sequence = rollout->sequence;
    for (size_t i = 0; i < controller->watcher_count; i++) {
        struct watcher *watcher = &controller->watchers[i];
        if (watcher->rollout != rollout || !(watcher->fresh || differs))
            continue;
        turn_send (turn, &watcher->route, &progress_type, watcher->fresh ? &whole : &change);
        watcher->fresh = false;
    }
    rollout->dirty = false;
}

static void drop_those_who_asked_once (struct controller *controller)
{
    size_t kept = 0;
    for (size_t i = 0; i < controller->watcher_count; i++)
        if (!controller->watchers[i].once)
            controller->watchers[kept++] = controller->watchers[i];
    controller->watcher_count = kept;
}

void view_publish (struct turn *turn)
{
    struct controller *controller = turn->controller;
    if (controller->watcher_count == 0)
        return;
    for (size_t i = 0; i < controller->rollout_count; i++) {
        struct rollout *rollout = controller->rollouts[i];
        bool fresh;
        if (is_watched (controller, rollout, &fresh) && (fresh || rollout->dirty || turn->refresh))
            publish (turn, rollout);
    }
    drop_those_who_asked_once (controller);
}

void view_dirty_host (struct controller *controller, const struct host *host)
{
    for (size_t i = 0; i < controller->rollout_count; i++)
        if (rollout_seat (controller->rollouts[i], host) != NULL)
            controller->rollouts[i]->dirty = true;
}
