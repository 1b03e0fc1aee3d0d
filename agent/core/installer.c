/* The door: one event in, ordered effects out.

                    permit judged good            every act done
          idle ───────────────────────────▶ work ───────────────▶ receipt ───▶ idle
                      note_begin              │ wait for: look, content, take, act
                                              └─ one thing at a time

   Invariants, checked after each step: a work that runs waits for exactly one thing; nothing is awaited
   without a work but the end of PRUNE; receipts are counted without a gap. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/installer_state.h"

/* How long nothing is said before it is said again. */
enum { REPEAT_SECONDS = 30 };

struct installer *installer_new (const struct installer_options *options)
{
    struct installer *installer = calloc (1, sizeof *installer);
    assert (installer != NULL);
    installer->options = *options;
    installer->options.host = arena_text (&installer->arena, options->host);
    installer->options.agent = arena_text (&installer->arena, options->agent);
    installer->repeat.ms = INT64_MAX;
    return installer;
}

void installer_free (struct installer **place)
{
    struct installer *installer = *place;
    if (installer == NULL)
        return;
    work_free (installer);
    receipts_free (installer);
    for (size_t i = 0; i < installer->row_count; i++) {
        retain_free (&installer->rows[i]);
        vigil_end (&installer->rows[i]);
        arena_free (&installer->rows[i].arena);
    }
    for (size_t i = 0; i < installer->plan_count; i++)
        arena_free (&installer->plans[i].arena);
    for (size_t i = 0; i < installer->permit_count; i++)
        arena_free (&installer->permits[i].arena);
    arena_free (&installer->trust_arena);
    arena_free (&installer->fleet_arena);
    arena_free (&installer->arena);
    secret_key_wipe (&installer->options.key);
    free (installer);
    *place = NULL;
}

static void say_again (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    installer->hello_due = true;
    installer->repeat = instant_add (now, span_seconds (REPEAT_SECONDS));
    receipts_resend (installer, effects);
    supply_ask (installer, effects);
}

static void take_message (
    struct installer *installer, const struct message *message, struct instant now,
    struct installer_effects *effects)
{
    if (message->type == &offer_type)
        take_offer (installer, message->record, now, effects);
    else if (message->type == &permit_offer_type)
        take_permit (installer, message->record, now, effects);
    else if (message->type == &heartbeat_type)
        take_tick (installer, message->record, now, effects);
    else if (message->type == &report_stored_type)
        receipt_stored (installer, &((const struct report_stored *)message->record)->receipt, effects);
    else if (message->type == &linked_type)
        receipts_resend (installer, effects);
    else if (message->type == &content_here_type)
        supply_here (installer, &((const struct content_here *)message->record)->content, effects);
    else if (message->type == &content_late_type)
        supply_late (installer, message->record);
}

static void take_event (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    switch (event->kind) {
    case INSTALLER_START:
        /* Whoever was enrolled a moment ago has had no tick yet. */
        if (installer->clock.floor.ms == 0)
            installer->tick_at = event->now;
        installer->work.unsure = installer->work.kind != WORK_NONE;
        say_again (installer, event->now, effects);
        break;
    case INSTALLER_SESSION:
        say_again (installer, event->now, effects);
        break;
    case INSTALLER_TIME:
        supply_check_time (installer, event->now, effects);
        check_starved (installer, event->now, effects);
        if (!instant_before (event->now, installer->repeat))
            say_again (installer, event->now, effects);
        break;
    case INSTALLER_MESSAGE:
        take_message (installer, &event->message, event->now, effects);
        break;
    case INSTALLER_DONE:
        act_done (installer, event, effects);
        break;
    case INSTALLER_HAVE:
        supply_have (installer, event, effects);
        break;
    }
}

void installer_step (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    take_event (installer, event, effects);
    work_advance (installer, event->now, effects);
    if (installer->hello_due)
        say_hello (installer, effects);
    installer->hello_due = false;
    installer_check (installer);
}

struct instant installer_deadline (const struct installer *installer)
{
    return instant_earlier (
        instant_earlier (installer->repeat, supply_deadline (installer)), vigil_deadline (installer));
}

void installer_check (const struct installer *installer)
{
    const struct work *work = &installer->work;
    if (work->kind != WORK_NONE) {
        assert (installer->wait != WAIT_NOTHING);
        assert (work->step != NULL);
        assert (installer->wait != WAIT_ACT || (work->act != ACT_NONE && !work->finished));
        assert (work->kind != WORK_TEST || work->suite != NULL);
    } else
        assert (installer->wait == WAIT_NOTHING || (installer->wait == WAIT_ACT && installer->prune != NULL));
    assert (installer->receipt_counter >= installer->receipt_count);
    assert (installer->plan_count <= PLANS_HELD && installer->permit_count <= PERMITS_HELD);
    for (size_t i = 0; i < installer->reached_count; i++)
        assert (
            installer->reached[i].attempt >= 1 &&
            installer->reached[i].attempt >= installer->reached[i].closed);
}
