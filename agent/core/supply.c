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

/* On the way back: the probes of the release that runs again. */
static bool is_back (const struct work *work)
{
    return work->kind == WORK_RETURN || work->returning;
}

static void tests_needed (const struct installer *installer, const struct test **tests, size_t *count)
{
    const struct work *work = &installer->work;
    struct side old = side_old (installer);
    const struct profile *profile = is_back (work) ? old.profile : &work->plan.profile;
    *tests = NULL;
    *count = 0;
    if (work->kind == WORK_TEST) {
        *tests = work->suite->tests;
        *count = work->suite->tests_count;
    } else if (profile != NULL) {
        *tests = profile->health;
        *count = profile->health_count;
    }
}

static size_t artifacts_needed (const struct work *work)
{
    return work->kind == WORK_DEPLOY && !is_back (work) ? work->plan.artifacts_count : 0;
}

static void look (
    struct installer *installer, const struct test *tests, size_t test_count,
    struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    size_t artifact_count = artifacts_needed (work);
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

static void set_supplied (struct work *work)
{
    *(is_back (work) ? &work->supplied_back : &work->supplied) = true;
}

static struct instant supply_end (const struct work *work, struct instant now)
{
    struct span patience = work->step->progress_deadline;
    if (is_back (work))
        return instant_add (now, work->step->healthy_deadline);
    return instant_add (work->started, patience.ms > 0 ? patience : span_seconds (SUPPLY_SECONDS));
}

void supply_begin (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    size_t artifact_count = artifacts_needed (work);
    const struct test *tests;
    size_t test_count;
    tests_needed (installer, &tests, &test_count);
    work->wanted = arena_array (&work->arena, artifact_count + test_count, sizeof *work->wanted);
    work->wanted_count = 0;
    work->late[0] = '\0';
    work->supply_until = supply_end (work, now);
    for (size_t i = 0; i < artifact_count; i++)
        want (work, &work->plan.artifacts[i].digest, work->plan.artifacts[i].length);
    want_scripts (work, tests, test_count);
    if (work->wanted_count == 0)
        set_supplied (work);
    else
        look (installer, tests, test_count, effects);
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
    if (!missing)
        set_supplied (work);
}

static void mark (struct work *work, const struct installer_event *event)
{
    for (size_t i = 0; i < event->have_count; i++) {
        struct wanted *wanted = wanted_find (work, &event->have[i]);
        if (wanted != NULL)
            wanted->have = true;
    }
}

/* On the way back the health check goes ahead, and says itself what it lacks. */
static void give_up (
    struct installer *installer, const char *cause, struct instant now, struct installer_effects *effects)
{
    supply_cancel (installer, effects);
    if (is_back (&installer->work)) {
        set_supplied (&installer->work);
        return;
    }
    installer->work.cause = fit_text (&installer->work.arena, cause, LIMIT_LINE);
    work_end (installer, OUTCOME_FAILED, now, effects);
}

/* Bytes that are wrong and a disk that is full look alike but for the words. */
static const char *why_not_taken (
    const struct wanted *wanted, const struct installer_event *event, struct arena *arena)
{
    char digits[DIGEST_TEXT_SIZE];
    if (!event->good && event->detail != NULL && event->detail[0] != '\0')
        return arena_format (arena, "%s (%d tries)", event->detail, (int)CONTENT_TRIES);
    return arena_format (
        arena, "content %.*s arrived %d times and was never what the plan says", 12,
        digest_print (&wanted->digest, digits), (int)CONTENT_TRIES);
}

static void taken (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    struct work *work = &installer->work;
    struct wanted *wanted = wanted_find (work, &work->taking);
    assert (wanted != NULL);
    done (&wanted->digest, wanted->have, effects);
    wanted->here = false;
    if (!wanted->have && ++wanted->tries == CONTENT_TRIES) {
        give_up (installer, why_not_taken (wanted, event, &effects->arena), event->now, effects);
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

/* A stranger's words: shown to people as such, and in nothing believed. */
void supply_late (struct installer *installer, const struct content_late *late)
{
    const struct wanted *wanted = NULL;
    size_t size = strlen (late->cause);
    if (installer->wait == WAIT_CONTENT || installer->wait == WAIT_TAKE)
        wanted = wanted_find (&installer->work, &late->content);
    if (wanted == NULL || wanted->have || !text_is_printable (late->cause, size))
        return;
    (void)memcpy (installer->work.late, late->cause, size + 1);
}

struct instant supply_deadline (const struct installer *installer)
{
    return installer->wait == WAIT_CONTENT ? installer->work.supply_until : (struct instant){INT64_MAX};
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
            &effects->arena, "%zu of %zu contents did not arrive within %s%s%s", missing, work->wanted_count,
            span_print (instant_between (work->started, now), text),
            work->late[0] != '\0' ? "; the session says: " : "", work->late),
        now, effects);
}

void supply_cancel (struct installer *installer, struct installer_effects *effects)
{
    for (size_t i = 0; i < installer->work.wanted_count; i++)
        if (!installer->work.wanted[i].have)
            done (&installer->work.wanted[i].digest, true, effects);
    installer->wait = WAIT_NOTHING;
}
