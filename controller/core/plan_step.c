#include "controller/core/plan_step.h"

#include <string.h>

struct pass {
    struct plan_problems *problems;
    const struct plan_draft *draft;
    const struct plan_world *world;
    struct cohort_pool pool;
    bool has_pool; /* the fleet is known, and has the product */
    struct plan *plan;
    size_t index;
};

/* A share is rounded down, and never to nothing. */
static uint64_t amount_of (const struct plan_amount *amount, size_t whole, uint64_t otherwise)
{
    uint64_t share = whole * amount->value / 100;
    if (!amount->given)
        return otherwise;
    if (!amount->percent)
        return amount->value;
    return share > 0 ? share : 1;
}

static bool has_fixed_meaning (const char *role)
{
    return strcmp (role, ROLE_ROOT) == 0 || strcmp (role, ROLE_RELEASER) == 0 ||
           strcmp (role, ROLE_CONTROLLER) == 0 || strcmp (role, ROLE_FLAGS) == 0;
}

static bool is_among (const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (names[i], name) == 0)
            return true;
    return false;
}

static void refuse_role (struct pass *pass, const struct draft_step *step)
{
    const struct trust *trust = pass->world->trust;
    const char **names = arena_array (pass->problems->arena, trust->roles_count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < trust->roles_count; i++) {
        const struct trust_role *role = &trust->roles[i];
        bool fits = role->environment[0] == '\0' || strcmp (role->environment, step->environment) == 0;
        if (fits && !has_fixed_meaning (role->name) && !is_among (role->name, names, count))
            names[count++] = role->name;
    }
    (void)plan_problem (
        pass->problems, field_place (step->body, "role", step->word), "role: nobody in '%s' has the role %s",
        step->environment, plan_advice (pass->problems, step->role, names, count));
}

static void check_role (struct pass *pass, const struct draft_step *step)
{
    const struct trust_role *role;
    if (step->role[0] == '\0')
        return;
    if (has_fixed_meaning (step->role)) {
        (void)plan_problem (
            pass->problems, field_place (step->body, "role", step->word),
            "role: '%s' is no role of people who approve: name one such as release-managers", step->role);
        return;
    }
    if (pass->world->trust == NULL || step->environment[0] == '\0')
        return;
    /* An environment that is not there is told where it is written, and not again for each of its roles. */
    if (pass->has_pool && cohort_environment_size (&pass->pool, step->environment) == 0)
        return;
    role = trust_role_for (pass->world->trust, step->role, step->environment);
    if (role == NULL)
        refuse_role (pass, step);
    else if (step->approvals > role->keys_count)
        (void)plan_problem (
            pass->problems, field_place (step->body, "approvals", step->word),
            "approvals: %llu are wanted, and the role '%s' has %zu %s in '%s': write at most %zu",
            (unsigned long long)step->approvals, step->role, role->keys_count,
            role->keys_count == 1 ? "key" : "keys", step->environment, role->keys_count);
}

/* Asked for each environment that the plan deploys to: the first that lacks the role is named. */
static void check_override (struct pass *pass, const struct draft_step *step)
{
    const struct plan_draft *draft = pass->draft;
    const struct trust_role *role;
    if (draft->override_role[0] == '\0' || pass->world->trust == NULL)
        return;
    role = trust_role_for (pass->world->trust, draft->override_role, step->environment);
    if (role == NULL || has_fixed_meaning (draft->override_role))
        (void)plan_problem (
            pass->problems, field_place (draft->override, "role", draft->override),
            "override: nobody in '%s' has the role '%s' of approvers", step->environment,
            draft->override_role);
    else if (draft->override_approvals > role->keys_count || draft->override_approvals < role->threshold)
        (void)plan_problem (
            pass->problems, field_place (draft->override, "approvals", draft->override),
            "override: %llu approvals are asked for, and the role '%s' in '%s' needs %llu and has %zu keys",
            (unsigned long long)draft->override_approvals, draft->override_role, step->environment,
            (unsigned long long)role->threshold, role->keys_count);
}

static void check_staging (struct pass *pass, const struct draft_step *step)
{
    if (strcmp (step->environment, PLAN_STAGING) == 0 || pass->draft->skip_staging[0] != '\0' ||
        cohort_environment_size (&pass->pool, PLAN_STAGING) == 0 ||
        cohort_environment_size (&pass->pool, step->environment) == 0 ||
        plan_deploy_before (pass->draft, pass->index, PLAN_STAGING) != NULL)
        return;
    (void)plan_problem (
        pass->problems, step->word,
        "deploy: '%s' comes before staging: deploy to staging first, or write skip_staging: \"REASON\" above "
        "the "
        "steps",
        step->environment);
}

static const char *deploy_title (struct pass *pass, const struct draft_step *draft, const struct step *step)
{
    struct arena *arena = pass->problems->arena;
    if (draft->remaining)
        return "remaining servers";
    if (plan_deploy_is_whole (draft))
        return arena_format (arena, "deploy to %s", draft->environment);
    if (step->hosts_count == 1)
        return "deploy to one server";
    return arena_format (arena, "deploy to %zu servers", step->hosts_count);
}

static const char *title_of (struct pass *pass, const struct draft_step *draft, const struct step *step)
{
    struct arena *arena = pass->problems->arena;
    char text[TIME_TEXT_SIZE];
    switch (draft->kind) {
    case STEP_DEPLOY:
        return deploy_title (pass, draft, step);
    case STEP_TEST:
        if (strcmp (draft->suite, "final") == 0)
            return "final test";
        return arena_format (arena, "%s tests", draft->suite);
    case STEP_MANUAL:
        return "manual test";
    case STEP_SIGNOFF:
        return "sign-off";
    case STEP_PAUSE:
        if (draft->duration.ms == 0)
            return "pause until promoted";
        return arena_format (arena, "pause for %s", span_print (draft->duration, text));
    case STEP_NOTIFY:
    default:
        return "notify";
    }
}

static void build_deploy (struct pass *pass, const struct draft_step *draft, struct step *step)
{
    size_t all = 0;
    if (pass->has_pool) {
        check_staging (pass, draft);
        cohort_of_deploy (pass->problems, &pass->pool, draft, step);
        all = cohort_environment_size (&pass->pool, draft->environment);
    }
    step->strategy = STRATEGY_ROLLING;
    step->max_parallel = amount_of (&draft->max_parallel, step->hosts_count, 1);
    step->max_unavailable = amount_of (&draft->max_unavailable, all, all);
    step->min_healthy_time = draft->min_healthy_time;
    step->healthy_deadline = draft->healthy_deadline;
    step->progress_deadline = draft->progress_deadline;
    step->confirm_within = draft->confirm_within;
    check_override (pass, draft);
}

static const struct step *newest_deploy (const struct pass *pass)
{
    for (size_t i = pass->index; i > 0; i--)
        if (pass->plan->steps[i - 1].kind == STEP_DEPLOY)
            return &pass->plan->steps[i - 1];
    return NULL;
}

static void build_test (struct pass *pass, const struct draft_step *draft, struct step *step)
{
    const struct step *deployed = newest_deploy (pass);
    step->suite = draft->suite;
    if (pass->has_pool && deployed != NULL && draft->environment[0] != '\0')
        cohort_of_test (pass->problems, &pass->pool, draft, deployed, step);
}

static void check_targets (struct pass *pass, const struct draft_step *draft)
{
    const struct plan_world *world = pass->world;
    for (size_t i = 0; world->targets_known && i < draft->target_count; i++)
        if (!is_among (draft->targets[i], world->targets, world->target_count))
            (void)plan_problem (
                pass->problems, field_entry (draft->body, "to", draft->targets[i], draft->word),
                "to: no target is named %s",
                plan_advice (pass->problems, draft->targets[i], world->targets, world->target_count));
}

static void build_step (struct pass *pass, const struct draft_step *draft, struct step *step)
{
    *step = (struct step){
        .number = draft->number, .kind = draft->kind, .environment = draft->environment, .suite = ""};
    step->instructions = draft->instructions;
    step->role = draft->role;
    if (draft->kind == STEP_DEPLOY)
        build_deploy (pass, draft, step);
    else if (draft->kind == STEP_TEST)
        build_test (pass, draft, step);
    else if (draft->kind == STEP_MANUAL || draft->kind == STEP_SIGNOFF)
        check_role (pass, draft);
    else if (draft->kind == STEP_PAUSE && draft->duration.ms == 0)
        step->role = ROLE_OPERATOR;
    else if (draft->kind == STEP_NOTIFY)
        check_targets (pass, draft);
    step->optional = draft->optional;
    step->approvals = draft->approvals;
    step->duration = draft->duration;
    step->targets = draft->targets;
    step->targets_count = draft->target_count;
    step->title = draft->title[0] != '\0' ? draft->title : title_of (pass, draft, step);
}

static const char **products_of (const struct fleet *fleet, struct arena *arena, size_t *ret_count)
{
    const char **names = arena_array (arena, LIMIT_PRODUCTS, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < fleet->hosts_count; i++)
        for (size_t j = 0; j < fleet->hosts[i].products_count && count < LIMIT_PRODUCTS; j++)
            if (!is_among (fleet->hosts[i].products[j], names, count))
                names[count++] = fleet->hosts[i].products[j];
    *ret_count = count;
    return names;
}

static void make_pool (struct pass *pass)
{
    const char *product = pass->draft->product;
    const char **names;
    size_t count;
    if (pass->world->fleet == NULL || product[0] == '\0')
        return;
    pass->pool = cohort_pool_make (pass->world->fleet, product, pass->problems->arena);
    pass->has_pool = pass->pool.count > 0;
    if (pass->has_pool)
        return;
    names = products_of (pass->world->fleet, pass->problems->arena, &count);
    (void)plan_problem (
        pass->problems, field_place (pass->draft->root, "product", pass->draft->root),
        "product: no host of the fleet has the product %s",
        plan_advice (pass->problems, product, names, count));
}

void plan_steps_build (
    struct plan_problems *problems, const struct plan_draft *draft, const struct plan_world *world,
    struct plan *plan)
{
    struct pass pass = {.problems = problems, .draft = draft, .world = world, .plan = plan};
    make_pool (&pass);
    plan->steps = arena_array (problems->arena, draft->step_count, sizeof *plan->steps);
    for (pass.index = 0; pass.index < draft->step_count; pass.index++)
        build_step (&pass, &draft->steps[pass.index], &plan->steps[pass.index]);
    plan->steps_count = draft->step_count;
}
