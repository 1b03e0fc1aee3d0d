/* Documents that anybody may hand over, and nobody is believed: trust, fleet, plan and tick. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/installer_state.h"

enum {
    CLOCK_SLACK_MS = 5 * 60 * 1000,
    CLOCK_NOTE_MS = 60 * 1000,
    EPOCH_NOTE_MS = 1000,
    STARVED_MS = 10 * 60 * 1000
};

bool clock_is_sane (const struct installer *installer, struct instant now, struct error *error)
{
    char past[TIME_TEXT_SIZE];
    char here[TIME_TEXT_SIZE];
    if (!instant_before (now, instant_add (installer->clock.floor, (struct span){-CLOCK_SLACK_MS})))
        return true;
    return error_set (
        error, ERROR_REFUSED,
        "this host's clock says %s, but %s is past already: set the clock, then try again",
        instant_print (now, here), instant_print (installer->clock.floor, past));
}

static bool same_role_keys (const struct trust *first, const struct trust *second, const char *role)
{
    const struct trust_role *before = trust_role_for (first, role, "");
    const struct trust_role *after = trust_role_for (second, role, "");
    if (before == NULL || after == NULL || before->keys_count != after->keys_count)
        return false;
    for (size_t i = 0; i < before->keys_count; i++) {
        const struct trust_key *key = trust_key_named (first, before->keys[i]);
        if (key == NULL || !trust_role_has (second, after, &key->key))
            return false;
    }
    return true;
}

/* One version of a chain may have expired while this host was away: what follows it is the way on, and what
   an expired one vouches for is refused wherever it is asked. So neither its expiry nor this host's clock
   counts here. A new controller key clears what the old one had set, for a thief could have counted to the
   end, and in a year of his choice where this host's clock was wrong. */
static bool take_trust (
    struct installer *installer, const struct envelope *envelope, struct instant now,
    struct installer_effects *effects, struct error *error)
{
    struct note_trust note = {.document = *envelope};
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    struct note_clock cleared = {0};
    struct arena arena = {0};
    struct trust next;
    bool same_controller;
    if (installer->has_trust && digest_equal (&digest, &installer->trust_digest))
        return true;
    if (!installer->has_trust)
        return error_set (
            error, ERROR_REFUSED, "this host has no trust document yet: enrol it with a token first");
    if (!accept_next_trust (&installer->trust, envelope, (struct instant){0}, &arena, &next, error)) {
        arena_free (&arena);
        return false;
    }
    same_controller = same_role_keys (&installer->trust, &next, ROLE_CONTROLLER);
    cleared.floor = instant_earlier (next.issued, now);
    arena_free (&arena);
    effects_record (installer, effects, &note_trust_type, &note);
    if (!same_controller)
        effects_record (installer, effects, &note_clock_type, &cleared);
    return true;
}

static bool take_fleet (
    struct installer *installer, const struct envelope *envelope, struct instant now,
    struct installer_effects *effects, struct error *error)
{
    struct note_fleet note = {.document = *envelope};
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    uint64_t least = installer->has_fleet ? installer->fleet.version + 1 : 1;
    struct arena arena = {0};
    struct fleet next;
    bool good;
    if (installer->has_fleet && digest_equal (&digest, &installer->fleet_digest))
        return true;
    if (!installer->has_trust)
        return error_set (
            error, ERROR_REFUSED, "this host has no trust document yet: enrol it with a token first");
    if (least == 0)
        return error_set (error, ERROR_LIMIT, "the fleet's version cannot rise any more");
    good = accept_fleet (&installer->trust, least, envelope, now, &arena, &next, error);
    arena_free (&arena);
    if (good)
        effects_record (installer, effects, &note_fleet_type, &note);
    return good;
}

const struct held_plan *plan_held (const struct installer *installer, const struct digest *digest)
{
    for (size_t i = 0; i < installer->plan_count; i++)
        if (digest_equal (&installer->plans[i].digest, digest))
            return &installer->plans[i];
    return NULL;
}

/* The place for one more plan: a free one, or that of the plan that was offered longest ago. */
static struct held_plan *plan_place (struct installer *installer)
{
    struct held_plan *oldest = &installer->plans[0];
    if (installer->plan_count < PLANS_HELD)
        return &installer->plans[installer->plan_count++];
    for (size_t i = 1; i < PLANS_HELD; i++)
        if (installer->plans[i].age < oldest->age)
            oldest = &installer->plans[i];
    arena_free (&oldest->arena);
    return oldest;
}

/* Its expiry counts when a permit is judged, for a return does not ask for it. */
static bool take_plan (struct installer *installer, const struct envelope *envelope, struct error *error)
{
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    struct held_plan *held = (struct held_plan *)plan_held (installer, &digest);
    struct arena arena = {0};
    struct plan plan;
    bool good;
    if (held != NULL) {
        held->age = ++installer->age;
        return true;
    }
    if (!installer->has_trust)
        return error_set (
            error, ERROR_REFUSED, "this host has no trust document yet: enrol it with a token first");
    good = accept_plan (&installer->trust, envelope, (struct instant){0}, &arena, &plan, error);
    arena_free (&arena);
    if (!good)
        return false;
    held = plan_place (installer);
    *held = (struct held_plan){.digest = digest, .age = ++installer->age};
    held->envelope = envelope_copy (envelope, &held->arena);
    installer->judge_due = true;
    return true;
}

void take_offer (
    struct installer *installer, const struct offer *offer, struct instant now,
    struct installer_effects *effects)
{
    const struct envelope *envelope = &offer->document;
    const struct record_type *type = NULL;
    struct error error;
    bool good = document_type (envelope->content, &type, &error);
    if (good && type == &fleet_type && !clock_is_sane (installer, now, &error))
        good = false;
    else if (good && type == &trust_type)
        good = take_trust (installer, envelope, now, effects, &error);
    else if (good && type == &fleet_type)
        good = take_fleet (installer, envelope, now, effects, &error);
    else if (good && type == &plan_type)
        good = take_plan (installer, envelope, &error);
    else if (good)
        good = error_set (&error, ERROR_REFUSED, "a %s is no document that is offered", type->name);
    if (!good && type != NULL)
        (void)error_context (&error, "an offered %s was not taken", type->name);
    if (!good)
        complain (installer, effects, ACTIVITY_WAITING, error.text);
}

static bool tick_is_newer (const struct note_clock *clock, const struct tick *tick, struct error *error)
{
    bool newer =
        tick->epoch > clock->epoch || (tick->epoch == clock->epoch && tick->sequence >= clock->sequence);
    if (newer)
        return true;
    return error_set (
        error, ERROR_REFUSED, "an old tick (%llu, %llu) after (%llu, %llu)", (unsigned long long)tick->epoch,
        (unsigned long long)tick->sequence, (unsigned long long)clock->epoch,
        (unsigned long long)clock->sequence);
}

/* Who keeps the ticks back may be keeping back more. The durable floor trails the ticks by a minute at most,
   so it stands for the last one after a restart. */
static bool is_without_ticks (const struct installer *installer, struct instant now, struct error *why)
{
    struct instant last = installer->tick_at;
    char text[TIME_TEXT_SIZE];
    if (instant_before (last, installer->clock.floor))
        last = installer->clock.floor;
    if (instant_between (last, now).ms <= STARVED_MS)
        return false;
    (void)error_set (
        why, ERROR_MISSING,
        "stale: no tick of the controller has come for %s, so this host may be kept in the dark",
        span_print (instant_between (last, now), text));
    return true;
}

/* Does what this host holds agree with what the controller says is newest? */
static bool is_behind (const struct installer *installer, struct error *why)
{
    const struct note_clock *clock = &installer->clock;
    uint64_t fleet = installer->has_fleet ? installer->fleet.version : 0;
    if (clock->trust_version <= installer->trust.version && clock->fleet_version <= fleet)
        return false;
    (void)error_set (
        why, ERROR_MISSING,
        "stale: the newest are trust %llu and fleet %llu; this host was given %llu and %llu",
        (unsigned long long)clock->trust_version, (unsigned long long)clock->fleet_version,
        (unsigned long long)installer->trust.version, (unsigned long long)fleet);
    return true;
}

bool installer_is_stale (const struct installer *installer, struct instant now, struct error *why)
{
    return installer->has_trust && (is_behind (installer, why) || is_without_ticks (installer, now, why));
}

/* The floor moves no faster than time itself, so neither do the notes: a controller that starts an epoch, or
   announces other versions, with each tick can't fill the journal. */
static void note_tick (
    struct installer *installer, const struct tick *tick, struct installer_effects *effects)
{
    struct note_clock *clock = &installer->clock;
    struct note_clock note = {
        .floor = clock->floor,
        .epoch = tick->epoch,
        .sequence = tick->sequence,
        .trust_version = tick->trust_version,
        .fleet_version = tick->fleet_version};
    bool says_more = tick->epoch != clock->epoch || tick->trust_version != clock->trust_version ||
                     tick->fleet_version != clock->fleet_version;
    if (instant_before (note.floor, tick->issued))
        note.floor = tick->issued;
    if (instant_between (clock->floor, note.floor).ms >= (says_more ? EPOCH_NOTE_MS : CLOCK_NOTE_MS)) {
        effects_record (installer, effects, &note_clock_type, &note);
        return;
    }
    note.floor = clock->floor;
    *clock = note;
}

void take_tick (
    struct installer *installer, const struct heartbeat *heartbeat, struct instant now,
    struct installer_effects *effects)
{
    struct arena arena = {0};
    struct error error;
    struct tick tick;
    bool good = clock_is_sane (installer, now, &error);
    if (!installer->has_trust)
        return;
    good = good && accept_tick (&installer->trust, &heartbeat->tick, now, &arena, &tick, &error);
    if (good && tick.issued.ms > now.ms + CLOCK_SLACK_MS)
        good = error_set (
            &error, ERROR_REFUSED,
            "the controller's clock is more than five minutes ahead of this host's: one of them is wrong");
    good = good && tick_is_newer (&installer->clock, &tick, &error);
    if (good) {
        installer->tick_at = now;
        installer->judge_due = true;
        note_tick (installer, &tick, effects);
    }
    if (!good)
        complain (installer, effects, ACTIVITY_WAITING, error.text);
    else if (installer_is_stale (installer, now, &error))
        complain (installer, effects, ACTIVITY_STALE, error.text);
    else
        installer->complaint[0] = '\0';
    arena_free (&arena);
}

void check_starved (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    struct error why;
    if (installer_is_stale (installer, now, &why))
        complain (installer, effects, ACTIVITY_STALE, why.text);
}
