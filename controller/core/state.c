#include "controller/core/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *list_room (void *items, size_t count, size_t *capacity, size_t size)
{
    void *grown = items;
    if (count == *capacity) {
        size_t wanted = *capacity > 0 ? *capacity * 2 : 8;
        assert (wanted <= SIZE_MAX / size);
        grown = realloc (items, wanted * size);
        assert (grown != NULL);
        *capacity = wanted;
    }
    return grown;
}

bool route_equal (const struct route *first, const struct route *second)
{
    return first->door == second->door && first->size == second->size &&
           memcmp (first->id, second->id, first->size) == 0;
}

bool wire_is_none (const struct wire_key *wire)
{
    static const struct wire_key none;
    return memcmp (wire, &none, sizeof none) == 0;
}

const char *line_format (struct arena *arena, const char *format, ...)
{
    char line[2 * LIMIT_LINE];
    va_list arguments;
    int size;
    va_start (arguments, format);
    size = vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    assert (size >= 0);
    if (size > LIMIT_LINE)
        return arena_text_of (arena, line, text_cut (line, LIMIT_LINE));
    return arena_text_of (arena, line, (size_t)size);
}

/* The place of a name among the hosts, or where it would stand. */
static bool host_place (const struct controller *controller, const char *name, size_t *ret)
{
    size_t low = 0;
    size_t high = controller->host_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp (name, controller->hosts[middle]->name);
        if (order == 0) {
            *ret = middle;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret = low;
    return false;
}

struct host *host_named (const struct controller *controller, const char *name)
{
    size_t place;
    return host_place (controller, name, &place) ? controller->hosts[place] : NULL;
}

struct host *host_wired (const struct controller *controller, const struct wire_key *wire)
{
    size_t low = 0;
    size_t high = controller->wire_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct host *host = controller->wires[middle];
        int order = memcmp (wire, &host->entry->wire, sizeof *wire);
        if (order == 0)
            return wire_is_none (wire) ? NULL : host;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct host *host_for (struct controller *controller, const char *name)
{
    size_t place;
    struct host *host;
    if (host_place (controller, name, &place))
        return controller->hosts[place];
    host = calloc (1, sizeof *host);
    assert (host != NULL && strlen (name) <= LIMIT_NAME);
    (void)snprintf (host->name, sizeof host->name, "%s", name);
    controller->hosts =
        list_room (controller->hosts, controller->host_count, &controller->host_capacity, sizeof (host));
    (void)memmove (
        controller->hosts + place + 1, controller->hosts + place,
        (controller->host_count - place) * sizeof (host));
    controller->hosts[place] = host;
    controller->host_count++;
    return host;
}

struct host_release *host_release_of (const struct host *host, const char *product)
{
    for (size_t i = 0; i < host->release_count; i++)
        if (strcmp (host->releases[i].product, product) == 0)
            return &host->releases[i];
    return NULL;
}

struct host_release *host_release_for (struct host *host, const char *product)
{
    struct host_release *release = host_release_of (host, product);
    struct host_release *grown;
    if (release != NULL)
        return release;
    grown = arena_array (&host->arena, host->release_count + 1, sizeof *grown);
    if (host->release_count > 0)
        (void)memcpy (grown, host->releases, host->release_count * sizeof *grown);
    host->releases = grown;
    release = &grown[host->release_count++];
    release->product = arena_text (&host->arena, product);
    release->version = "";
    return release;
}

void host_release_set (
    struct host *host, struct host_release *release, const char *version, struct digest plan,
    uint64_t counter)
{
    if (release->version == NULL || strcmp (release->version, version) != 0)
        release->version = arena_text (&host->arena, version);
    release->plan = plan;
    release->counter = counter;
}

static struct span stale_after (const struct controller *controller)
{
    return (struct span){controller->options.heartbeat.ms * STALE_HEARTBEATS};
}

struct instant controller_settled (const struct controller *controller)
{
    return instant_add (controller->started, stale_after (controller));
}

bool host_is_stale (const struct controller *controller, const struct host *host, struct instant now)
{
    struct instant last = host->seen;
    if (instant_before (last, controller->started))
        last = controller->started;
    return instant_before (instant_add (last, stale_after (controller)), now);
}

struct rollout *rollout_numbered (const struct controller *controller, uint64_t number)
{
    if (number == 0 || number > controller->rollout_count)
        return NULL;
    return controller->rollouts[number - 1];
}

struct rollout *rollout_of_plan (const struct controller *controller, const struct digest *plan)
{
    for (size_t i = controller->rollout_count; i > 0; i--)
        if (digest_equal (&controller->rollouts[i - 1]->plan_digest, plan))
            return controller->rollouts[i - 1];
    return NULL;
}

bool rollout_is_open (const struct rollout *rollout)
{
    return rollout->phase == PHASE_PROGRESSING || rollout->phase == PHASE_PAUSED ||
           rollout->phase == PHASE_AWAITING || rollout->phase == PHASE_RETURNING;
}

bool rollout_covers (const struct rollout *rollout, const char *product, const char *environment)
{
    if (strcmp (rollout->plan.product, product) != 0)
        return false;
    for (size_t i = 0; i < rollout->plan.steps_count; i++)
        if (rollout->plan.steps[i].hosts_count > 0 &&
            strcmp (rollout->plan.steps[i].environment, environment) == 0)
            return true;
    return false;
}

bool rollouts_meet (const struct plan *first, const struct plan *second)
{
    if (strcmp (first->product, second->product) != 0)
        return false;
    for (size_t i = 0; i < first->steps_count; i++)
        for (size_t j = 0; j < second->steps_count; j++)
            if (first->steps[i].hosts_count > 0 && second->steps[j].hosts_count > 0 &&
                strcmp (first->steps[i].environment, second->steps[j].environment) == 0)
                return true;
    return false;
}

struct stage *rollout_current (const struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->plan.steps_count; i++)
        if (rollout->stages[i].state != STEP_PASSED && rollout->stages[i].state != STEP_SKIPPED)
            return &rollout->stages[i];
    return NULL;
}

/* Seats are sorted by their hosts' names. */
static struct seat *seat_named (const struct rollout *rollout, const char *name)
{
    size_t low = 0;
    size_t high = rollout->seat_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp (name, rollout->seats[middle].host->name);
        if (order == 0)
            return &rollout->seats[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct seat *rollout_seat (const struct rollout *rollout, const struct host *host)
{
    return seat_named (rollout, host->name);
}

static size_t paper_start (const struct digest *digest, size_t size)
{
    uint64_t hash;
    (void)memcpy (&hash, digest->bytes, sizeof hash);
    return (size_t)(hash & (size - 1));
}

struct paper *paper_find (const struct rollout *rollout, const struct digest *digest)
{
    const struct paper_index *index = &rollout->index;
    if (index->size == 0)
        return NULL;
    for (size_t i = paper_start (digest, index->size); index->places[i] != NULL;
         i = (i + 1) & (index->size - 1))
        if (digest_equal (&index->places[i]->digest, digest))
            return index->places[i];
    return NULL;
}

static void index_put (struct paper_index *index, struct paper *paper)
{
    size_t i = paper_start (&paper->digest, index->size);
    while (index->places[i] != NULL)
        i = (i + 1) & (index->size - 1);
    index->places[i] = paper;
}

void paper_add (struct rollout *rollout, struct paper *paper)
{
    struct paper_index *index = &rollout->index;
    assert (paper_find (rollout, &paper->digest) == NULL);
    rollout->papers =
        list_room (rollout->papers, rollout->paper_count, &rollout->paper_capacity, sizeof (paper));
    rollout->papers[rollout->paper_count++] = paper;
    if (2 * rollout->paper_count > index->size) {
        free (index->places);
        index->size = index->size > 0 ? 2 * index->size : 16;
        index->places = calloc (index->size, sizeof *index->places);
        assert (index->places != NULL);
        for (size_t i = 0; i + 1 < rollout->paper_count; i++)
            index_put (index, rollout->papers[i]);
    }
    index_put (index, paper);
}

struct task *rollout_task (
    const struct rollout *rollout, enum permit_kind kind, uint64_t step, const struct host *host)
{
    struct seat *seat = rollout_seat (rollout, host);
    const struct stage *stage;
    uint32_t place;
    if (seat == NULL || (kind == PERMIT_RETURN) != (step == 0) || step > rollout->plan.steps_count)
        return NULL;
    if (kind == PERMIT_RETURN)
        return &seat->back;
    if (kind == PERMIT_KEEP)
        return seat->deploy != NULL && seat->deploy_stage == step - 1 ? &seat->keep : NULL;
    stage = &rollout->stages[step - 1];
    place = stage->places[seat - rollout->seats];
    return place > 0 ? &stage->tasks[place - 1] : NULL;
}

bool paper_is_failure (const struct rollout *rollout, const struct paper *paper)
{
    uint64_t step = paper->receipt != NULL ? paper->receipt->step : paper->approval->step;
    bool failed;
    if (paper->receipt != NULL)
        failed = paper->receipt->kind == PERMIT_STEP && !gate_is_success (&rollout->plan, paper->receipt);
    else
        failed = paper->approval->decision == DECISION_REJECT ||
                 paper->approval->decision == DECISION_ABORT || paper->approval->decision == DECISION_UNDO;
    return failed && !(gate_is_overridden (&rollout->gate, step, &paper->digest) &&
                       (paper->receipt == NULL || paper->receipt->outcome != OUTCOME_STUCK));
}

bool paper_is_lapse (const struct rollout *rollout, const struct paper *paper)
{
    const struct seat *seat = paper->receipt != NULL ? seat_named (rollout, paper->receipt->host) : NULL;
    return seat != NULL && seat->back.receipt == paper && seat->back.grant == NULL;
}

bool paper_holds (
    const struct controller *controller, const struct rollout *rollout, const struct paper *paper)
{
    const struct host *host;
    if (paper->receipt == NULL)
        return approval_holds (controller, rollout, paper);
    host = host_named (controller, paper->receipt->host);
    return host != NULL && host->entry != NULL;
}

struct pending *pending_wired (const struct controller *controller, const struct wire_key *wire)
{
    for (size_t i = controller->pending_count; i > 0; i--)
        if (memcmp (&controller->pendings[i - 1]->row.wire, wire, sizeof *wire) == 0)
            return controller->pendings[i - 1];
    return NULL;
}

struct token_state *token_of (const struct controller *controller, const struct digest *secret)
{
    for (size_t i = 0; i < controller->token_count; i++)
        if (digest_equal (&controller->tokens[i].secret, secret))
            return &controller->tokens[i];
    return NULL;
}

struct counter_state *counter_of (const struct controller *controller, const char *product)
{
    for (size_t i = 0; i < controller->counter_count; i++)
        if (strcmp (controller->counters[i].product, product) == 0)
            return &controller->counters[i];
    return NULL;
}

bool content_place (const struct controller *controller, const struct digest *digest, size_t *ret)
{
    size_t low = 0;
    size_t high = controller->content_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = digest_compare (digest, &controller->contents[middle].digest);
        if (order == 0) {
            *ret = middle;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret = low;
    return false;
}

void rollout_free (struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->notice_count; i++)
        free (rollout->notices[i]);
    free (rollout->notices);
    free (rollout->papers);
    free (rollout->index.places);
    arena_free (&rollout->arena);
    free (rollout);
}

static bool names_host (const struct permit *permit, const char *host)
{
    for (size_t i = 0; i < permit->hosts_count; i++)
        if (strcmp (permit->hosts[i], host) == 0)
            return true;
    return false;
}

/* What this permit let a host deploy it takes back by itself where nobody confirms it: its return needs no
   order. */
static bool wants_confirmation (const struct rollout *rollout, const struct permit *permit)
{
    return permit->kind == PERMIT_STEP && permit->step >= 1 && permit->step <= rollout->plan.steps_count &&
           rollout->plan.steps[permit->step - 1].confirm_within.ms > 0;
}

static bool was_permitted (const struct rollout *rollout, const struct receipt *receipt)
{
    for (const struct grant *grant = rollout->grant; grant != NULL; grant = grant->before)
        if (grant->permit.attempt == receipt->attempt && names_host (&grant->permit, receipt->host) &&
            ((grant->permit.kind == receipt->kind && grant->permit.step == receipt->step) ||
             (receipt->kind == PERMIT_RETURN && wants_confirmation (rollout, &grant->permit))))
            return true;
    return false;
}

static bool was_told (const struct rollout *rollout, const struct receipt *receipt)
{
    for (size_t i = 0; i < rollout->paper_count; i++) {
        const struct receipt *other = rollout->papers[i]->receipt;
        if (other != NULL && other->kind == receipt->kind && other->step == receipt->step &&
            other->attempt == receipt->attempt && strcmp (other->host, receipt->host) == 0)
            return true;
    }
    return false;
}

/* The tasks know the current attempt; of those before it only the papers tell. */
bool receipt_is_due (const struct rollout *rollout, const struct host *host, const struct receipt *receipt)
{
    const struct task *task;
    if (receipt->attempt == rollout->attempt) {
        task = rollout_task (rollout, receipt->kind, receipt->step, host);
        return task != NULL && task->receipt == NULL &&
               (task->grant != NULL || was_permitted (rollout, receipt));
    }
    return was_permitted (rollout, receipt) && !was_told (rollout, receipt);
}

bool host_has_strange (const struct host *host, const struct digest *digest)
{
    for (size_t i = 0; i < host->strange_count; i++)
        if (digest_equal (&host->strange[i], digest))
            return true;
    return false;
}
