/* Agents: who is there, what they run, what they lack, what they report; strangers who enrol; the tick. */
#include "controller/core/state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct host *sender_of (const struct turn *turn)
{
    return host_wired (turn->controller, &turn->event->wire);
}

void fleet_heard (struct turn *turn)
{
    struct host *host = sender_of (turn);
    if (host == NULL)
        return;
    host->seen = turn->now;
    host->route = turn->event->route;
    host->connected = true;
    if (host->stale) {
        host->stale = false;
        view_dirty_host (turn->controller, host);
    }
}

static void take_releases (struct host *host, const struct hello *hello)
{
    struct arena arena = {0};
    struct host_release *releases = arena_array (&arena, hello->releases_count, sizeof *releases);
    for (size_t i = 0; i < hello->releases_count; i++) {
        releases[i] = hello->releases[i];
        releases[i].product = arena_text (&arena, hello->releases[i].product);
        releases[i].version = arena_text (&arena, hello->releases[i].version);
    }
    arena_free (&host->arena);
    host->arena = arena;
    host->releases = releases;
    host->release_count = hello->releases_count;
}

/* A hello under another name is not answered: this key belongs to one host, and its own configuration says
   something else. */
void fleet_hello (struct turn *turn, const void *record)
{
    const struct hello *hello = record;
    struct controller *controller = turn->controller;
    struct host *host = sender_of (turn);
    struct welcome welcome = {
        .epoch = controller->epoch,
        .sequence = controller->sequence,
        .heartbeat = controller->options.heartbeat};
    if (host == NULL || strcmp (hello->host, host->name) != 0)
        return;
    take_releases (host, hello);
    (void)snprintf (host->agent, sizeof host->agent, "%s", hello->agent);
    host->trust_version = hello->trust_version;
    view_dirty_host (controller, host);
    turn_send (turn, &turn->event->route, &welcome_type, &welcome);
    rollout_advance_all (turn);
}

void fleet_ping (struct turn *turn, const void *record)
{
    const struct ping *ping = record;
    struct pong pong = {.number = ping->number};
    turn_send (turn, &turn->event->route, &pong_type, &pong);
}

/* The version of a trust document that this controller accepted itself. */
static uint64_t trust_version_at (const struct controller *controller, size_t index)
{
    return controller->trust.version - (uint64_t)(controller->trust_count - 1 - index);
}

/* A tick lives as long as a permit: a host whose clock is a little off still believes it, and one that gets
   no tick for longer than that knows that it is being starved. */
static struct heartbeat tick_make (struct turn *turn, uint64_t sequence)
{
    const struct controller *controller = turn->controller;
    struct heartbeat heartbeat;
    struct error error;
    bool made;
    struct tick tick = {
        .epoch = controller->epoch,
        .sequence = sequence,
        .issued = turn->now,
        .expires = instant_add (turn->now, controller->options.permit_life),
        .trust_version = controller->trust.version,
        .fleet_version = controller->fleet.version};
    made = document_sign (
        &tick_type, &tick, &controller->options.key, turn->now, &turn->effects->arena, &heartbeat.tick,
        &error);
    assert (made);
    return heartbeat;
}

/* The tick comes last: by then the host has what it speaks of, and begins what has waited for it. */
void fleet_pull (struct turn *turn, const void *record)
{
    const struct pull *pull = record;
    struct controller *controller = turn->controller;
    struct host *host = sender_of (turn);
    struct heartbeat heartbeat;
    if (host == NULL)
        return;
    for (size_t i = 0; i < controller->trust_count; i++)
        if (trust_version_at (controller, i) > pull->trust_version)
            turn_offer (turn, NULL, &turn->event->route, &controller->trusts[i]);
    if (controller->has_fleet && controller->fleet.version > pull->fleet_version)
        turn_offer (turn, NULL, &turn->event->route, &controller->fleet_envelope);
    for (size_t i = 0; i < controller->rollout_count; i++) {
        struct seat *seat = rollout_seat (controller->rollouts[i], host);
        if (seat != NULL)
            permit_offer_open (turn, controller->rollouts[i], seat);
    }
    if (!controller_is_believed (controller, NULL))
        return;
    heartbeat = tick_make (turn, controller->sequence);
    turn_send (turn, &turn->event->route, &heartbeat_type, &heartbeat);
}

static void acknowledge (struct turn *turn, const struct digest *digest)
{
    struct report_stored stored = {.receipt = *digest};
    turn_send (turn, &turn->event->route, &report_stored_type, &stored);
}

/* The moment of progress for the step's deadline: this side's clock, since a host's own can be wrong. */
static void note_progress (struct turn *turn, struct rollout *rollout, const struct receipt *receipt)
{
    if (receipt->kind == PERMIT_STEP && receipt->attempt == rollout->attempt &&
        receipt->step <= rollout->plan.steps_count)
        rollout->stages[receipt->step - 1].progressed = turn->now;
}

/* Recorded first, acknowledged then; what can't be verified is not acknowledged and changes nothing. A host
   may say one word about each thing that it was let into. What else it signs (of a plan that this journal
   never had, say) is kept for the audit, up to a bound: a hostile host can't fill the disk with it. */
void fleet_report (struct turn *turn, const void *record)
{
    const struct report *report = record;
    struct controller *controller = turn->controller;
    struct entry_receipt entry = {.receipt = report->receipt};
    struct digest digest = digest_of (report->receipt.content.data, report->receipt.content.size);
    struct receipt receipt;
    struct rollout *rollout;
    struct host *host = sender_of (turn);
    if (!controller->has_fleet || host == NULL ||
        !accept_receipt (&controller->fleet, &report->receipt, &turn->effects->arena, &receipt, NULL) ||
        strcmp (receipt.host, host->name) != 0)
        return;
    rollout = rollout_of_plan (controller, &receipt.plan);
    if ((rollout != NULL && paper_find (rollout, &digest) != NULL) || host_has_strange (host, &digest)) {
        acknowledge (turn, &digest);
        return;
    }
    if (rollout != NULL && !receipt_is_due (rollout, host, &receipt))
        rollout = NULL;
    if (rollout == NULL && host->strange_count >= STRANGE_RECEIPTS)
        return;
    entry.rollout = rollout != NULL ? rollout->number : 0;
    turn_record (turn, &entry_receipt_type, &entry);
    host->doing = (struct doing){0};
    acknowledge (turn, &digest);
    if (rollout == NULL)
        return;
    note_progress (turn, rollout, &receipt);
    view_dirty_host (controller, host);
    rollout_advance (turn, rollout);
}

void fleet_doing (struct turn *turn, const void *record)
{
    const struct doing *doing = record;
    struct host *host = sender_of (turn);
    if (host == NULL)
        return;
    host->doing = *doing;
    (void)snprintf (host->detail, sizeof host->detail, "%s", doing->detail);
    host->doing.detail = host->detail;
    view_dirty_host (turn->controller, host);
}

void fleet_gone (struct turn *turn)
{
    struct controller *controller = turn->controller;
    const struct route *route = &turn->event->route;
    size_t kept = 0;
    for (size_t i = 0; i < controller->host_count; i++)
        if (controller->hosts[i]->connected && route_equal (&controller->hosts[i]->route, route))
            controller->hosts[i]->connected = false;
    for (size_t i = 0; i < controller->pending_count; i++)
        if (controller->pendings[i]->connected && route_equal (&controller->pendings[i]->route, route))
            controller->pendings[i]->connected = false;
    for (size_t i = 0; i < controller->watcher_count; i++)
        if (!route_equal (&controller->watchers[i].route, route))
            controller->watchers[kept++] = controller->watchers[i];
    controller->watcher_count = kept;
}

void fleet_look (struct turn *turn)
{
    struct controller *controller = turn->controller;
    for (size_t i = 0; i < controller->host_count; i++) {
        struct host *host = controller->hosts[i];
        bool stale = host_is_stale (controller, host, turn->now);
        if (stale != host->stale)
            view_dirty_host (controller, host);
        host->stale = stale;
    }
}

/* One that nobody would believe is not made. */
void fleet_tick (struct turn *turn)
{
    struct controller *controller = turn->controller;
    struct heartbeat heartbeat;
    controller->next_tick = instant_add (turn->now, controller->options.tick_interval);
    if (!controller_is_believed (controller, NULL))
        return;
    heartbeat = tick_make (turn, turn_sequence (turn));
    turn_publish (turn, "all", &heartbeat_type, &heartbeat);
}
