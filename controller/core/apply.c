/* The one place where lasting state changes: an entry in, the state after it out. Both at start, from the
   journal, and during a step, from turn_record. Nothing here decides or looks at the time; documents in
   entries were verified before they were recorded. */
#include "controller/core/state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/core/apply_rollout.h"

static bool apply_epoch (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_epoch *entry = record;
    if (entry->epoch <= controller->epoch)
        return error_set (
            error, ERROR_CONFLICT, "epoch %llu after %llu: epochs only rise",
            (unsigned long long)entry->epoch, (unsigned long long)controller->epoch);
    controller->epoch = entry->epoch;
    return true;
}

static bool apply_trust (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_trust *entry = record;
    struct arena arena = {0};
    struct trust trust;
    if (!document_read (&trust_type, entry->document.content, &arena, &trust, error)) {
        arena_free (&arena);
        return false;
    }
    if (controller->trust_count > 0 && trust.version != controller->trust.version + 1) {
        arena_free (&arena);
        return error_set (
            error, ERROR_CONFLICT, "trust version %llu after %llu: it must be the next",
            (unsigned long long)trust.version, (unsigned long long)controller->trust.version);
    }
    controller->trusts = list_room (
        controller->trusts, controller->trust_count, &controller->trust_capacity, sizeof (struct envelope));
    controller->trusts[controller->trust_count++] = envelope_copy (&entry->document, &controller->arena);
    arena_free (&controller->trust_arena);
    controller->trust_arena = arena;
    controller->trust = trust;
    apply_trust_to_rollouts (controller);
    return true;
}

static int wire_order (const void *first, const void *second)
{
    const struct host *const *left = first;
    const struct host *const *right = second;
    return memcmp (&(*left)->entry->wire, &(*right)->entry->wire, sizeof (struct wire_key));
}

/* Every host of the fleet has its place, and nobody who left is found by a key. */
static void seat_fleet (struct controller *controller)
{
    for (size_t i = 0; i < controller->host_count; i++)
        controller->hosts[i]->entry = NULL;
    free (controller->wires);
    controller->wires = calloc (controller->fleet.hosts_count + 1, sizeof *controller->wires);
    assert (controller->wires != NULL);
    controller->wire_count = controller->fleet.hosts_count;
    for (size_t i = 0; i < controller->fleet.hosts_count; i++) {
        struct host *host = host_for (controller, controller->fleet.hosts[i].name);
        host->entry = &controller->fleet.hosts[i];
        controller->wires[i] = host;
    }
    qsort (controller->wires, controller->wire_count, sizeof *controller->wires, wire_order);
    for (size_t i = 0; i < controller->host_count; i++)
        if (controller->hosts[i]->entry == NULL)
            controller->hosts[i]->connected = false;
}

static bool apply_fleet (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_fleet *entry = record;
    struct arena arena = {0};
    struct fleet fleet;
    if (!document_read (&fleet_type, entry->document.content, &arena, &fleet, error)) {
        arena_free (&arena);
        return false;
    }
    if (controller->has_fleet && fleet.version <= controller->fleet.version) {
        arena_free (&arena);
        return error_set (
            error, ERROR_CONFLICT, "fleet version %llu after %llu: versions only rise",
            (unsigned long long)fleet.version, (unsigned long long)controller->fleet.version);
    }
    controller->fleet_envelope = envelope_copy (&entry->document, &arena);
    controller->fleet_digest = digest_of (entry->document.content.data, entry->document.content.size);
    arena_free (&controller->fleet_arena);
    controller->fleet_arena = arena;
    controller->fleet = fleet;
    controller->has_fleet = true;
    seat_fleet (controller);
    return true;
}

static bool apply_token (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_token *entry = record;
    (void)error;
    controller->tokens = list_room (
        controller->tokens, controller->token_count, &controller->token_capacity,
        sizeof (struct token_state));
    controller->tokens[controller->token_count++] =
        (struct token_state){.secret = entry->secret, .expires = entry->expires};
    return true;
}

static bool apply_enrolment (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_enrolment *entry = record;
    struct token_state *token = token_of (controller, &entry->secret);
    struct pending *pending;
    if (token == NULL || token->used)
        return error_set (error, ERROR_REFUSED, "an enrolment without an unused token");
    pending = calloc (1, sizeof *pending);
    assert (pending != NULL);
    pending->row = entry->host;
    (void)snprintf (pending->name, sizeof pending->name, "%s", entry->host.name);
    pending->row.name = pending->name;
    token->used = true;
    controller->pendings = list_room (
        controller->pendings, controller->pending_count, &controller->pending_capacity, sizeof (pending));
    controller->pendings[controller->pending_count++] = pending;
    return true;
}

static bool apply_enrolled (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_enrolled *entry = record;
    struct pending *pending = pending_wired (controller, &entry->wire);
    if (pending == NULL)
        return error_set (error, ERROR_MISSING, "nobody with this wire key has asked to enrol");
    pending->state = entry->state;
    (void)snprintf (pending->cause, sizeof pending->cause, "%s", entry->cause);
    return true;
}

static bool apply_content (struct controller *controller, const void *record, struct error *error)
{
    const struct entry_content *entry = record;
    struct content_row *row;
    size_t place;
    (void)error;
    if (content_place (controller, &entry->content.digest, &place))
        return true;
    controller->contents = list_room (
        controller->contents, controller->content_count, &controller->content_capacity,
        sizeof (struct content_row));
    row = controller->contents + place;
    (void)memmove (row + 1, row, (controller->content_count - place) * sizeof *row);
    *row = entry->content;
    row->name = arena_text (&controller->arena, entry->content.name);
    controller->content_count++;
    return true;
}

static const struct {
    const struct record_type *type;
    bool (*apply) (struct controller *controller, const void *record, struct error *error);
} appliers[] = {
    {&entry_epoch_type, apply_epoch},         {&entry_trust_type, apply_trust},
    {&entry_fleet_type, apply_fleet},         {&entry_token_type, apply_token},
    {&entry_enrolment_type, apply_enrolment}, {&entry_enrolled_type, apply_enrolled},
    {&entry_content_type, apply_content},     {&entry_rollout_type, apply_rollout},
    {&entry_step_type, apply_step},           {&entry_permit_type, apply_permit},
    {&entry_receipt_type, apply_receipt},     {&entry_approval_type, apply_approval},
    {&entry_phase_type, apply_phase},         {&entry_notice_type, apply_notice},
};

bool controller_apply (
    struct controller *controller, const struct record_type *type, const void *record, struct error *error)
{
    for (size_t i = 0; i < sizeof appliers / sizeof appliers[0]; i++)
        if (appliers[i].type == type)
            return appliers[i].apply (controller, record, error) || error_context (error, "%s", type->name);
    return error_set (error, ERROR_INPUT, "%s is no entry of the controller's journal", type->name);
}
