/* The invariants at the head of rollout.c, and those of the lists: asserted after every step. */
#include <assert.h>
#include <string.h>

#include "controller/core/state.h"

static bool is_done (const struct stage *stage)
{
    return stage->state == STEP_PASSED || stage->state == STEP_SKIPPED;
}

/* A late word can still be counted after its step was done, but never unmake it; a closed case says nothing
   about steps that were done before it closed. */
static void check_stages (const struct rollout *rollout)
{
    bool all_before = true;
    for (size_t i = 0; i < rollout->plan.steps_count; i++) {
        const struct stage *stage = &rollout->stages[i];
        assert (all_before || stage->state == STEP_WAITING);
        if (is_done (stage) && stage->step->kind != STEP_PAUSE)
            assert (gate_step_done (&rollout->gate, stage->step->number, NULL));
        for (size_t j = 0; j < stage->step->hosts_count; j++) {
            const struct grant *grant = stage->tasks[j].grant;
            if (grant == NULL)
                continue;
            assert (all_before && grant->permit.attempt == rollout->attempt);
            assert (grant->permit.kind == PERMIT_STEP && grant->permit.step == stage->step->number);
        }
        all_before = all_before && is_done (stage);
    }
    assert (rollout->phase != PHASE_HEALTHY || all_before);
}

static void check_seats (const struct rollout *rollout)
{
    bool ended_back = rollout->phase == PHASE_ROLLED_BACK || rollout->phase == PHASE_ABORTED;
    for (size_t i = 0; i < rollout->seat_count; i++) {
        const struct seat *seat = &rollout->seats[i];
        assert (i == 0 || strcmp (rollout->seats[i - 1].host->name, seat->host->name) < 0);
        assert (seat->back.grant == NULL || gate_return_open (&rollout->gate, NULL));
        assert (seat->keep.grant == NULL || is_done (&rollout->stages[seat->deploy_stage]));
        assert (!ended_back || seat_is_back (rollout, seat));
    }
}

static void check_rollout (const struct controller *controller, const struct rollout *rollout)
{
    assert (rollout->attempt >= 1 && rollout->gate.attempt == rollout->attempt);
    assert (rollout->phase != PHASE_RETURNING || gate_return_open (&rollout->gate, NULL));
    assert (rollout->phase != PHASE_AWAITING || rollout_current (rollout) != NULL);
    check_stages (rollout);
    check_seats (rollout);
    for (uint64_t i = 0; rollout_is_open (rollout) && i < controller->rollout_count; i++) {
        const struct rollout *other = controller->rollouts[i];
        assert (
            other == rollout || !rollout_is_open (other) || !rollouts_meet (&rollout->plan, &other->plan));
    }
}

/* A step that is about one rollout looks at that one alone: thousands of old ones have not moved. */
void check_changed (struct controller *controller)
{
    for (size_t i = 0; i < controller->rollout_count; i++)
        if (controller->rollouts[i]->unchecked) {
            check_rollout (controller, controller->rollouts[i]);
            controller->rollouts[i]->unchecked = false;
        }
    for (size_t i = 0; i < controller->watcher_count; i++)
        assert (controller->watchers[i].rollout != NULL && !controller->watchers[i].fresh);
}

void controller_check (const struct controller *controller)
{
    for (size_t i = 0; i < controller->host_count; i++)
        assert (i == 0 || strcmp (controller->hosts[i - 1]->name, controller->hosts[i]->name) < 0);
    for (size_t i = 0; i < controller->wire_count; i++)
        assert (controller->wires[i]->entry != NULL);
    for (size_t i = 0; i < controller->rollout_count; i++) {
        assert (controller->rollouts[i]->number == i + 1);
        check_rollout (controller, controller->rollouts[i]);
    }
}
