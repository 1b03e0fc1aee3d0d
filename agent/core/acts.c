/* One act: noted, ordered, and noted again when it has ended. */
#include <assert.h>
#include <string.h>

#include "agent/core/installer_state.h"

static enum activity activity_of (enum act act, bool returning)
{
    static const enum activity activities[] = {
        [ACT_NONE] = ACTIVITY_IDLE,     [ACT_STAGE] = ACTIVITY_STAGING,  [ACT_STOP] = ACTIVITY_STOPPING,
        [ACT_SWAP] = ACTIVITY_SWAPPING, [ACT_START] = ACTIVITY_STARTING, [ACT_CHECK] = ACTIVITY_CHECKING,
        [ACT_TEST] = ACTIVITY_TESTING,  [ACT_PRUNE] = ACTIVITY_IDLE,
    };
    return returning ? ACTIVITY_RETURNING : activities[act];
}

/* The release that `current` names is the one that is stopped, by its own command. */
static struct side side_running (const struct installer *installer)
{
    struct side old = side_old (installer);
    return work_is_current (installer) || !old.exists ? side_new (installer) : old;
}

static struct side side_of_act (const struct installer *installer, enum act act, bool returning)
{
    if (act == ACT_STOP)
        return side_running (installer);
    return returning ? side_old (installer) : side_new (installer);
}

static const struct command *copy_command (
    struct installer_effects *effects, const struct side *side, enum act act)
{
    if (side->profile == NULL || (act != ACT_STOP && act != ACT_START))
        return NULL;
    return effects_copy (
        effects, &command_type, act == ACT_STOP ? &side->profile->stop : &side->profile->start);
}

static void copy_tests (
    struct installer_effects *effects, struct act_order *order, const struct test *tests, size_t count)
{
    struct test *copy = arena_array (&effects->arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = *(struct test *)effects_copy (effects, &test_type, &tests[i]);
    order->tests = copy;
    order->test_count = count;
}

static void copy_artifacts (
    struct installer_effects *effects, struct act_order *order, const struct plan *plan)
{
    struct artifact *copy = arena_array (&effects->arena, plan->artifacts_count, sizeof *copy);
    for (size_t i = 0; i < plan->artifacts_count; i++)
        copy[i] = *(struct artifact *)effects_copy (effects, &artifact_type, &plan->artifacts[i]);
    order->artifacts = copy;
    order->artifact_count = plan->artifacts_count;
}

/* What ran before the release that the act is about: after a test or a deploy the old one, on the way back
   the one that is being left. */
static const char *version_before (const struct installer *installer, const struct side *side, bool returning)
{
    if (returning && strcmp (side->version, installer->work.plan.version) != 0)
        return installer->work.plan.version;
    return strcmp (side->version, side_old (installer).version) != 0 ? side_old (installer).version : "";
}

static void copy_probes (
    struct installer_effects *effects, struct act_order *order, const struct profile *first,
    const struct profile *second)
{
    struct test *both =
        arena_array (&effects->arena, first->health_count + second->health_count, sizeof *both);
    if (first->health_count > 0)
        (void)memcpy (both, first->health, first->health_count * sizeof *both);
    if (second->health_count > 0)
        (void)memcpy (both + first->health_count, second->health, second->health_count * sizeof *both);
    copy_tests (effects, order, both, first->health_count + second->health_count);
}

static struct act_order *make_order (
    const struct installer *installer, enum act act, bool returning, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    struct side side = side_of_act (installer, act, returning);
    struct arena *arena = &effects->arena;
    struct act_order *order = arena_take (arena, sizeof *order);
    *order = (struct act_order){
        .act = act,
        .returning = returning,
        .product = arena_text (arena, work->plan.product),
        .version = arena_text (arena, side.version),
        .folder = arena_text (arena, side.folder),
        .previous = arena_text (arena, version_before (installer, &side, returning)),
        .environment = arena_text (arena, work->step->environment),
        .command = copy_command (effects, &side, act),
        .min_healthy_time = work->step->min_healthy_time,
        .deadline = work->step->healthy_deadline,
    };
    if (act == ACT_STAGE)
        copy_artifacts (effects, order, &work->plan);
    if (act == ACT_CHECK && side.profile != NULL) {
        copy_tests (effects, order, side.profile->health, side.profile->health_count);
        order->interval = side.profile->health_interval;
    }
    if (act == ACT_TEST)
        copy_tests (effects, order, &work->suite->tests[work->result_count], 1);
    return order;
}

/* `current` is about to name the other release. Nothing is noted where an earlier try has noted it. */
static void note_link (struct installer *installer, bool returning, struct installer_effects *effects)
{
    const struct work *work = &installer->work;
    const struct row *row = work_row (installer);
    struct note_release note = {.product = work->plan.product};
    if (returning != work_is_current (installer))
        return;
    if (returning) {
        note.current = row->release.previous;
        note.current.product = work->plan.product;
        note.folder = row->release.previous_folder;
        note.profile = row->release.previous_profile;
        /* The release that was left is no way back; a product without a version says that one is unknown. */
        if (release_exists (&note.current))
            note.previous.product = work->plan.product;
    } else {
        note.current = (struct host_release){
            work->plan.product, work->plan.version, work->plan_digest, work->plan.counter};
        note.folder = work->folder;
        note.profile = work->plan.profile;
        if (row != NULL && release_exists (&row->release.current)) {
            note.previous = row->release.current;
            note.previous_folder = row->release.folder;
            note.previous_profile = row->release.profile;
        }
    }
    effects_record (installer, effects, &note_release_type, &note);
}

static const char *act_detail (
    const struct installer *installer, const struct act_order *order, struct arena *arena)
{
    if (order->act == ACT_TEST)
        return installer->work.suite->tests[installer->work.result_count].name;
    if (order->returning)
        return arena_format (
            arena, "%s %s", enum_word (&act_words, order->act),
            order->folder[0] != '\0' ? order->version : "(nothing ran before)");
    return order->version;
}

static void order_act (
    struct installer *installer, struct act_order *order, struct instant now,
    struct installer_effects *effects)
{
    struct note_act note = {.act = order->act, .returning = order->returning, .at = now};
    effects_record (installer, effects, &note_act_type, &note);
    effects_add (effects, INSTALLER_ACT)->order = order;
    installer->wait = WAIT_ACT;
}

void act_begin (
    struct installer *installer, enum act act, bool returning, struct instant now,
    struct installer_effects *effects)
{
    struct act_order *order;
    if (act == ACT_SWAP)
        note_link (installer, returning, effects);
    order = make_order (installer, act, returning, effects);
    say_doing (
        installer, effects, &installer->work.permit, activity_of (act, returning),
        act_detail (installer, order, &effects->arena));
    order_act (installer, order, now, effects);
}

void prune_begin (struct installer *installer, struct instant now, struct installer_effects *effects)
{
    const struct row *row = installer->prune;
    struct arena *arena = &effects->arena;
    struct act_order *order = arena_take (arena, sizeof *order);
    const char **keep = arena_array (arena, row->folder_count + 4, sizeof *keep);
    *order = (struct act_order){
        .act = ACT_PRUNE,
        .product = arena_text (arena, row->release.product),
        .version = arena_text (arena, row->release.current.version),
        .folder = arena_text (arena, row->release.folder),
        .previous = arena_text (arena, row->release.previous.version),
        .environment = "",
        .keep_count = retain_keep (row, row->release.profile.keep_releases, keep),
        .keep = keep,
    };
    copy_probes (effects, order, &row->release.profile, &row->release.previous_profile);
    for (size_t i = 0; i < order->keep_count; i++)
        keep[i] = arena_text (arena, keep[i]);
    order_act (installer, order, now, effects);
}

static struct test_result fit_result (
    const struct installer *installer, const struct installer_event *event, struct arena *arena)
{
    const struct work *work = &installer->work;
    struct test_result result = event->result;
    result.name = work->suite->tests[work->result_count].name;
    if (!event->good && result.verdict == VERDICT_PASSED)
        result.verdict = VERDICT_ERROR;
    result.detail = fit_text (
        arena, result.detail != NULL && result.detail[0] != '\0' ? result.detail : event->detail, LIMIT_LINE);
    result.tail = fit_text (arena, result.tail, LIMIT_TAIL);
    return result;
}

void act_done (
    struct installer *installer, const struct installer_event *event, struct installer_effects *effects)
{
    struct row *pruned = installer->work.kind == WORK_NONE ? installer->prune : NULL;
    struct note_act note = {
        .act = pruned != NULL ? ACT_PRUNE : installer->work.act,
        .returning = pruned == NULL && installer->work.returning,
        .finished = true,
        .good = event->good,
        .at = event->now,
        .detail = fit_text (&effects->arena, event->detail, LIMIT_LINE),
    };
    if (installer->wait != WAIT_ACT)
        return;
    installer->wait = WAIT_NOTHING;
    if (note.act == ACT_TEST)
        note.result = fit_result (installer, event, &effects->arena);
    if (note.act == ACT_STOP)
        installer->work.unsure = false;
    effects_record (installer, effects, &note_act_type, &note);
}
