/* What the steps that touch hosts do: which hosts may begin now, when silence becomes a failure, who has to
   go back. Whether a step is open or done is never judged here: common/core/gate says it. */
#include "controller/core/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMED_HOSTS = 5,
    QUOTED = 200, /* bytes of what the first of them says */
};

static struct instant later (struct instant first, struct instant second)
{
    return instant_before (first, second) ? second : first;
}

struct instant stage_deadline (
    const struct controller *controller, const struct rollout *rollout, const struct stage *stage)
{
    struct instant base = later (later (stage->started, stage->progressed), rollout->phase_since);
    if (stage->step->progress_deadline.ms == 0)
        return (struct instant){INT64_MAX};
    return instant_add (later (base, controller_settled (controller)), stage->step->progress_deadline);
}

struct instant return_deadline (const struct controller *controller, const struct rollout *rollout)
{
    struct instant base = later (rollout->phase_since, controller_settled (controller));
    struct span longest = {0};
    for (size_t i = 0; i < rollout->seat_count; i++) {
        const struct seat *seat = &rollout->seats[i];
        struct span deadline;
        if (!seat_is_touched (seat))
            continue;
        deadline = rollout->stages[seat->deploy_stage].step->progress_deadline;
        if (deadline.ms > longest.ms)
            longest = deadline;
    }
    return instant_add (base, longest);
}

/* A host that waits for bytes says itself why they don't come. */
static void print_trouble (const struct host *host, struct buffer *out)
{
    size_t size = strlen (host->detail);
    if (host->doing.activity != ACTIVITY_FETCHING || size == 0 || !text_is_printable (host->detail, size))
        return;
    if (size > QUOTED)
        size = text_cut (host->detail, QUOTED);
    buffer_print (out, ", fetching: %.*s", (int)size, host->detail);
}

void silent_print (
    const struct controller *controller, struct seat *const *seats, size_t count, struct buffer *out)
{
    char text[TIME_TEXT_SIZE];
    for (size_t i = 0; i < count && i < NAMED_HOSTS; i++) {
        const struct host *host = seats[i]->host;
        buffer_print (out, "%s%s", i > 0 ? "; " : "", host->name);
        if (host->entry == NULL)
            buffer_text (out, ", no longer of this fleet");
        else if (host->seen.ms == 0)
            buffer_text (out, ", never heard of since the controller's start");
        else if (host_is_stale (controller, host, controller->now))
            buffer_print (out, ", last contact %s", instant_print (host->seen, text));
        else if (i == 0)
            print_trouble (host, out);
    }
    if (count > NAMED_HOSTS)
        buffer_print (out, " and %zu more", count - NAMED_HOSTS);
}

static bool is_in_flight (const struct task *task)
{
    return task->grant != NULL && task->receipt == NULL;
}

/* False, with the silent hosts' names, where nothing has moved for as long as the plan allows. */
static bool check_deadline (
    const struct turn *turn, const struct rollout *rollout, const struct stage *stage, struct error *why)
{
    struct seat **silent;
    struct buffer names = {0};
    char text[TIME_TEXT_SIZE];
    size_t count = 0;
    if (instant_before (turn->now, stage_deadline (turn->controller, rollout, stage)))
        return true;
    silent = arena_array (&turn->effects->arena, stage->step->hosts_count, sizeof (struct seat *));
    for (size_t i = 0; i < stage->step->hosts_count; i++)
        if (is_in_flight (&stage->tasks[i]))
            silent[count++] = stage->seats[i];
    for (size_t i = 0; count == 0 && i < stage->step->hosts_count; i++)
        if (stage->tasks[i].receipt == NULL)
            silent[count++] = stage->seats[i];
    silent_print (turn->controller, silent, count, &names);
    (void)error_set (
        why, ERROR_TIMEOUT, "no progress for %s: waiting for %s",
        span_print (stage->step->progress_deadline, text), names.size > 0 ? names.data : "the gate");
    buffer_free (&names);
    return false;
}

/* Right after this controller's start nobody is stale yet, and whoever was out of service before still may
   be: until a host speaks or the time for that is over, it is neither counted on nor sent to work. */
static bool is_unheard (const struct turn *turn, const struct host *host)
{
    return host->seen.ms == 0 && !host_is_stale (turn->controller, host, turn->now);
}

/* Does a deploy of the product hold this host out of service, or might it? */
static bool is_out_of_service (
    const struct turn *turn, const struct rollout *rollout, const struct host *host)
{
    const struct seat *seat = rollout_seat (rollout, host);
    return (seat != NULL && seat->deploy != NULL && is_in_flight (seat->deploy)) || is_unheard (turn, host) ||
           host_is_stale (turn->controller, host, turn->now);
}

static size_t count_out_of_service (
    const struct turn *turn, const struct rollout *rollout, const char *environment)
{
    const struct fleet *fleet = &turn->controller->fleet;
    size_t count = 0;
    for (size_t i = 0; i < fleet->hosts_count; i++) {
        const struct host *host = host_named (turn->controller, fleet->hosts[i].name);
        if (strcmp (fleet->hosts[i].environment, environment) == 0 &&
            fleet_host_has_product (&fleet->hosts[i], rollout->plan.product) &&
            is_out_of_service (turn, rollout, host))
            count++;
    }
    return count;
}

bool deploy_work (struct turn *turn, struct rollout *rollout, struct stage *stage, struct error *why)
{
    const struct step *step = stage->step;
    struct arena *arena = &turn->effects->arena;
    size_t *window = arena_array (arena, step->hosts_count, sizeof *window);
    size_t open = gate_deploy_window (&rollout->gate, step->number, window);
    struct seat **chosen = arena_array (arena, open, sizeof (struct seat *));
    size_t out = step->max_unavailable > 0 ? count_out_of_service (turn, rollout, step->environment) : 0;
    size_t count = 0;
    for (size_t i = 0; i < open; i++) {
        struct seat *seat = stage->seats[window[i]];
        bool adds = step->max_unavailable > 0 && !is_out_of_service (turn, rollout, seat->host);
        if (stage->tasks[window[i]].grant != NULL || is_unheard (turn, seat->host) ||
            (adds && out >= step->max_unavailable))
            continue;
        out += adds ? 1 : 0;
        chosen[count++] = seat;
    }
    if (count > 0)
        permit_issue (turn, rollout, PERMIT_STEP, step->number, chosen, count);
    return check_deadline (turn, rollout, stage, why);
}

bool test_work (struct turn *turn, struct rollout *rollout, struct stage *stage, struct error *why)
{
    const struct step *step = stage->step;
    struct seat **chosen = arena_array (&turn->effects->arena, step->hosts_count, sizeof (struct seat *));
    bool open = gate_step_open (&rollout->gate, step->number, NULL, NULL);
    size_t count = 0;
    for (size_t i = 0; open && i < step->hosts_count; i++)
        if (stage->tasks[i].grant == NULL && stage->tasks[i].receipt == NULL)
            chosen[count++] = stage->seats[i];
    if (count > 0)
        permit_issue (turn, rollout, PERMIT_STEP, step->number, chosen, count);
    return check_deadline (turn, rollout, stage, why);
}

bool seat_is_touched (const struct seat *seat)
{
    enum outcome outcome;
    if (seat->deploy == NULL)
        return false;
    if (seat->deploy->receipt == NULL)
        return seat->carried || seat->deploy->grant != NULL;
    outcome = seat->deploy->receipt->receipt->outcome;
    return outcome == OUTCOME_KEPT || outcome == OUTCOME_STUCK ||
           (seat->carried && outcome != OUTCOME_RETURNED);
}

/* A host that refused to return because it does not run the plan's release has nothing to return from. */
bool seat_is_back (const struct rollout *rollout, const struct seat *seat)
{
    const struct receipt *receipt;
    if (!seat_is_touched (seat))
        return true;
    if (seat->back.receipt == NULL)
        return false;
    receipt = seat->back.receipt->receipt;
    return receipt->outcome == OUTCOME_RETURNED ||
           (receipt->outcome != OUTCOME_STUCK && receipt->version[0] != '\0' &&
            strcmp (receipt->version, rollout->plan.version) != 0);
}

struct instant seat_unconfirmed (const struct rollout *rollout, const struct seat *seat)
{
    const struct step *step;
    const struct receipt *receipt;
    if (seat->deploy == NULL || seat->deploy->receipt == NULL || seat->back.receipt != NULL)
        return (struct instant){0};
    step = rollout->stages[seat->deploy_stage].step;
    receipt = seat->deploy->receipt->receipt;
    return receipt->outcome == OUTCOME_KEPT && step->confirm_within.ms > 0
               ? instant_add (receipt->finished, step->confirm_within)
               : (struct instant){0};
}

void keep_work (struct turn *turn, struct rollout *rollout)
{
    struct seat **chosen = arena_array (&turn->effects->arena, rollout->seat_count, sizeof (struct seat *));
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        struct stage *stage = &rollout->stages[i];
        size_t count = 0;
        if (stage->step->confirm_within.ms == 0 || stage->state != STEP_PASSED)
            continue;
        for (size_t j = 0; j < stage->step->hosts_count; j++) {
            struct seat *seat = stage->seats[j];
            if (seat->keep.grant == NULL &&
                gate_keep_open (&rollout->gate, stage->step->number, seat->host->name, NULL))
                chosen[count++] = seat;
        }
        if (count > 0)
            permit_issue (turn, rollout, PERMIT_KEEP, stage->step->number, chosen, count);
    }
}

void return_work (struct turn *turn, struct rollout *rollout)
{
    struct seat **chosen = arena_array (&turn->effects->arena, rollout->seat_count, sizeof (struct seat *));
    size_t count = 0;
    for (size_t i = 0; i < rollout->seat_count; i++) {
        struct seat *seat = &rollout->seats[i];
        if (seat_is_touched (seat) && seat->back.grant == NULL && seat->back.receipt == NULL)
            chosen[count++] = seat;
    }
    if (count > 0)
        permit_issue (turn, rollout, PERMIT_RETURN, 0, chosen, count);
}
