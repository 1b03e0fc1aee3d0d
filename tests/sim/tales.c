#include "tests/sim/tales.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

#define WEEK (INT64_C (7) * 24 * 60 * MINUTE)

static struct story_step deploy (unsigned environment, unsigned first, unsigned hosts, unsigned parallel)
{
    return (struct story_step){
        .kind = STEP_DEPLOY,
        .environment = environment,
        .first = first,
        .hosts = hosts,
        .max_parallel = parallel,
        .max_unavailable = parallel,
        .min_healthy = 5 * SECOND,
        .healthy_deadline = 20 * SECOND,
        .progress_deadline = 90 * SECOND};
}

static struct story_step other (enum step_kind kind, unsigned environment)
{
    return (struct story_step){
        .kind = kind,
        .environment = environment,
        .approvals = kind == STEP_SIGNOFF ? 2 : 1,
        .progress_deadline = 90 * SECOND};
}

static void add (struct story *story, struct story_step step)
{
    struct story_rollout *rollout = &story->rollouts[0];
    rollout->steps[rollout->step_count++] = step;
}

static void happens (struct story *story, struct happening happening)
{
    story->happenings[story->happening_count++] = happening;
}

/* What every story has; an even seed: something ran before. */
static void begin (struct story *story, unsigned production)
{
    *story = (struct story){
        .seed = 2,
        .staging = 1,
        .production = production,
        .delay = 5,
        .thinking = 10 * SECOND,
        .heartbeat = 5 * SECOND,
        .tick = 30 * SECOND,
        .rollout_count = 1,
        .calm_at = 10 * MINUTE};
    story->rollouts[0].at = 5 * SECOND;
}

static void finish (struct story *story)
{
    add (story, other (STEP_TEST, 1));
    add (story, other (STEP_NOTIFY, 1));
}

static void seven_steps (struct story *story, unsigned production, unsigned parallel)
{
    begin (story, production);
    add (story, deploy (0, 0, 1, 1));
    add (story, other (STEP_TEST, 0));
    add (story, other (STEP_SIGNOFF, 0));
    add (story, deploy (1, 0, production, parallel));
    finish (story);
}

void tale_plain (struct story *story, unsigned production)
{
    seven_steps (story, production, production);
}

static void one_by_one (struct story *story)
{
    seven_steps (story, 3, 1);
}

static void all_at_once (struct story *story)
{
    seven_steps (story, 3, 3);
}

static void canary (struct story *story)
{
    struct story_step manual = other (STEP_MANUAL, 1);
    struct story_step pause = other (STEP_PAUSE, 1);
    begin (story, 4);
    manual.optional = true;
    pause.duration = 20 * SECOND;
    add (story, deploy (1, 0, 1, 1));
    add (story, other (STEP_TEST, 1));
    add (story, manual);
    add (story, pause);
    add (story, other (STEP_SIGNOFF, 1));
    add (story, deploy (1, 1, 3, 2));
    finish (story);
}

static void failure_rolls_back (struct story *story)
{
    seven_steps (story, 3, 2);
    story->fated_act = ACT_CHECK;
    story->fated_host = 2;
}

static void failure_pauses (struct story *story)
{
    seven_steps (story, 3, 2);
    story->rollouts[0].pauses_on_failure = true;
    story->fated_act = ACT_CHECK;
    story->fated_host = 2;
}

static void failure_is_overridden (struct story *story)
{
    seven_steps (story, 2, 2);
    story->rollouts[0].pauses_on_failure = true;
    story->rollouts[0].override_approvals = 2;
    story->fated_act = ACT_TEST;
    story->fated_host = 2;
}

static void rejection (struct story *story)
{
    seven_steps (story, 2, 2);
    story->rates.rejects = 1000;
}

static void controller_fails_over (struct story *story)
{
    seven_steps (story, 3, 2);
    happens (story, (struct happening){.kind = HAPPENS_KILL_CONTROLLER, .at = 8 * SECOND, .count = 1});
    happens (story, (struct happening){.kind = HAPPENS_KILL_CONTROLLER, .at = 60 * SECOND, .count = 2});
}

static void back_after_a_week (struct story *story)
{
    begin (story, 2);
    story->heartbeat = 10 * SECOND;
    story->tick = 90 * SECOND;
    story->calm_at = WEEK + 10 * MINUTE;
    add (story, deploy (1, 0, 2, 1));
    finish (story);
    happens (
        story,
        (struct happening){.kind = HAPPENS_POWER, .host = 2, .at = 6 * SECOND, .count = 3, .span = WEEK});
}

static void nobody_confirms (struct story *story)
{
    struct story_step careful = deploy (1, 0, 2, 2);
    begin (story, 2);
    careful.confirm_within = 2 * MINUTE;
    add (story, careful);
    finish (story);
    happens (story, (struct happening){.kind = HAPPENS_CUT_ALL, .at = 9 * SECOND, .span = 4 * MINUTE});
}

const struct tale tales[TALES] = {
    {"01-one-by-one", PHASE_HEALTHY, one_by_one},
    {"02-all-at-once", PHASE_HEALTHY, all_at_once},
    {"03-canary", PHASE_HEALTHY, canary},
    {"04-failure-rolls-back", PHASE_ROLLED_BACK, failure_rolls_back},
    {"05-failure-pauses", PHASE_ABORTED, failure_pauses},
    {"06-failure-is-overridden", PHASE_HEALTHY, failure_is_overridden},
    {"07-rejection", PHASE_ROLLED_BACK, rejection},
    {"08-controller-fails-over", PHASE_HEALTHY, controller_fails_over},
    {"09-back-after-a-week", PHASE_ROLLED_BACK, back_after_a_week},
    {"10-nobody-confirms", PHASE_ROLLED_BACK, nobody_confirms},
};
