#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/accept.h"
#include "common/core/twice.h"

/* Where a host gets the release: what the later steps of the plan build on. */
struct landing {
    const char *host;
    const struct step *step;
};

struct landings {
    struct landing *items; /* sorted by host */
    size_t count;
};

static bool wrong (struct error *error, const char *text)
{
    return error_set (error, ERROR_INPUT, "%s", text);
}

const char *plan_environment (const struct plan *plan, uint64_t number)
{
    const char *environment = "";
    for (size_t i = 0; i < plan->steps_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->number == number && step->environment[0] != '\0')
            return step->environment;
        if (step->kind == STEP_DEPLOY && (number == 0 || step->number < number))
            environment = step->environment;
    }
    return environment;
}

static bool names_check (
    const char *what, const char **names, size_t count, struct arena *arena, struct error *error)
{
    const char **sorted = arena_array (arena, count, sizeof *sorted);
    const char *twice;
    for (size_t i = 0; i < count; i++) {
        if (!text_is_name (names[i]))
            return error_set (
                error, ERROR_INPUT, "'%s' is no name for a %s: use 1 to 64 of A-Z a-z 0-9 . _ -", names[i],
                what);
        sorted[i] = names[i];
    }
    twice = text_twice (sorted, count);
    return twice == NULL || error_set (error, ERROR_INPUT, "the %s %s is listed twice", what, twice);
}

/* ----------------------------------------------------------------- tests, commands, artefacts */

static bool test_check (const struct test *test, struct error *error)
{
    if (!text_is_name (test->name))
        return error_set (error, ERROR_INPUT, "'%s' is no name for a test", test->name);
    if (test->deadline.ms <= 0)
        return error_set (error, ERROR_INPUT, "test %s: it needs a deadline", test->name);
    if (test->kind == TEST_EXEC && digest_is_none (&test->script))
        return error_set (error, ERROR_INPUT, "test %s: it names no script to run", test->name);
    if (test->kind != TEST_EXEC && test->target[0] == '\0')
        return error_set (error, ERROR_INPUT, "test %s: it names no target", test->name);
    if (test->kind == TEST_HTTP && test->status < 100)
        return error_set (
            error, ERROR_INPUT, "test %s: it wants the HTTP status %" PRIu64 ", use 100 to 599", test->name,
            test->status);
    return true;
}

static bool tests_check (const struct test *tests, size_t count, struct arena *arena, struct error *error)
{
    const char **names = arena_array (arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        if (!test_check (&tests[i], error))
            return false;
        names[i] = tests[i].name;
    }
    return names_check ("test", names, count, arena, error);
}

static bool command_check (const char *what, const struct command *command, struct error *error)
{
    return command->words_count == 0 || command->deadline.ms > 0 ||
           error_set (error, ERROR_INPUT, "the %s command needs a deadline", what);
}

static bool profile_check (const struct plan *plan, struct arena *arena, struct error *error)
{
    const struct profile *profile = &plan->profile;
    if (strcmp (profile->product, plan->product) != 0)
        return error_set (
            error, ERROR_INPUT, "the profile is of the product '%s', the plan of %s", profile->product,
            plan->product);
    if (profile->health_count > 0 && profile->health_interval.ms <= 0)
        return wrong (error, "the profile's health probes need an interval");
    return command_check ("start", &profile->start, error) && command_check ("stop", &profile->stop, error) &&
           (tests_check (profile->health, profile->health_count, arena, error) ||
            error_context (error, "health probes"));
}

static bool suites_check (const struct plan *plan, struct arena *arena, struct error *error)
{
    const char **names = arena_array (arena, plan->suites_count, sizeof *names);
    for (size_t i = 0; i < plan->suites_count; i++) {
        const struct suite *suite = &plan->suites[i];
        if (suite->tests_count == 0)
            return error_set (error, ERROR_INPUT, "the suite %s has no test", suite->name);
        if (!tests_check (suite->tests, suite->tests_count, arena, error))
            return error_context (error, "suite %s", suite->name);
        names[i] = suite->name;
    }
    return names_check ("suite", names, plan->suites_count, arena, error);
}

static bool artifacts_check (const struct plan *plan, struct arena *arena, struct error *error)
{
    const char **names = arena_array (arena, plan->artifacts_count, sizeof *names);
    const char *twice;
    if (plan->artifacts_count == 0)
        return wrong (error, "it names no artefact: there is nothing to deploy");
    for (size_t i = 0; i < plan->artifacts_count; i++) {
        const struct artifact *artifact = &plan->artifacts[i];
        if (artifact->name[0] == '\0' || !text_is_printable (artifact->name, strlen (artifact->name)))
            return error_set (error, ERROR_INPUT, "artefact %zu has no printable name", i + 1);
        if (digest_is_none (&artifact->digest) || artifact->length == 0)
            return error_set (error, ERROR_INPUT, "artefact %s has no digest or no length", artifact->name);
        names[i] = artifact->name;
    }
    twice = text_twice (names, plan->artifacts_count);
    return twice == NULL || error_set (error, ERROR_INPUT, "the artefact %s is listed twice", twice);
}

/* --------------------------------------------------------------------------------------- steps */

static int compare_landings (const void *first, const void *second)
{
    return strcmp (((const struct landing *)first)->host, ((const struct landing *)second)->host);
}

/* Every host of every deploy, sorted. A host belongs to one environment and gets the release once. */
static bool landings_find (
    const struct plan *plan, struct arena *arena, struct landings *ret, struct error *error)
{
    size_t count = 0;
    struct landing *items;
    for (size_t i = 0; i < plan->steps_count; i++)
        count += plan->steps[i].kind == STEP_DEPLOY ? plan->steps[i].hosts_count : 0;
    items = arena_array (arena, count, sizeof *items);
    count = 0;
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; plan->steps[i].kind == STEP_DEPLOY && j < plan->steps[i].hosts_count; j++)
            items[count++] = (struct landing){plan->steps[i].hosts[j], &plan->steps[i]};
    if (count == 0)
        return wrong (error, "it has no deploy step with hosts");
    qsort (items, count, sizeof *items, compare_landings);
    for (size_t i = 1; i < count; i++)
        if (strcmp (items[i - 1].host, items[i].host) == 0)
            return error_set (
                error, ERROR_INPUT, "the host %s is deployed to twice, in the steps %" PRIu64 " and %" PRIu64,
                items[i].host, items[i - 1].step->number, items[i].step->number);
    *ret = (struct landings){items, count};
    return true;
}

static bool place_check (const struct step *step, struct arena *arena, struct error *error)
{
    if (!text_is_name (step->environment))
        return error_set (error, ERROR_INPUT, "'%s' is no name for an environment", step->environment);
    if (step->hosts_count == 0)
        return wrong (error, "it names no host");
    return names_check ("host", step->hosts, step->hosts_count, arena, error);
}

static bool deploy_check (const struct step *step, struct arena *arena, struct error *error)
{
    if (!place_check (step, arena, error))
        return false;
    if (step->max_parallel < 1 || step->max_unavailable < 1)
        return wrong (error, "max_parallel and max_unavailable are at least 1");
    if (step->min_healthy_time.ms < 0 || step->min_healthy_time.ms >= step->healthy_deadline.ms)
        return wrong (error, "min_healthy_time must be shorter than healthy_deadline");
    if (step->healthy_deadline.ms >= step->progress_deadline.ms)
        return wrong (error, "healthy_deadline must be shorter than progress_deadline");
    if (step->confirm_within.ms < 0 ||
        (step->confirm_within.ms > 0 && step->confirm_within.ms <= step->progress_deadline.ms))
        return wrong (
            error, "confirm_within must be longer than progress_deadline: the step is confirmed when all its "
                   "hosts have kept");
    return true;
}

static bool suite_is_there (const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->suites_count; i++)
        if (strcmp (plan->suites[i].name, name) == 0)
            return true;
    return false;
}

/* A test proves something only on a host that has got the release. */
static bool test_step_check (
    const struct plan *plan, const struct step *step, const struct landings *landings, struct arena *arena,
    struct error *error)
{
    if (!place_check (step, arena, error))
        return false;
    if (!suite_is_there (plan, step->suite))
        return error_set (error, ERROR_MISSING, "the plan has no suite '%s'", step->suite);
    for (size_t i = 0; i < step->hosts_count; i++) {
        const struct landing wanted = {step->hosts[i], NULL};
        const struct landing *landing =
            bsearch (&wanted, landings->items, landings->count, sizeof wanted, compare_landings);
        if (landing == NULL || landing->step->number >= step->number ||
            strcmp (landing->step->environment, step->environment) != 0)
            return error_set (
                error, ERROR_INPUT, "no earlier step deploys to the host %s in %s", step->hosts[i],
                step->environment);
    }
    return true;
}

static bool follows_deploy (const struct plan *plan, const struct step *step)
{
    for (size_t i = 0; i < plan->steps_count && plan->steps[i].number < step->number; i++)
        if (plan->steps[i].kind == STEP_DEPLOY)
            return true;
    return false;
}

static bool approver_check (const char *role, struct error *error)
{
    static const char *const others[] = {ROLE_ROOT, ROLE_RELEASER, ROLE_CONTROLLER, ROLE_FLAGS};
    if (!text_is_name (role))
        return error_set (error, ERROR_INPUT, "'%s' is no name for a role", role);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp (role, others[i]) == 0)
            return error_set (
                error, ERROR_INPUT, "the role %s has a meaning of its own and approves nothing", role);
    return true;
}

static bool override_check (const struct plan *plan, struct error *error)
{
    if (plan->override_role[0] == '\0')
        return plan->override_approvals == 0 ||
               wrong (error, "approvals that override are asked for, and no role is named");
    if (!approver_check (plan->override_role, error))
        return error_context (error, "override");
    if (plan->on_failure != ON_FAILURE_PAUSE)
        return wrong (
            error, "override needs on_failure: pause, for else the hosts return before anybody decides");
    return plan->override_approvals >= 1 || wrong (error, "override needs at least 1 approval");
}

static bool approval_step_check (const struct plan *plan, const struct step *step, struct error *error)
{
    if (!approver_check (step->role, error))
        return false;
    if (step->environment[0] != '\0' && !text_is_name (step->environment))
        return error_set (error, ERROR_INPUT, "'%s' is no name for an environment", step->environment);
    if (step->approvals < 1)
        return wrong (error, "it needs at least 1 approval");
    if (step->kind == STEP_SIGNOFF && step->optional)
        return wrong (error, "a signoff is never optional; use manual");
    return follows_deploy (plan, step) || wrong (error, "no step before it deploys anything to judge");
}

static bool pause_check (const struct plan *plan, const struct step *step, struct error *error)
{
    if (step->duration.ms < 0)
        return wrong (error, "its duration is negative");
    return step->duration.ms == 0 || follows_deploy (plan, step) ||
           wrong (error, "no step before it deploys anything from which its duration could count");
}

static bool step_check (
    const struct plan *plan, const struct step *step, const struct landings *landings, struct arena *arena,
    struct error *error)
{
    switch (step->kind) {
    case STEP_DEPLOY:
        return deploy_check (step, arena, error);
    case STEP_TEST:
        return test_step_check (plan, step, landings, arena, error);
    case STEP_MANUAL:
    case STEP_SIGNOFF:
        return approval_step_check (plan, step, error);
    case STEP_PAUSE:
        return pause_check (plan, step, error);
    case STEP_NOTIFY:
        return step->targets_count > 0
                   ? names_check ("target", step->targets, step->targets_count, arena, error)
                   : wrong (error, "it names no target");
    case step_kind_count:
        break;
    }
    return wrong (error, "it is of an unknown kind");
}

static bool steps_check (const struct plan *plan, struct arena *arena, struct error *error)
{
    struct landings landings = {0};
    for (size_t i = 0; i < plan->steps_count; i++)
        if (plan->steps[i].number != i + 1)
            return error_set (
                error, ERROR_INPUT, "step %zu bears the number %" PRIu64 ": they count from 1 without a gap",
                i + 1, plan->steps[i].number);
    if (!landings_find (plan, arena, &landings, error))
        return false;
    for (size_t i = 0; i < plan->steps_count; i++)
        if (!step_check (plan, &plan->steps[i], &landings, arena, error))
            return error_context (
                error, "step %zu (%s)", i + 1, enum_word (&step_kind_words, plan->steps[i].kind));
    return true;
}

static bool head_check (const struct plan *plan, struct error *error)
{
    if (!text_is_name (plan->product))
        return error_set (error, ERROR_INPUT, "'%s' is no name for a product", plan->product);
    if (!text_is_version (plan->version))
        return error_set (error, ERROR_INPUT, "'%s' is no version", plan->version);
    return plan->counter > 0 || wrong (error, "its release counter is 0: they count from 1");
}

bool plan_check (const struct plan *plan, struct error *error)
{
    struct arena arena = {0};
    bool good;
    if (!text_is_name (plan->name))
        return error_set (error, ERROR_INPUT, "'%s' is no name for a plan", plan->name);
    good = head_check (plan, error) && override_check (plan, error) && profile_check (plan, &arena, error) &&
           artifacts_check (plan, &arena, error) && suites_check (plan, &arena, error) &&
           steps_check (plan, &arena, error);
    arena_free (&arena);
    return good || error_context (error, "plan %s", plan->name);
}
