/* What people ask for. Every request gets exactly one answer. */
#include "controller/core/state.h"

#include <string.h>

static const char *person (const struct turn *turn)
{
    const struct controller *controller = turn->controller;
    const struct trust_key *key = NULL;
    if (controller->trust_count > 0 && !wire_is_none (&turn->event->wire))
        key = trust_key_wired (&controller->trust, &turn->event->wire);
    return key != NULL ? key->name : "local";
}

static bool has_documents (const struct controller *controller, struct error *error)
{
    return (controller->trust_count > 0 && controller->has_fleet) ||
           error_set (
               error, ERROR_MISSING, "this controller has no trust or fleet document yet: submit them first");
}

static struct host_row host_row_of (const struct controller *controller, const struct host *host)
{
    return (struct host_row){
        .name = host->name,
        .environment = host->entry->environment,
        .releases = host->releases,
        .releases_count = host->release_count,
        .connected = host->connected && !host_is_stale (controller, host, controller->now),
        .seen = host->seen,
        .agent = host->agent,
        .trust_version = host->trust_version};
}

static void fill_hosts (const struct controller *controller, struct arena *arena, struct inventory *inventory)
{
    inventory->hosts = arena_array (arena, controller->host_count, sizeof *inventory->hosts);
    inventory->pending = arena_array (arena, controller->pending_count, sizeof *inventory->pending);
    for (size_t i = 0; i < controller->host_count; i++)
        if (controller->hosts[i]->entry != NULL)
            inventory->hosts[inventory->hosts_count++] = host_row_of (controller, controller->hosts[i]);
    for (size_t i = 0; i < controller->pending_count; i++)
        if (controller->pendings[i]->state == ENROLMENT_WAITING)
            inventory->pending[inventory->pending_count++] = controller->pendings[i]->row;
}

void request_inventory (struct turn *turn, const void *record)
{
    const struct inventory_wanted *wanted = record;
    const struct controller *controller = turn->controller;
    struct arena *arena = &turn->effects->arena;
    struct inventory inventory = {
        .request = wanted->request,
        .trusts = controller->trusts,
        .trusts_count = trust_page (controller, 0),
        .trust_version = controller->trust.version,
        .contents = controller->contents,
        .contents_count = controller->content_count};
    if (controller->has_fleet)
        inventory.fleet = controller->fleet_envelope;
    fill_hosts (controller, arena, &inventory);
    inventory.counters = arena_array (arena, controller->counter_count, sizeof *inventory.counters);
    for (size_t i = 0; i < controller->counter_count && i < LIMIT_PRODUCTS; i++) {
        const struct counter_state *state = &controller->counters[i];
        inventory.counters[inventory.counters_count++] = (struct host_release){
            .product = state->product,
            .version = state->version,
            .plan = state->plan,
            .counter = state->counter};
    }
    turn_send (turn, &turn->event->route, &inventory_type, &inventory);
}

static bool submit_fleet (struct turn *turn, const struct envelope *envelope, struct error *error)
{
    struct controller *controller = turn->controller;
    struct entry_fleet entry = {.document = *envelope};
    struct fleet fleet;
    uint64_t least = controller->has_fleet ? controller->fleet.version + 1 : 1;
    if (controller->trust_count == 0)
        return error_set (error, ERROR_MISSING, "there is no trust document to judge a fleet by");
    if (!accept_fleet (&controller->trust, least, envelope, turn->now, &turn->effects->arena, &fleet, error))
        return false;
    turn_record (turn, &entry_fleet_type, &entry);
    turn_offer (turn, "all", NULL, envelope);
    fleet_welcome_accepted (turn);
    rollout_advance_all (turn);
    return true;
}

/* The very document that is in force already: asked again because an answer was lost. */
static bool is_in_force (const struct controller *controller, const struct envelope *envelope)
{
    return (controller->trust_count > 0 &&
            bytes_equal (controller->trusts[controller->trust_count - 1].content, envelope->content)) ||
           (controller->has_fleet && bytes_equal (controller->fleet_envelope.content, envelope->content));
}

/* What whoever submitted it has to do now, before anything else goes on. */
static const char *in_force_words (struct turn *turn, const struct record_type *type)
{
    struct arena *arena = &turn->effects->arena;
    struct error why;
    char time[TIME_TEXT_SIZE];
    const struct trust *trust = &turn->controller->trust;
    if (type == &trust_type && !instant_before (turn->now, trust->expires))
        return line_format (
            arena,
            "trust version %llu is recorded, but it expired at %s: it is only the way to the next one, and "
            "until that comes nothing is believed",
            (unsigned long long)trust->version, instant_print (trust->expires, time));
    if (type == &trust_type && !controller_is_believed (turn->controller, &why))
        return line_format (arena, "the trust document is in force; %s", why.text);
    return line_format (arena, "the %s document is in force", type->name);
}

void request_submit (struct turn *turn, const void *record)
{
    const struct submit *submit = record;
    const struct record_type *type;
    struct error error = {0};
    bool done;
    if (is_in_force (turn->controller, &submit->document)) {
        turn_answer (turn, submit->request, 0, "it is in force already");
        return;
    }
    done = document_type (submit->document.content, &type, &error);
    if (done && type == &trust_type)
        done = trusting_submit (turn, &submit->document, &error);
    else if (done && type == &fleet_type)
        done = submit_fleet (turn, &submit->document, &error);
    else if (done)
        done = error_set (
            &error, ERROR_INPUT, "a %s document is not submitted: only trust and fleet are", type->name);
    if (!done)
        turn_refuse (turn, submit->request, &error);
    else
        turn_answer (turn, submit->request, 0, in_force_words (turn, type));
}

static size_t open_tokens (const struct turn *turn)
{
    const struct controller *controller = turn->controller;
    size_t count = 0;
    for (size_t i = 0; i < controller->token_count; i++)
        count += !controller->tokens[i].used && instant_before (turn->now, controller->tokens[i].expires);
    return count;
}

void request_token (struct turn *turn, const void *record)
{
    const struct token_make *make = record;
    struct entry_token entry = {.secret = make->secret, .expires = make->expires, .by = person (turn)};
    struct error error = {0};
    bool done = has_documents (turn->controller, &error);
    if (done && digest_is_none (&make->secret))
        done = error_set (&error, ERROR_INPUT, "the token's digest is missing");
    if (done && !instant_before (turn->now, make->expires))
        done = error_set (&error, ERROR_EXPIRED, "the token would be expired already");
    if (done && token_of (turn->controller, &make->secret) != NULL)
        done = error_set (&error, ERROR_CONFLICT, "this token is known already: make a new one");
    if (done && open_tokens (turn) >= TOKENS_OPEN_MOST)
        done = error_set (
            &error, ERROR_LIMIT, "%d tokens are out already: let some be used or expire", TOKENS_OPEN_MOST);
    if (!done) {
        turn_refuse (turn, make->request, &error);
        return;
    }
    turn_record (turn, &entry_token_type, &entry);
    turn_answer (turn, make->request, 0, "one host can enrol with this token");
}

void request_reject (struct turn *turn, const void *record)
{
    const struct host_reject *reject = record;
    struct controller *controller = turn->controller;
    struct error error = {0};
    size_t rejected = 0;
    for (size_t i = 0; i < controller->pending_count; i++) {
        struct pending *pending = controller->pendings[i];
        struct entry_enrolled entry = {
            .wire = pending->row.wire, .state = ENROLMENT_REJECTED, .cause = reject->cause};
        struct enrolment answer = {.state = ENROLMENT_REJECTED, .cause = reject->cause};
        if (pending->state != ENROLMENT_WAITING || strcmp (pending->name, reject->name) != 0)
            continue;
        turn_record (turn, &entry_enrolled_type, &entry);
        if (pending->connected)
            turn_send (turn, &pending->route, &enrolment_type, &answer);
        rejected++;
    }
    if (rejected > 0) {
        turn_answer (turn, reject->request, 0, "rejected");
        return;
    }
    (void)error_set (&error, ERROR_MISSING, "no host named %s waits to be accepted", reject->name);
    turn_refuse (turn, reject->request, &error);
}

void request_rollouts (struct turn *turn, const void *record)
{
    const struct rollouts_wanted *wanted = record;
    const struct controller *controller = turn->controller;
    struct rollouts rollouts = {.request = wanted->request};
    rollouts.heads = arena_array (&turn->effects->arena, controller->rollout_count, sizeof *rollouts.heads);
    for (size_t i = controller->rollout_count; i > 0 && rollouts.heads_count < LIMIT_ROLLOUTS; i--)
        view_head (
            controller, controller->rollouts[i - 1], &turn->effects->arena,
            &rollouts.heads[rollouts.heads_count++]);
    turn_send (turn, &turn->event->route, &rollouts_type, &rollouts);
}

static struct rollout *wanted_rollout (struct turn *turn, uint64_t request, uint64_t number)
{
    const struct controller *controller = turn->controller;
    struct rollout *rollout =
        rollout_numbered (controller, number > 0 ? number : (uint64_t)controller->rollout_count);
    struct error error = {0};
    if (rollout != NULL)
        return rollout;
    if (number == 0)
        (void)error_set (&error, ERROR_MISSING, "there is no rollout yet: `relevo rollout start` makes one");
    else
        (void)error_set (
            &error, ERROR_MISSING, "there is no rollout %llu: see `relevo rollout list`",
            (unsigned long long)number);
    turn_refuse (turn, request, &error);
    return NULL;
}

/* Of those who went away without a word the oldest goes first. */
static struct watcher *watcher_place (struct controller *controller)
{
    if (controller->watcher_count == WATCHERS_MOST)
        (void)memmove (
            controller->watchers, controller->watchers + 1,
            --controller->watcher_count * sizeof *controller->watchers);
    controller->watchers = list_room (
        controller->watchers, controller->watcher_count, &controller->watcher_capacity,
        sizeof *controller->watchers);
    return &controller->watchers[controller->watcher_count++];
}

void request_watch (struct turn *turn, const void *record)
{
    const struct watch *watch = record;
    struct controller *controller = turn->controller;
    struct rollout *rollout = wanted_rollout (turn, watch->request, watch->rollout);
    struct watcher *watcher = NULL;
    if (rollout == NULL)
        return;
    for (size_t i = 0; i < controller->watcher_count && !watch->once; i++)
        if (controller->watchers[i].rollout == rollout &&
            route_equal (&controller->watchers[i].route, &turn->event->route))
            watcher = &controller->watchers[i];
    if (watcher == NULL)
        watcher = watcher_place (controller);
    *watcher =
        (struct watcher){.route = turn->event->route, .rollout = rollout, .fresh = true, .once = watch->once};
}

/* Returns that were ordered prove nothing to the gate, and so are not among what a decision is made over. */
void request_evidence (struct turn *turn, const void *record)
{
    const struct evidence_wanted *wanted = record;
    struct rollout *rollout = wanted_rollout (turn, wanted->request, wanted->rollout);
    const struct stage *stage;
    struct evidence_list list = {.request = wanted->request};
    if (rollout == NULL)
        return;
    stage = rollout_current (rollout);
    list.rollout = rollout->number;
    list.attempt = rollout->attempt;
    list.step = stage != NULL ? stage->step->number : rollout->plan.steps_count;
    list.plan = rollout->envelope;
    list.evidence = arena_array (&turn->effects->arena, rollout->paper_count, sizeof *list.evidence);
    for (size_t i = 0; i < rollout->paper_count && list.evidence_count < LIMIT_EVIDENCE; i++) {
        const struct paper *paper = rollout->papers[i];
        bool counts = paper->receipt != NULL
                          ? paper->receipt->attempt == rollout->attempt &&
                                (paper->receipt->kind == PERMIT_STEP || paper_is_lapse (rollout, paper))
                          : paper->approval->attempt == rollout->attempt;
        if (counts && paper_holds (turn->controller, rollout, paper))
            list.evidence[list.evidence_count++] = paper->envelope;
    }
    turn_send (turn, &turn->event->route, &evidence_list_type, &list);
}
