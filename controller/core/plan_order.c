#include "controller/core/plan_order.h"

#include <string.h>

/* What is being ordered, and where the pass stands. */
struct pass {
    struct plan_problems *problems;
    struct plan_draft *draft;
    const struct draft_profile *profile;
    size_t index;
};

const struct draft_step *plan_deploy_before (
    const struct plan_draft *draft, size_t index, const char *environment)
{
    for (size_t i = index; i > 0; i--) {
        const struct draft_step *step = &draft->steps[i - 1];
        if (step->kind == STEP_DEPLOY &&
            (environment[0] == '\0' || strcmp (step->environment, environment) == 0))
            return step;
    }
    return NULL;
}

bool plan_deploy_is_whole (const struct draft_step *step)
{
    return step->remaining ||
           (tree_get (step->body, "canary") == NULL && tree_get (step->body, "hosts") == NULL);
}

static const struct draft_step *deploy_with_host (
    const struct plan_draft *draft, size_t index, const char *host)
{
    for (size_t i = 0; i < index; i++)
        for (size_t j = 0; draft->steps[i].kind == STEP_DEPLOY && j < draft->steps[i].host_count; j++)
            if (strcmp (draft->steps[i].hosts[j], host) == 0)
                return &draft->steps[i];
    return NULL;
}

static bool signoff_between (const struct plan_draft *draft, const struct draft_step *first, size_t index)
{
    for (size_t i = (size_t)(first - draft->steps) + 1; i < index; i++)
        if (draft->steps[i].kind == STEP_SIGNOFF)
            return true;
    return false;
}

static void order_deploy (struct pass *pass, struct draft_step *step)
{
    const struct draft_step *before = step->environment[0] != '\0'
                                          ? plan_deploy_before (pass->draft, pass->index, step->environment)
                                          : NULL;
    if (before == NULL && step->remaining)
        (void)plan_problem (
            pass->problems, field_place (step->body, "remaining", step->word),
            "remaining: no earlier step deploys to '%s': leave it out to deploy to all of its hosts",
            step->environment);
    if (before != NULL && plan_deploy_is_whole (before))
        (void)plan_problem (
            pass->problems, step->word,
            "deploy: every host of '%s' is in step %zu already: leave this step out, or make that one a "
            "canary",
            step->environment, before->number);
    else if (before != NULL && plan_deploy_is_whole (step) && !step->remaining)
        (void)plan_problem (
            pass->problems, step->word,
            "deploy: step %zu deploys to a part of '%s' already: write remaining: true for the others",
            before->number, step->environment);
    for (size_t i = 0; i < step->host_count; i++) {
        const struct draft_step *other = deploy_with_host (pass->draft, pass->index, step->hosts[i]);
        if (other != NULL)
            (void)plan_problem (
                pass->problems, field_entry (step->body, "hosts", step->hosts[i], step->word),
                "hosts: '%s' is in step %zu already: leave it out here", step->hosts[i], other->number);
    }
    if (before != NULL && step->remaining && !signoff_between (pass->draft, before, pass->index))
        plan_warning (
            pass->problems, step->word,
            "nobody signs off between step %zu and the remaining hosts of '%s': add a signoff step",
            before->number, step->environment);
}

/* The deploy that this step is about; a problem where there is none. */
static const struct draft_step *need_deploy (struct pass *pass, struct draft_step *step)
{
    const struct draft_step *before = plan_deploy_before (pass->draft, pass->index, step->environment);
    const char *kind = step_kind_words.words[step->kind];
    if (before == NULL && step->environment[0] != '\0')
        (void)plan_problem (
            pass->problems, tree_get (step->body, "environment"),
            "%s: no earlier step deploys to '%s': move this step behind its deploy", kind, step->environment);
    else if (before == NULL)
        (void)plan_problem (
            pass->problems, step->word,
            "%s: no earlier step deploys anything: move this step behind a deploy", kind);
    else
        step->environment = before->environment;
    return before;
}

static const char *const *suite_names (struct pass *pass, size_t *ret_count)
{
    const struct draft_suites *own = &pass->draft->suites;
    size_t more = pass->profile != NULL ? pass->profile->suites.count : 0;
    const char **names = arena_array (pass->problems->arena, own->count + more, sizeof *names);
    for (size_t i = 0; i < own->count; i++)
        names[i] = own->items[i].name;
    for (size_t i = 0; i < more; i++)
        names[own->count + i] = pass->profile->suites.items[i].name;
    *ret_count = own->count + more;
    return names;
}

static void order_test (struct pass *pass, struct draft_step *step)
{
    bool written = step->environment[0] != '\0';
    const struct draft_step *before = need_deploy (pass, step);
    step->whole_environment = step->hosts == NULL && before != NULL && (written || before->remaining);
    if (step->suite[0] != '\0' && pass->profile != NULL &&
        plan_suite (pass->draft, pass->profile, step->suite) == NULL) {
        size_t count;
        const char *const *names = suite_names (pass, &count);
        (void)plan_problem (
            pass->problems, field_place (step->body, "suite", step->word), "test: no suite is named %s",
            plan_advice (pass->problems, step->suite, names, count));
    }
}

static const char *next_role (const struct plan_draft *draft, size_t index)
{
    for (size_t i = index + 1; i < draft->step_count; i++)
        if (draft->steps[i].kind == STEP_SIGNOFF && draft->steps[i].role[0] != '\0')
            return draft->steps[i].role;
    return "";
}

static void order_people (struct pass *pass, struct draft_step *step)
{
    (void)need_deploy (pass, step);
    if (step->role[0] != '\0' || tree_get (step->body, "role") != NULL || step->kind == STEP_SIGNOFF)
        return;
    step->role = next_role (pass->draft, pass->index);
    if (step->role[0] == '\0')
        (void)plan_problem (
            pass->problems, step->word,
            "manual: no sign-off follows whose role could be meant: write role: NAME here");
}

/* A duration counts from what was deployed before; until promoted, a pause may also stand first. */
static void order_pause (struct pass *pass, struct draft_step *step)
{
    const struct draft_step *before = plan_deploy_before (pass->draft, pass->index, "");
    if (before != NULL)
        step->environment = before->environment;
    else if (step->duration.ms > 0)
        (void)need_deploy (pass, step);
}

static void order_notify (struct pass *pass, struct draft_step *step)
{
    const struct draft_step *before = plan_deploy_before (pass->draft, pass->index, "");
    if (before != NULL)
        step->environment = before->environment;
}

/* Every deploy should be followed by a test before the next one begins. */
static void warn_of_untested (struct pass *pass, const struct draft_step *step)
{
    const struct plan_draft *draft = pass->draft;
    for (size_t i = pass->index + 1; i < draft->step_count && draft->steps[i].kind != STEP_DEPLOY; i++)
        if (draft->steps[i].kind == STEP_TEST)
            return;
    plan_warning (
        pass->problems, step->word, "nothing tests what this step deploys: add a test step behind it");
}

void plan_order (
    struct plan_problems *problems, struct plan_draft *draft, const struct draft_profile *profile)
{
    struct pass pass = {.problems = problems, .draft = draft, .profile = profile};
    for (pass.index = 0; pass.index < draft->step_count; pass.index++) {
        struct draft_step *step = &draft->steps[pass.index];
        if (step->kind == STEP_DEPLOY) {
            order_deploy (&pass, step);
            warn_of_untested (&pass, step);
        } else if (step->kind == STEP_TEST) {
            order_test (&pass, step);
        } else if (step->kind == STEP_MANUAL || step->kind == STEP_SIGNOFF) {
            order_people (&pass, step);
        } else if (step->kind == STEP_PAUSE) {
            order_pause (&pass, step);
        } else {
            order_notify (&pass, step);
        }
    }
    if (draft->step_count > 0 && plan_deploy_before (draft, draft->step_count, "") == NULL)
        (void)plan_problem (
            problems, field_place (draft->root, "steps", draft->root),
            "steps: none of them deploys anything: begin with - deploy: {environment: staging}");
}
