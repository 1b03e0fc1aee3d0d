/* Contents on their way into the installer's own store:

     LOOK → HAVE → content_wanted … content_here → TAKE → HAVE → content_done … until nothing is missing.

   A content that turns out to be other bytes is fetched again, CONTENT_TRIES times. What does not come at all
   is given up at the step's progress_deadline. Nothing of it is noted: after a restart the store is looked at
   again. */
#include <assert.h>
#include <string.h>

#include "agent/core/installer_state.h"

/* Where a step names no progress_deadline. */
enum { SUPPLY_SECONDS = 3600 };

static void want (struct work *work, const struct digest *digest, uint64_t length)
{
    if (digest_is_none (digest))
        return;
    for (size_t i = 0; i < work->wanted_count; i++)
        if (digest_equal (&work->wanted[i].digest, digest))
            return;
    work->wanted[work->wanted_count++] = (struct wanted){.digest = *digest, .length = length};
}

static void want_scripts (struct work *work, const struct test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tests[i].kind == TEST_EXEC)
            want (work, &tests[i].script, tests[i].length);
}

static struct test *copy_tests (struct installer_effects *effects, const struct test *tests, size_t count)
{
    struct test *copy = arena_array (&effects->arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = *(struct test *)effects_copy (effects, &test_type, &tests[i]);
    return copy;
}

static void look (struct installer *installer, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    bool deploys = work->kind == WORK_DEPLOY;
    const struct test *tests = work->kind == WORK_TEST ? work->suite->tests : work->plan.profile.health;
    size_t test_count = work->kind == WORK_TEST ? work->suite->tests_count : work->plan.profile.health_count;
    size_t artifact_count = deploys ? work->plan.artifacts_count : 0;
    struct act_order *order = arena_take (&effects->arena, sizeof *order);
    struct artifact *artifacts = arena_array (&effects->arena, artifact_count, sizeof *artifacts);
    for (size_t i = 0; i < artifact_count; i++)
        artifacts[i] = *(struct artifact *)effects_copy (effects, &artifact_type, &work->plan.artifacts[i]);
    *order = (struct act_order){
        .act = ACT_NONE,
        .product = arena_text (&effects->arena, work->plan.product),
        .version = arena_text (&effects->arena, work->plan.version),
        .folder = arena_text (&effects->arena, work->folder),
        .previous = "",
        .environment = arena_text (&effects->arena, work->step->environment),
        .artifacts = artifacts,
        .artifact_count = artifact_count,
        .tests = copy_tests (effects, tests, test_count),
        .test_count = test_count,
    };
    effects_add (effects, INSTALLER_LOOK)->order = order;
    installer->wait = WAIT_LOOK;
}

void supply_begin (struct installer *installer, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    const struct plan *plan = &work->plan;
    size_t most = plan->artifacts_count + plan->profile.health_count +
                  (work->suite != NULL ? work->suite->tests_count : 0);
    work->wanted = arena_array (&work->arena, most, sizeof *work->wanted);
    work->wanted_count = 0;
    if (work->kind == WORK_DEPLOY)
        for (size_t i = 0; i < plan->artifacts_count; i++)
            want (work, &plan->artifacts[i].digest, plan->artifacts[i].length);
    if (work->kind == WORK_TEST)
        want_scripts (work, work->suite->tests, work->suite->tests_count);
    else
        want_scripts (work, plan->profile.health, plan->profile.health_count);
    if (work->wanted_count == 0)
        work->supplied = true;
    else
        look (installer, effects);
}

static struct wanted *wanted_find (struct work *work, const struct digest *digest)
{
    for (size_t i = 0; i < work->wanted_count; i++)
        if (digest_equal (&work->wanted[i].digest, digest))
            return &work->wanted[i];
    return NULL;
}

static void ask (const struct wanted *wanted, struct installer_effects *effects)
{
    struct content_wanted message = {.content = wanted->digest, .length = wanted->length};
    effects_send (effects, &content_wanted_type, &message);
}

static void done (const struct digest *digest, bool good, struct installer_effects *effects)
{
    struct content_done message = {.content = *digest, .good = good};
    effects_send (effects, &content_done_type, &message);
}

void supply_ask (const struct installer *installer, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    if (installer->wait != WAIT_CONTENT && installer->wait != WAIT_TAKE)
        return;
    for (size_t i = 0; i < work->wanted_count; i++)
        if (!work->wanted[i].have && !work->wanted[i].here)
            ask (&work->wanted[i], effects);
}

/* Takes what the spool holds, one after the other; goes on when all is there. */
static void take_next (struct installer *installer, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    bool missing = false;
    for (size_t i = 0; i < work->wanted_count; i++) {
        struct wanted *wanted = &work->wanted[i];
        if (!wanted->have && wanted->here) {
            struct installer_effect *effect = effects_add (effects, INSTALLER_TAKE);
            effect->digest = wanted->digest;
            effect->length = wanted->length;
            work->taking = wanted->digest;
            installer->wait = WAIT_TAKE;
            return;
        }
        missing = missing || !wanted->have;
    }
    installer->wait = missing ? WAIT_CONTENT : WAIT_NOTHING;
    work->supplied = !missing;
}

static void mark (struct work *work, const struct installer_event *event)
{
    for (size_t i = 0; i < event->have_count; i++) {
        struct wanted *wanted = wanted_find (work, &event->have[i]);
        if (wanted != NULL)
            wanted->have = true;
    }
}

static void give_up (
    struct installer *installer, const char *cause, struct instant now, struct installer_effects *effects)
{
    installer->work.cause = fit_text (&installer->work.arena, cause, LIMIT_LINE);
    supply_cancel (installer, effects);
    work_end (installer, OUTCOME_FAILED, now, effects);
}

static void taken (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    struct wanted *wanted = wanted_find (work, &work->taking);
    char digits[DIGEST_TEXT_SIZE];
    assert (wanted != NULL);
    done (&wanted->digest, wanted->have, effects);
    wanted->here = false;
    if (!wanted->have && ++wanted->tries == CONTENT_TRIES) {
        give_up (
            installer,
            arena_format (
                &effects->arena, "content %.*s arrived %d times and was never what the plan says", 12,
                digest_print (&wanted->digest, digits), (int)CONTENT_TRIES),
            event->now, effects);
        return;
    }
    if (!wanted->have)
        ask (wanted, effects);
    take_next (installer, effects);
}

void supply_have (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    enum wait wait = installer->wait;
    if (wait != WAIT_LOOK && wait != WAIT_TAKE)
        return;
    mark (work, event);
    if (wait == WAIT_TAKE) {
        taken (installer, event, effects);
        return;
    }
    take_next (installer, effects);
    if (installer->wait == WAIT_CONTENT)
        say_doing (installer, effects, &work->permit, ACTIVITY_FETCHING, work->plan.version);
    supply_ask (installer, effects);
}

void supply_here (
    struct installer *installer, const struct digest *content, struct installer_effects *effects)
{
    struct wanted *wanted = NULL;
    if (installer->wait == WAIT_CONTENT || installer->wait == WAIT_TAKE)
        wanted = wanted_find (&installer->work, content);
    if (wanted == NULL || wanted->have) {
        if (installer->wait != WAIT_LOOK)
            done (content, true, effects);
        return;
    }
    if (installer->wait == WAIT_TAKE && digest_equal (&installer->work.taking, content))
        return;
    wanted->here = true;
    if (installer->wait == WAIT_CONTENT)
        take_next (installer, effects);
}

struct instant supply_deadline (const struct installer *installer)
{
    const struct work *work = &installer->work;
    struct span patience;
    if (installer->wait != WAIT_CONTENT)
        return (struct instant){INT64_MAX};
    patience = work->step->progress_deadline;
    return instant_add (work->started, patience.ms > 0 ? patience : span_seconds (SUPPLY_SECONDS));
}

void supply_check_time (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    char text[TIME_TEXT_SIZE];
    size_t missing = 0;
    if (installer->wait != WAIT_CONTENT || instant_before (now, supply_deadline (installer)))
        return;
    for (size_t i = 0; i < work->wanted_count; i++)
        missing += !work->wanted[i].have;
    give_up (
        installer,
        arena_format (
            &effects->arena, "%zu of %zu contents did not arrive within %s", missing, work->wanted_count,
            span_print (instant_between (work->started, now), text)),
        now, effects);
}

void supply_cancel (struct installer *installer, struct installer_effects *effects)
{
    for (size_t i = 0; i < installer->work.wanted_count; i++)
        if (!installer->work.wanted[i].have)
            done (&installer->work.wanted[i].digest, true, effects);
    installer->wait = WAIT_NOTHING;
}
