/* Telling people and systems: owed by an entry before the first try, so that a crash can't lose one; tried
   until the target takes it, always under the same key, so that a second delivery can be recognized. */
#include "controller/core/state.h"

#include <string.h>

enum { PLAN_DIGITS = 12 };

bool notice_has_target (const struct controller *controller, const char *name)
{
    for (size_t i = 0; i < controller->options.target_count; i++)
        if (strcmp (controller->options.targets[i], name) == 0)
            return true;
    return false;
}

static bool is_owed (const struct rollout *rollout, const char *key)
{
    for (size_t i = 0; i < rollout->notice_count; i++)
        if (strcmp (rollout->notices[i]->key, key) == 0)
            return true;
    return false;
}

static void record (
    struct turn *turn, const struct rollout *rollout, const struct notice *notice, bool done,
    const char *text)
{
    struct entry_notice entry = {
        .rollout = rollout->number,
        .step = notice->step,
        .attempt = notice->attempt,
        .target = notice->target,
        .key = notice->key,
        .done = done,
        .at = turn->now,
        .text = text};
    turn_record (turn, &entry_notice_type, &entry);
}

/* The key names the rollout, the attempt and the moment: a step, or the number of the change of phase. */
static const char *key_of (
    struct turn *turn, const struct rollout *rollout, const char *moment, const char *target)
{
    char digits[DIGEST_TEXT_SIZE];
    (void)digest_print (&rollout->plan_digest, digits);
    return line_format (
        &turn->effects->arena, "relevo-%.*s-%llu-%llu-%s-%s", PLAN_DIGITS, digits,
        (unsigned long long)rollout->number, (unsigned long long)rollout->attempt, moment, target);
}

static void owe (
    struct turn *turn, struct rollout *rollout, uint64_t step, const char *moment, const char *target,
    const char *text)
{
    struct notice notice = {
        .step = step,
        .attempt = rollout->attempt,
        .target = target,
        .key = key_of (turn, rollout, moment, target)};
    if (is_owed (rollout, notice.key))
        return;
    record (turn, rollout, &notice, false, text);
    if (!notice_has_target (turn->controller, target))
        record (
            turn, rollout, &notice, false,
            line_format (
                &turn->effects->arena,
                "no target named %s is configured here: add it to the controller's targets and restart it",
                target));
}

void notice_owe_step (struct turn *turn, struct rollout *rollout, const struct stage *stage)
{
    const struct step *step = stage->step;
    const struct plan *plan = &rollout->plan;
    const char *moment = arena_format (&turn->effects->arena, "step%llu", (unsigned long long)step->number);
    const char *text = line_format (
        &turn->effects->arena, "%s %s in %s: %s (rollout %llu, step %llu of %zu)", plan->product,
        plan->version, plan_environment (plan, step->number),
        rollout_current (rollout) == &rollout->stages[plan->steps_count - 1] ? "completed" : "on its way",
        (unsigned long long)rollout->number, (unsigned long long)step->number, plan->steps_count);
    for (size_t i = 0; i < step->targets_count; i++)
        owe (turn, rollout, step->number, moment, step->targets[i], text);
}

void notice_owe_phase (struct turn *turn, struct rollout *rollout, enum phase phase, const char *cause)
{
    const struct plan *plan = &rollout->plan;
    const char *moment =
        arena_format (&turn->effects->arena, "phase%llu", (unsigned long long)rollout->phase_changes + 1);
    const char *text = line_format (
        &turn->effects->arena, "%s %s in %s: %s (rollout %llu): %s", plan->product, plan->version,
        plan_environment (plan, 0), enum_word (&phase_words, phase), (unsigned long long)rollout->number,
        cause);
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; plan->steps[i].kind == STEP_NOTIFY && j < plan->steps[i].targets_count; j++)
            owe (turn, rollout, 0, moment, plan->steps[i].targets[j], text);
}

void notice_work (struct turn *turn, struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->notice_count; i++) {
        struct notice *notice = rollout->notices[i];
        if (notice->done || notice->trying || instant_before (turn->now, notice->next) ||
            !notice_has_target (turn->controller, notice->target))
            continue;
        notice->trying = true;
        turn_notify (turn, rollout, notice);
    }
}

static struct notice *notice_keyed (
    const struct controller *controller, const char *key, struct rollout **ret)
{
    for (size_t i = controller->rollout_count; i > 0; i--) {
        struct rollout *rollout = controller->rollouts[i - 1];
        for (size_t j = 0; j < rollout->notice_count; j++)
            if (strcmp (rollout->notices[j]->key, key) == 0) {
                *ret = rollout;
                return rollout->notices[j];
            }
    }
    return NULL;
}

/* The first failure is recorded, since the step waits for it; later ones would only repeat it. */
void notice_ended (struct turn *turn)
{
    const struct controller_event *event = turn->event;
    struct rollout *rollout = NULL;
    struct notice *notice = notice_keyed (turn->controller, event->notice_key, &rollout);
    const char *said = event->notice_text != NULL ? event->notice_text : "";
    if (notice == NULL || notice->done)
        return;
    notice->trying = false;
    notice->next = instant_add (turn->now, turn->controller->options.notice_retry);
    if (event->notice_done || !notice->tried)
        record (turn, rollout, notice, event->notice_done, line_format (&turn->effects->arena, "%s", said));
}

static bool is_over (const struct rollout *rollout, uint64_t step, const char *target)
{
    for (size_t i = 0; i < rollout->notice_count; i++) {
        const struct notice *notice = rollout->notices[i];
        if (notice->step == step && notice->attempt == rollout->attempt &&
            strcmp (notice->target, target) == 0)
            return notice->tried || notice->done;
    }
    return false;
}

bool notice_step_over (const struct rollout *rollout, const struct stage *stage)
{
    for (size_t i = 0; i < stage->step->targets_count; i++)
        if (!is_over (rollout, stage->step->number, stage->step->targets[i]))
            return false;
    return true;
}

struct instant notice_deadline (const struct rollout *rollout)
{
    struct instant first = {INT64_MAX};
    for (size_t i = 0; i < rollout->notice_count; i++) {
        const struct notice *notice = rollout->notices[i];
        if (!notice->done && !notice->trying && notice->next.ms > 0)
            first = instant_earlier (first, notice->next);
    }
    return first;
}
