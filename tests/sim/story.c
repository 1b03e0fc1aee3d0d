#include "tests/sim/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    LARGE = 64, /* a cohort of more goes out in few waves: each brings all the evidence to every host */
};

static const char *const happening_names[happening_count] = {
    [HAPPENS_CUT] = "cut",
    [HAPPENS_CUT_ALL] = "cut-all",
    [HAPPENS_KILL_CONTROLLER] = "kill-controller",
    [HAPPENS_KILL_INSTALLER] = "kill-installer",
    [HAPPENS_KILL_SESSION] = "kill-session",
    [HAPPENS_POWER] = "power",
    [HAPPENS_FULL] = "disk-full",
    [HAPPENS_FULL_CONTROLLER] = "controller-disk-full",
    [HAPPENS_ROT] = "rot",
    [HAPPENS_CLOCK] = "clock",
    [HAPPENS_CLOCK_CONTROLLER] = "controller-clock",
    [HAPPENS_LOST] = "lost",
    [HAPPENS_TRUST] = "new-trust",
    [HAPPENS_FLEET] = "new-fleet",
    [HAPPENS_DECIDE] = "decide",
    [HAPPENS_FORGE] = "forge",
    [HAPPENS_STEAL] = "steal",
};

/* How often each happens, of 100. */
static const unsigned happening_weights[happening_count] = {
    [HAPPENS_CUT] = 12,
    [HAPPENS_CUT_ALL] = 3,
    [HAPPENS_KILL_CONTROLLER] = 12,
    [HAPPENS_KILL_INSTALLER] = 14,
    [HAPPENS_KILL_SESSION] = 5,
    [HAPPENS_POWER] = 12,
    [HAPPENS_FULL] = 5,
    [HAPPENS_FULL_CONTROLLER] = 2,
    [HAPPENS_ROT] = 3,
    [HAPPENS_CLOCK] = 3,
    [HAPPENS_CLOCK_CONTROLLER] = 1,
    [HAPPENS_LOST] = 1,
    [HAPPENS_TRUST] = 3,
    [HAPPENS_FLEET] = 3,
    [HAPPENS_DECIDE] = 12,
    [HAPPENS_FORGE] = 9,
};

/* -------------------------------------------------------------------------------------------------- drawing
 */

static void draw_fleet (struct random *random, unsigned hosts, struct story *story)
{
    uint64_t class = random_below (random, 1000);
    if (hosts == 0 && class < 700)
        hosts = (unsigned)random_between (random, 3, 6);
    else if (hosts == 0 && class < 970)
        hosts = (unsigned)random_between (random, 7, 14);
    else if (hosts == 0)
        hosts = (unsigned)random_between (random, 15, 40);
    story->staging = 1 + (unsigned)random_below (random, hosts / 3);
    story->production = hosts - story->staging;
}

static struct story_step draw_deploy (
    struct random *random, unsigned environment, unsigned first, unsigned hosts)
{
    struct story_step step = {
        .kind = STEP_DEPLOY, .environment = environment, .first = first, .hosts = hosts};
    unsigned least = hosts > LARGE ? hosts / 4 : 1;
    step.max_parallel = least + (unsigned)random_below (random, hosts);
    step.max_unavailable = least + (unsigned)random_below (random, hosts + 1);
    step.min_healthy = random_between (random, 0, 20) * SECOND;
    step.healthy_deadline = step.min_healthy + random_between (random, 10, 60) * SECOND;
    step.progress_deadline = step.healthy_deadline + random_between (random, 30, 240) * SECOND;
    if (random_chance (random, 250))
        step.confirm_within =
            step.progress_deadline * (1 + hosts) + random_between (random, 30, 300) * SECOND;
    return step;
}

static struct story_step draw_other (struct random *random, unsigned environment)
{
    struct story_step step = {.environment = environment, .approvals = 1};
    switch (random_below (random, 6)) {
    case 0:
        step.kind = STEP_MANUAL;
        step.optional = random_chance (random, 500);
        break;
    case 1:
    case 2:
        step.kind = STEP_SIGNOFF;
        step.approvals = 2;
        break;
    case 3:
        step.kind = STEP_PAUSE;
        step.duration = random_chance (random, 500) ? 0 : random_between (random, 5, 90) * SECOND;
        break;
    case 4:
        step.kind = STEP_NOTIFY;
        break;
    default:
        step.kind = STEP_TEST;
        step.progress_deadline = random_between (random, 60, 240) * SECOND;
        break;
    }
    return step;
}

static void add_step (struct story_rollout *rollout, struct story_step step)
{
    if (rollout->step_count < STORY_STEPS)
        rollout->steps[rollout->step_count++] = step;
}

/* An environment's hosts in one to three cohorts, with anything between. */
static void draw_steps (
    struct random *random, unsigned environment, unsigned hosts, struct story_rollout *rollout)
{
    unsigned first = 0;
    while (first < hosts && rollout->step_count + 3 < STORY_STEPS) {
        unsigned left = hosts - first;
        unsigned take = random_chance (random, 450) ? left : 1 + (unsigned)random_below (random, left);
        unsigned others = (unsigned)random_below (random, 3);
        add_step (rollout, draw_deploy (random, environment, first, take));
        if (random_chance (random, 600))
            add_step (
                rollout, (struct story_step){
                             .kind = STEP_TEST,
                             .environment = environment,
                             .progress_deadline = random_between (random, 60, 240) * SECOND});
        while (others-- > 0)
            add_step (rollout, draw_other (random, environment));
        first += take;
    }
}

static void draw_rollout (struct random *random, const struct story *story, struct story_rollout *ret)
{
    ret->product = random_chance (random, 850) ? 0 : 1;
    ret->pauses_on_failure = random_chance (random, 350);
    ret->override_approvals = ret->pauses_on_failure && random_chance (random, 500) ? 2 : 0;
    if (random_chance (random, 750))
        draw_steps (random, 0, story->staging, ret);
    if (ret->step_count == 0 || random_chance (random, 800))
        draw_steps (random, 1, story->production, ret);
    if (random_chance (random, 800))
        add_step (ret, (struct story_step){.kind = STEP_NOTIFY, .environment = 1});
}

static enum happening_kind draw_kind (struct random *random, bool stolen)
{
    uint64_t point = random_below (random, 100);
    if (stolen && random_chance (random, 600))
        return HAPPENS_STEAL;
    for (enum happening_kind kind = 0; kind < happening_count; kind++) {
        if (point < happening_weights[kind])
            return kind;
        point -= happening_weights[kind];
    }
    return HAPPENS_KILL_INSTALLER;
}

static void draw_happening (struct random *random, const struct story *story, struct happening *ret)
{
    static const enum decision decisions[] = {DECISION_PAUSE, DECISION_RESUME, DECISION_ABORT,
                                              DECISION_RETRY, DECISION_UNDO,   DECISION_REJECT};
    ret->kind = draw_kind (random, story->stolen);
    ret->at = random_between (random, 0, story->calm_at);
    ret->host = (unsigned)random_below (random, story->staging + story->production);
    ret->which = (unsigned)random_below (random, 3) + (ret->kind == HAPPENS_CUT ? 1 : 0);
    ret->count = (long)random_below (random, 12);
    ret->span = random_between (random, 1, 120) * SECOND;
    if (ret->kind == HAPPENS_DECIDE)
        ret->which = decisions[random_below (random, sizeof decisions / sizeof decisions[0])];
    if (ret->kind == HAPPENS_FORGE || ret->kind == HAPPENS_STEAL)
        ret->which = (unsigned)random_next (random) & 0xffff;
    if (ret->kind == HAPPENS_CLOCK || ret->kind == HAPPENS_CLOCK_CONTROLLER)
        ret->span = random_between (random, -40, 40) * (random_chance (random, 500) ? SECOND : MINUTE);
    if (ret->kind == HAPPENS_POWER && random_chance (random, 100))
        ret->span = INT64_C (7) * 24 * 60 * MINUTE; /* back after the end */
}

void story_draw (uint64_t seed, unsigned hosts, struct story *ret)
{
    struct random random = random_for (seed, "story", 0);
    static const struct story nothing;
    unsigned rough = (unsigned)random_below (&random, 4);
    int64_t at = 0;
    *ret = nothing;
    ret->seed = seed;
    draw_fleet (&random, hosts, ret);
    ret->stolen = random_chance (&random, 150);
    ret->large = random_chance (&random, 30);
    ret->rates = (struct story_rates){
        .drop = rough == 0 ? 0 : (unsigned)random_below (&random, 60),
        .twice = rough == 0 ? 0 : (unsigned)random_below (&random, 60),
        .slow = rough < 2 ? 0 : (unsigned)random_below (&random, 40),
        .fails = random_chance (&random, 400) ? 0 : (unsigned)random_below (&random, 100),
        .stuck = random_chance (&random, 800) ? 0 : (unsigned)random_below (&random, 60),
        .rejects = random_chance (&random, 600) ? 0 : (unsigned)random_below (&random, 200),
    };
    ret->delay = random_between (&random, 1, 300);
    ret->drift = random_between (&random, 0, 200);
    ret->thinking = random_between (&random, 2, 60) * SECOND;
    ret->heartbeat = random_between (&random, 2, 10) * SECOND;
    ret->tick = random_between (&random, 10, 90) * SECOND;
    ret->rollout_count =
        random_chance (&random, 700) ? 1 : 1 + (unsigned)random_below (&random, STORY_ROLLOUTS);
    for (unsigned i = 0; i < ret->rollout_count; i++) {
        ret->rollouts[i].at = at + random_between (&random, 1, 20) * SECOND;
        at = ret->rollouts[i].at + random_between (&random, 10, 200) * SECOND;
        draw_rollout (&random, ret, &ret->rollouts[i]);
    }
    ret->calm_at = at + random_between (&random, 60, 400) * SECOND;
    ret->happening_count =
        random_chance (&random, 100) ? 0 : 1 + (unsigned)random_below (&random, STORY_HAPPENINGS / 2);
    for (unsigned i = 0; i < ret->happening_count; i++)
        draw_happening (&random, ret, &ret->happenings[i]);
}

/* ------------------------------------------------------------------------------------------------- printing
 */

void story_print_happening (const struct story *story, unsigned number, struct buffer *out)
{
    const struct happening *happening = &story->happenings[number];
    buffer_print (
        out, "%8.3fs  #%u %s", (double)happening->at / SECOND, number, happening_names[happening->kind]);
    switch (happening->kind) {
    case HAPPENS_KILL_CONTROLLER:
        buffer_print (out, " after %ld effects", happening->count);
        break;
    case HAPPENS_KILL_INSTALLER:
    case HAPPENS_KILL_SESSION:
        buffer_print (out, " of h%u after %ld effects", happening->host, happening->count);
        break;
    case HAPPENS_POWER:
        buffer_print (
            out, " of h%u after %ld effects, for %.0fs", happening->host, happening->count,
            (double)happening->span / SECOND);
        break;
    case HAPPENS_CUT:
        buffer_print (
            out, " of h%u %s, for %.0fs", happening->host,
            happening->which == 1   ? "to the controller"
            : happening->which == 2 ? "from the controller"
                                    : "both ways",
            (double)happening->span / SECOND);
        break;
    case HAPPENS_CUT_ALL:
    case HAPPENS_FULL_CONTROLLER:
    case HAPPENS_CLOCK_CONTROLLER:
        buffer_print (out, " %.0fs", (double)happening->span / SECOND);
        break;
    case HAPPENS_DECIDE:
        buffer_print (out, " %s", enum_word (&decision_words, happening->which));
        break;
    default:
        buffer_print (
            out, " h%u, kind %u, %.0fs", happening->host, happening->which, (double)happening->span / SECOND);
        break;
    }
    buffer_text (out, "\n");
}

static void print_step (const struct story_step *step, struct buffer *out)
{
    buffer_print (
        out, " %s(%s", enum_word (&step_kind_words, step->kind),
        step->environment == 0 ? "staging" : "production");
    if (step->kind == STEP_DEPLOY)
        buffer_print (
            out, " %u+%u, parallel %u, unavailable %u%s", step->first, step->hosts, step->max_parallel,
            step->max_unavailable, step->confirm_within > 0 ? ", confirm" : "");
    buffer_text (out, ")");
}

void story_print (const struct story *story, struct buffer *out)
{
    buffer_print (
        out,
        "seed %llu: %u + %u hosts, %u rollouts%s; in thousandths: drop %u, twice %u, slow %u, fails %u, "
        "stuck %u, "
        "rejects %u; delay %lldms, drift %lldppm, calm at %.0fs\n",
        (unsigned long long)story->seed, story->staging, story->production, story->rollout_count,
        story->stolen ? ", the controller's key is stolen" : "", story->rates.drop, story->rates.twice,
        story->rates.slow, story->rates.fails, story->rates.stuck, story->rates.rejects,
        (long long)story->delay, (long long)story->drift, (double)story->calm_at / SECOND);
    for (unsigned i = 0; i < story->rollout_count; i++) {
        const struct story_rollout *rollout = &story->rollouts[i];
        buffer_print (
            out, "%8.3fs  product %u, on failure %s%s:", (double)rollout->at / SECOND, rollout->product,
            rollout->pauses_on_failure ? "pause" : "rollback",
            rollout->override_approvals > 0 ? " or override" : "");
        for (unsigned j = 0; j < rollout->step_count; j++)
            print_step (&rollout->steps[j], out);
        buffer_text (out, "\n");
    }
    for (unsigned i = 0; i < story->happening_count; i++)
        if (!story->happenings[i].dropped)
            story_print_happening (story, i, out);
}

/* ---------------------------------------------------------------------------------------------- simplifying
 */

/* What can be set to nothing, by name. */
static const struct knob {
    const char *name;
    size_t place;
} knobs[] = {
    {"drop", offsetof (struct story, rates.drop)},   {"twice", offsetof (struct story, rates.twice)},
    {"slow", offsetof (struct story, rates.slow)},   {"fails", offsetof (struct story, rates.fails)},
    {"stuck", offsetof (struct story, rates.stuck)}, {"rejects", offsetof (struct story, rates.rejects)},
};

enum { KNOBS = sizeof knobs / sizeof knobs[0] };

static unsigned *knob_of (struct story *story, unsigned number)
{
    return (unsigned *)(void *)((char *)story + knobs[number].place);
}

bool story_apply (struct story *story, const char *option)
{
    unsigned number;
    char end;
    if (sscanf (option, "without=%u%c", &number, &end) == 1 && number < story->happening_count) {
        story->happenings[number].dropped = true;
        return true;
    }
    if (sscanf (option, "rollouts=%u%c", &number, &end) == 1 && number >= 1 &&
        number <= story->rollout_count) {
        story->rollout_count = number;
        return true;
    }
    if (strcmp (option, "no-drift") == 0) {
        story->drift = 0;
        return true;
    }
    for (unsigned i = 0; i < KNOBS; i++)
        if (strncmp (option, "no-", 3) == 0 && strcmp (option + 3, knobs[i].name) == 0) {
            *knob_of (story, i) = 0;
            return true;
        }
    return false;
}

void story_print_options (const struct story *story, unsigned hosts, struct buffer *out)
{
    struct story whole;
    story_draw (story->seed, hosts, &whole);
    buffer_print (out, "--seed %llu", (unsigned long long)story->seed);
    if (hosts > 0)
        buffer_print (out, " --hosts %u", hosts);
    if (story->rollout_count != whole.rollout_count)
        buffer_print (out, " rollouts=%u", story->rollout_count);
    if (story->drift != whole.drift)
        buffer_text (out, " no-drift");
    for (unsigned i = 0; i < KNOBS; i++)
        if (*knob_of ((struct story *)story, i) != *knob_of (&whole, i))
            buffer_print (out, " no-%s", knobs[i].name);
    for (unsigned i = 0; i < story->happening_count; i++)
        if (story->happenings[i].dropped)
            buffer_print (out, " without=%u", i);
}

bool story_simplify (const struct story *story, unsigned way, struct story *ret)
{
    *ret = *story;
    if (way < STORY_ROLLOUTS - 1) {
        if (ret->rollout_count > way + 1)
            ret->rollout_count = way + 1;
        return true;
    }
    way -= STORY_ROLLOUTS - 1;
    if (way == 0) {
        ret->drift = 0;
        return true;
    }
    way--;
    if (way < KNOBS) {
        *knob_of (ret, way) = 0;
        return true;
    }
    way -= KNOBS;
    if (way >= story->happening_count)
        return false;
    ret->happenings[way].dropped = true;
    return true;
}
