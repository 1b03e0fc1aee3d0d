/* Plans and what they are about: the story's shapes against the newest fleet. */
#include <assert.h>
#include <string.h>

#include "tests/sim/papers.h"

#define OLD_VERSION "1.0"

enum { OLD_COUNTER = 10 };

#define DAYS(count) (INT64_C (86400000) * (count))

/* -------------------------------------------------------------------------------------------------- contents
 */

const struct content *papers_content (const struct papers *papers, const struct digest *digest)
{
    for (size_t i = 0; i < papers->content_count; i++)
        if (digest_equal (&papers->contents[i].digest, digest))
            return &papers->contents[i];
    return NULL;
}

static struct digest make_content (struct papers *papers, const char *words, size_t size)
{
    struct random random = random_for (papers->story->seed, words, size);
    uint8_t *bytes = arena_take (&papers->arena, size);
    struct digest digest;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next (&random);
    digest = digest_of (bytes, size);
    if (papers_content (papers, &digest) == NULL) {
        assert (papers->content_count < CONTENTS);
        papers->contents[papers->content_count++] = (struct content){digest, {bytes, size}};
    }
    return digest;
}

/* ----------------------------------------------------------------------------------------------------- plans
 */

static struct command command (struct papers *papers, const char *word)
{
    const char **words = arena_array (&papers->arena, 1, sizeof *words);
    words[0] = word;
    return (struct command){.words = words, .words_count = 1, .deadline = span_seconds (30)};
}

static struct test script (struct papers *papers, const char *name)
{
    size_t size = 40;
    return (struct test){
        .name = name,
        .kind = TEST_EXEC,
        .script = make_content (papers, name, size),
        .length = size,
        .target = "",
        .body = "",
        .deadline = span_seconds (10)};
}

struct building {
    struct papers *papers;
    struct plan *plan;
    const struct fleet *fleet;
    const char **landed[2]; /* hosts that earlier steps deploy to, by environment */
    size_t landed_count[2];
};

static void add_deploy (struct building *building, const struct story_step *from, struct step *step)
{
    unsigned staging = building->papers->story->staging;
    const char **hosts = arena_array (&building->papers->arena, from->hosts, sizeof *hosts);
    size_t count = 0;
    for (unsigned i = 0; i < from->hosts; i++) {
        const char *name = host_name ((from->environment == 0 ? 0 : staging) + from->first + i);
        if (fleet_host_named (building->fleet, name) == NULL)
            continue;
        hosts[count++] = name;
        building->landed[from->environment][building->landed_count[from->environment]++] = name;
    }
    step->hosts = hosts;
    step->hosts_count = count;
    step->max_parallel = from->max_parallel;
    step->max_unavailable = from->max_unavailable;
    step->min_healthy_time.ms = from->min_healthy;
    step->healthy_deadline.ms = from->healthy_deadline;
    step->confirm_within.ms = from->confirm_within;
}

static void add_test (struct building *building, const struct story_step *from, struct step *step)
{
    size_t count = building->landed_count[from->environment];
    const char **hosts = arena_array (&building->papers->arena, count, sizeof *hosts);
    memcpy (hosts, building->landed[from->environment], count * sizeof *hosts);
    step->suite = "regression";
    step->hosts = hosts;
    step->hosts_count = count;
}

static bool fits (const struct building *building, const struct step *step)
{
    bool deployed = building->landed_count[0] + building->landed_count[1] > 0;
    if (step->kind == STEP_DEPLOY || step->kind == STEP_TEST)
        return step->hosts_count > 0;
    return deployed || (step->kind == STEP_NOTIFY || (step->kind == STEP_PAUSE && step->duration.ms == 0));
}

static void add_step (struct building *building, const struct story_step *from)
{
    struct plan *plan = building->plan;
    struct step *step = &((struct step *)plan->steps)[plan->steps_count];
    static const char *const targets[] = {"slack", "mail"};
    *step = (struct step){
        .number = plan->steps_count + 1,
        .kind = from->kind,
        .title = "",
        .environment =
            from->kind == STEP_DEPLOY || from->kind == STEP_TEST ? environment_name (from->environment) : "",
        .suite = "",
        .instructions = "",
        .role = "",
        .progress_deadline = {from->progress_deadline}};
    if (from->kind == STEP_DEPLOY)
        add_deploy (building, from, step);
    if (from->kind == STEP_TEST)
        add_test (building, from, step);
    if (from->kind == STEP_MANUAL || from->kind == STEP_SIGNOFF) {
        step->role = from->kind == STEP_MANUAL ? ROLE_TESTERS : ROLE_MANAGERS;
        step->approvals = from->approvals;
        step->optional = from->optional;
    }
    if (from->kind == STEP_PAUSE)
        step->duration.ms = from->duration;
    if (from->kind == STEP_NOTIFY) {
        const char **names = arena_array (&building->papers->arena, 2, sizeof *names);
        memcpy (names, targets, sizeof targets);
        step->targets = names;
        step->targets_count = 2;
    }
    if (fits (building, step))
        plan->steps_count++;
}

static void fill_plan (struct papers *papers, unsigned rollout, struct plan *plan, struct instant now)
{
    const struct story_rollout *shape = &papers->story->rollouts[rollout];
    const struct fleet *fleet = &papers->fleet[papers->fleet_count - 1];
    unsigned all = papers->story->staging + papers->story->production;
    struct artifact *artifacts = arena_array (&papers->arena, 1, sizeof *artifacts);
    struct suite *suites = arena_array (&papers->arena, 1, sizeof *suites);
    struct test *tests = arena_array (&papers->arena, 2, sizeof *tests);
    struct test *health = arena_array (&papers->arena, 1, sizeof *health);
    struct building building = {.papers = papers, .plan = plan, .fleet = fleet};
    size_t size = papers->story->large ? LIMIT_CHUNK + 900 : 900;
    building.landed[0] = arena_array (&papers->arena, all, sizeof (char *));
    building.landed[1] = arena_array (&papers->arena, all, sizeof (char *));
    artifacts[0] = (struct artifact){
        .name = "product.tar",
        .digest = make_content (papers, arena_format (&papers->arena, "artifact %u", rollout), size),
        .length = size};
    tests[0] = script (papers, "login");
    tests[1] = script (papers, "publish");
    health[0] = script (papers, "health");
    suites[0] = (struct suite){.name = "regression", .tests = tests, .tests_count = 2};
    *plan = (struct plan){
        .name = arena_format (&papers->arena, "plan-%u", rollout + 1),
        .product = product_name (shape->product),
        .version = arena_format (&papers->arena, "2.%u.%zu", rollout, papers->plan_count),
        .comment = "",
        .counter = OLD_COUNTER + papers->plan_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (30)},
        .trust_version = papers->trust_count,
        .fleet_version = papers->fleet_count,
        .fleet = envelope_digest (&papers->fleets[papers->fleet_count - 1]),
        .on_failure = shape->pauses_on_failure ? ON_FAILURE_PAUSE : ON_FAILURE_ROLLBACK,
        .override_role = shape->override_approvals > 0 ? ROLE_MANAGERS : "",
        .override_approvals = shape->override_approvals,
        .artifacts = artifacts,
        .artifacts_count = 1,
        .suites = suites,
        .suites_count = 1,
        .steps = arena_array (&papers->arena, STORY_STEPS, sizeof (struct step)),
        .profile =
            {.product = product_name (shape->product),
             .start = command (papers, "start"),
             .stop = command (papers, "stop"),
             .health = health,
             .health_count = 1,
             .health_interval = span_seconds (1),
             .keep_releases = 1},
    };
    for (unsigned i = 0; i < shape->step_count; i++)
        add_step (&building, &shape->steps[i]);
}

static struct true_plan *add_plan (
    struct papers *papers, unsigned rollout, const struct plan *plan, enum key_name signer, bool genuine,
    struct instant now)
{
    struct true_plan *place = &papers->plans[papers->plan_count++];
    assert (papers->plan_count <= sizeof papers->plans / sizeof papers->plans[0]);
    *place = (struct true_plan){
        .envelope = papers_sign (papers, &plan_type, plan, key_of (signer), now),
        .plan = *plan,
        .rollout = rollout,
        .signer = signer,
        .genuine = genuine};
    place->digest = envelope_digest (&place->envelope);
    return place;
}

static bool deploys (const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps_count; i++)
        if (plan->steps[i].kind == STEP_DEPLOY)
            return true;
    return false;
}

struct true_plan *papers_plan (struct papers *papers, unsigned rollout, struct instant now)
{
    struct plan plan;
    bool by_second =
        rollout % 2 == 1 && papers_has_key (&papers->trust[papers->trust_count - 1], KEY_RELEASE_2);
    fill_plan (papers, rollout, &plan, now);
    if (!deploys (&plan))
        return NULL;
    return add_plan (papers, rollout, &plan, by_second ? KEY_RELEASE_2 : KEY_RELEASE_1, true, now);
}

struct true_plan *papers_false_plan (struct papers *papers, unsigned kind, struct instant now)
{
    static const enum key_name signers[] = {KEY_STRANGER, KEY_RELEASE_2, KEY_RELEASE_1, KEY_ANA};
    struct plan plan;
    if (papers->plan_count == 0 || papers->plan_count + 8 >= sizeof papers->plans / sizeof papers->plans[0] ||
        papers->content_count + 8 > CONTENTS ||
        (kind == 1 && papers_has_key (&papers->trust[papers->trust_count - 1], KEY_RELEASE_2)))
        return NULL;
    fill_plan (papers, 0, &plan, now);
    plan.version = "6.6.6";
    if (kind == 2)
        plan.expires.ms = now.ms - DAYS (1);
    ((struct artifact *)plan.artifacts)[0].digest = make_content (papers, "stolen goods", 66);
    ((struct artifact *)plan.artifacts)[0].length = 66;
    return deploys (&plan) ? add_plan (papers, 0, &plan, signers[kind], false, now) : NULL;
}

const struct true_plan *papers_plan_of (const struct papers *papers, const struct digest *digest)
{
    for (size_t i = 0; i < papers->plan_count; i++)
        if (digest_equal (&papers->plans[i].digest, digest))
            return &papers->plans[i];
    return NULL;
}

struct note_release papers_old_release (struct papers *papers, unsigned product)
{
    struct test *health = arena_array (&papers->arena, 1, sizeof *health);
    health[0] = script (papers, "health");
    return (struct note_release){
        .product = product_name (product),
        .current =
            {.product = product_name (product),
             .version = OLD_VERSION,
             .plan = digest_of (OLD_VERSION, strlen (OLD_VERSION)),
             .counter = OLD_COUNTER},
        .folder = OLD_VERSION "-before",
        .previous = {.product = "", .version = ""},
        .previous_folder = "",
        .profile = {
            .product = product_name (product),
            .start = command (papers, "start"),
            .stop = command (papers, "stop"),
            .health = health,
            .health_count = 1,
            .health_interval = span_seconds (1),
            .keep_releases = 1}};
}
