/* The dead man's return. A plan may want each host confirmed within a time from the switch on; a host that
   hears no permit to keep the release, nor one for a later step of the plan, goes back at that time by
   itself:

     kept, confirm_within given ──▶ vigil ──▶ permit to keep, or for a later step ──▶ over
                                      └─────▶ until ──▶ note_lapse ──▶ a return like any other

   It needs no network and nobody's word: what ran before is still on the disk. The time is the plan's, which
   the releasers signed, and so nothing that a controller says can put it off. */
#include <string.h>

#include "agent/core/installer_state.h"

void vigil_end (struct row *row)
{
    arena_free (&row->vigil.arena);
    row->vigil = (struct vigil){0};
}

void vigil_begin (struct row *row, const struct work *work, struct instant now)
{
    struct instant from = work->deployed.ms > 0 ? work->deployed : now;
    struct vigil vigil = {
        .on = true,
        .digest = work->plan_digest,
        .step = work->permit.step,
        .attempt = work->permit.attempt,
        .until = instant_add (from, work->step->confirm_within)};
    vigil_end (row);
    if (work->step->kind != STEP_DEPLOY || work->step->confirm_within.ms <= 0)
        return;
    vigil.plan = envelope_copy (&work->plan_envelope, &vigil.arena);
    row->vigil = vigil;
}

/* A permit for a later step of the same attempt stands on the same proof: that this step is done. */
static bool confirms (const struct vigil *vigil, const struct permit *permit)
{
    if (!vigil->on || permit->attempt != vigil->attempt || !digest_equal (&permit->plan, &vigil->digest))
        return false;
    return permit->kind == PERMIT_KEEP ? permit->step >= vigil->step
                                       : permit->kind == PERMIT_STEP && permit->step > vigil->step;
}

struct row *vigil_of (const struct installer *installer, const struct permit *permit)
{
    for (size_t i = 0; i < installer->row_count; i++)
        if (confirms (&installer->rows[i].vigil, permit))
            return (struct row *)&installer->rows[i];
    return NULL;
}

struct instant vigil_deadline (const struct installer *installer)
{
    struct instant first = {INT64_MAX};
    if (installer->work.kind != WORK_NONE || installer->wait != WAIT_NOTHING || receipts_full (installer))
        return first;
    for (size_t i = 0; i < installer->row_count; i++)
        if (installer->rows[i].vigil.on)
            first = instant_earlier (first, installer->rows[i].vigil.until);
    return first;
}

bool vigil_lapse (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    if (receipts_full (installer))
        return false;
    for (size_t i = 0; i < installer->row_count; i++) {
        const struct vigil *vigil = &installer->rows[i].vigil;
        struct note_lapse note = {.plan = vigil->plan, .attempt = vigil->attempt, .at = now};
        if (!vigil->on || instant_before (now, vigil->until))
            continue;
        effects_record (installer, effects, &note_lapse_type, &note);
        return true;
    }
    return false;
}

struct instant installer_unconfirmed (const struct installer *installer, const char *product)
{
    const struct row *row = row_named (installer, product);
    return row != NULL && row->vigil.on ? row->vigil.until : (struct instant){0};
}
