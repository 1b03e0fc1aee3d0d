#include "controller/core/plan_build.h"

#include <string.h>

#include "common/core/accept.h"
#include "controller/core/plan_step.h"

static bool world_is_complete (const struct plan_world *world)
{
    return world->trust != NULL && world->fleet != NULL && world->scripts_known && world->contents_known;
}

static const struct plan_file *find_file (const struct plan_world *world, const char *path)
{
    for (size_t i = 0; i < world->file_count; i++)
        if (strcmp (world->files[i].path, path) == 0)
            return &world->files[i];
    return NULL;
}

static const char *base_name (const char *path)
{
    const char *slash = strrchr (path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* A name in the depot. Two contents under one name leave open which is meant: nobody may choose for those who
   sign. */
static void find_content (
    struct plan_problems *problems, const struct plan_world *world, const struct draft_artifact *draft,
    struct artifact *ret)
{
    const struct content_row *found = NULL;
    const char **names = arena_array (problems->arena, world->content_count, sizeof *names);
    for (size_t i = 0; i < world->content_count; i++) {
        const struct content_row *row = &world->contents[i];
        names[i] = row->name;
        if (strcmp (row->name, draft->name) != 0)
            continue;
        if (found != NULL && !digest_equal (&found->digest, &row->digest)) {
            (void)plan_problem (
                problems, draft->place,
                "artifact: the depot has different contents named '%.80s': put the file beside the plan, so "
                "that its bytes decide",
                draft->name);
            return;
        }
        found = row;
    }
    if (found == NULL)
        (void)plan_problem (
            problems, draft->place, "artifact: no file '%.80s', and none in the depot is named %s",
            draft->path, plan_advice (problems, draft->name, names, world->content_count));
    else
        *ret = (struct artifact){draft->name, found->digest, found->length};
}

/* What would be refused as a whole document is refused here with its place. */
static void check_artifact (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan *plan, size_t index)
{
    const struct artifact *artifact = &plan->artifacts[index];
    const struct tree *place = draft->artifacts[index].place;
    if (artifact->name == NULL)
        return;
    if (artifact->length == 0)
        (void)plan_problem (problems, place, "artifact: '%.80s' is empty", artifact->name);
    for (size_t i = 0; i < index; i++)
        if (plan->artifacts[i].name != NULL && strcmp (plan->artifacts[i].name, artifact->name) == 0)
            (void)plan_problem (
                problems, place, "artifacts: a second file is named '%.80s': rename one of them",
                artifact->name);
}

static void build_artifacts (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan_world *world,
    struct plan *plan)
{
    plan->artifacts = arena_array (problems->arena, draft->artifact_count, sizeof *plan->artifacts);
    plan->artifacts_count = draft->artifact_count;
    for (size_t i = 0; i < draft->artifact_count; i++) {
        const struct draft_artifact *wanted = &draft->artifacts[i];
        const struct plan_file *file = find_file (world, wanted->path);
        const char *base = base_name (wanted->name);
        if (base[0] == '\0' || !text_is_printable (wanted->name, strlen (wanted->name)))
            (void)plan_problem (problems, wanted->place, "artifact: expected the name of a file");
        else if (file != NULL)
            plan->artifacts[i] = (struct artifact){base, file->digest, file->length};
        else if (base != wanted->name)
            (void)plan_problem (problems, wanted->place, "artifact: no file '%.200s'", wanted->path);
        else if (world->contents_known)
            find_content (problems, world, wanted, &plan->artifacts[i]);
        check_artifact (problems, draft, plan, i);
    }
}

static bool is_used (const struct plan_draft *draft, const char *suite)
{
    for (size_t i = 0; i < draft->step_count; i++)
        if (draft->steps[i].kind == STEP_TEST && strcmp (draft->steps[i].suite, suite) == 0)
            return true;
    return false;
}

static void add_suite (
    struct plan_problems *problems, const struct plan_world *world, const struct draft_suite *suite,
    struct plan *plan)
{
    struct suite *ret = &plan->suites[plan->suites_count++];
    *ret = (struct suite){.name = suite->name};
    if (!world->scripts_known)
        return;
    ret->tests = plan_tests_finish (problems, &suite->tests, world->scripts, world->script_count);
    ret->tests_count = suite->tests.count;
}

/* Only the suites that a step uses; the plan's own go before the profile's. */
static void build_suites (
    struct plan_problems *problems, const struct plan_draft *draft, const struct draft_profile *profile,
    const struct plan_world *world, struct plan *plan)
{
    size_t more = profile != NULL ? profile->suites.count : 0;
    plan->suites = arena_array (problems->arena, draft->suites.count + more, sizeof *plan->suites);
    for (size_t i = 0; i < draft->suites.count; i++)
        if (is_used (draft, draft->suites.items[i].name))
            add_suite (problems, world, &draft->suites.items[i], plan);
    for (size_t i = 0; i < more; i++) {
        const struct draft_suite *suite = &profile->suites.items[i];
        if (is_used (draft, suite->name) && plan_suite_named (&draft->suites, suite->name) == NULL)
            add_suite (problems, world, suite, plan);
    }
}

static void build_profile (
    struct plan_problems *problems, const struct plan_draft *draft, const struct draft_profile *profile,
    const struct plan_world *world, struct plan *plan)
{
    plan->profile = (struct profile){
        .product = profile->product,
        .start = profile->start,
        .stop = profile->stop,
        .health_interval = profile->health_interval,
        .keep_releases = profile->keep_releases};
    if (draft->product[0] != '\0' && profile->product[0] != '\0' &&
        strcmp (draft->product, profile->product) != 0)
        (void)plan_problem (
            problems, draft->profile_place, "profile: %s describes '%s', and this plan is about '%s'",
            draft->profile, profile->product, draft->product);
    if (!world->scripts_known)
        return;
    plan->profile.health =
        plan_tests_finish (problems, &profile->health, world->scripts, world->script_count);
    plan->profile.health_count = profile->health.count;
}

static uint64_t next_counter (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan_world *world)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < world->counter_count; i++)
        if (strcmp (world->counters[i].product, draft->product) == 0 && world->counters[i].counter > highest)
            highest = world->counters[i].counter;
    if (highest == UINT64_MAX)
        (void)plan_problem (
            problems, draft->root, "no release counter of '%s' is left: the controller's word can't be right",
            draft->product);
    return highest == UINT64_MAX ? highest : highest + 1;
}

static const char *build_comment (struct arena *arena, const struct plan_draft *draft)
{
    if (draft->skip_staging[0] == '\0')
        return draft->comment;
    return arena_format (
        arena, "%s%sStaging is skipped: %s", draft->comment, draft->comment[0] != '\0' ? "\n" : "",
        draft->skip_staging);
}

static void build_head (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan_world *world,
    struct plan *plan)
{
    plan->name = draft->name;
    plan->product = draft->product;
    plan->version = draft->version;
    plan->comment = build_comment (problems->arena, draft);
    plan->counter = next_counter (problems, draft, world);
    plan->issued = world->now;
    plan->expires = instant_add (world->now, draft->expires);
    plan->trust_version = world->trust != NULL ? world->trust->version : 0;
    plan->fleet_version = world->fleet != NULL ? world->fleet->version : 0;
    plan->fleet = world->fleet_digest;
    plan->on_failure = draft->on_failure;
    plan->override_role = draft->override_role;
    plan->override_approvals = draft->override_approvals;
    if (strlen (plan->comment) > LIMIT_COMMENT)
        (void)plan_problem (
            problems, field_place (draft->root, "comment", draft->root),
            "comment: with the reason for skipping staging it is longer than %d bytes", LIMIT_COMMENT);
}

bool plan_build (
    struct plan_problems *problems, const struct plan_draft *draft, const struct draft_profile *profile,
    const struct plan_world *world, struct plan *ret)
{
    struct plan plan = {.name = ""};
    struct error error;
    build_head (problems, draft, world, &plan);
    build_artifacts (problems, draft, world, &plan);
    if (profile != NULL)
        build_profile (problems, draft, profile, world, &plan);
    build_suites (problems, draft, profile, world, &plan);
    plan_steps_build (problems, draft, world, &plan);
    if (problems->errors > 0 || profile == NULL || !world_is_complete (world))
        return false;
    if (!plan_check (&plan, &error))
        return plan_problem (problems, draft->root, "%s", error.text);
    *ret = plan;
    return true;
}
