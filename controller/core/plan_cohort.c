#include "controller/core/plan_cohort.h"

#include <stdlib.h>
#include <string.h>

static int compare_hosts (const void *first, const void *second)
{
    const struct cohort_host *left = first;
    const struct cohort_host *right = second;
    return strcmp (left->host->name, right->host->name);
}

struct cohort_pool cohort_pool_make (const struct fleet *fleet, const char *product, struct arena *arena)
{
    struct cohort_pool pool = {.fleet = fleet, .product = product};
    pool.hosts = arena_array (arena, fleet->hosts_count, sizeof *pool.hosts);
    for (size_t i = 0; i < fleet->hosts_count; i++)
        if (fleet_host_has_product (&fleet->hosts[i], product))
            pool.hosts[pool.count++].host = &fleet->hosts[i];
    if (pool.count > 1)
        qsort (pool.hosts, pool.count, sizeof *pool.hosts, compare_hosts);
    return pool;
}

static bool is_in (const struct cohort_host *entry, const char *environment)
{
    return strcmp (entry->host->environment, environment) == 0;
}

size_t cohort_environment_size (const struct cohort_pool *pool, const char *environment)
{
    size_t size = 0;
    for (size_t i = 0; i < pool->count; i++)
        size += is_in (&pool->hosts[i], environment);
    return size;
}

static struct cohort_host *find_host (struct cohort_pool *pool, const char *name)
{
    struct fleet_host wanted = {.name = name};
    struct cohort_host key = {.host = &wanted};
    if (pool->count == 0)
        return NULL;
    return bsearch (&key, pool->hosts, pool->count, sizeof key, compare_hosts);
}

static bool is_among (const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (names[i], name) == 0)
            return true;
    return false;
}

/* The environments of the fleet in which the product runs, each once. */
static const char **environments_of (const struct cohort_pool *pool, struct arena *arena, size_t *ret_count)
{
    const char **names = arena_array (arena, pool->count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < pool->count; i++)
        if (!is_among (pool->hosts[i].host->environment, names, count))
            names[count++] = pool->hosts[i].host->environment;
    *ret_count = count;
    return names;
}

static bool check_environment (
    struct plan_problems *problems, const struct cohort_pool *pool, const struct draft_step *step)
{
    const char **names;
    size_t count;
    if (step->environment[0] == '\0')
        return false;
    if (cohort_environment_size (pool, step->environment) > 0)
        return true;
    names = environments_of (pool, problems->arena, &count);
    return plan_problem (
        problems, field_place (step->body, "environment", step->word),
        "environment: no host with %s is in one that is named %s", pool->product,
        plan_advice (problems, step->environment, names, count));
}

/* Why a name that is written in a plan can't be used in this step. */
static bool refuse_host (
    struct plan_problems *problems, const struct cohort_pool *pool, const struct draft_step *step,
    const char *name)
{
    const struct tree *place = field_entry (step->body, "hosts", name, step->word);
    const struct fleet_host *known = fleet_host_named (pool->fleet, name);
    const char **names;
    size_t count = 0;
    if (known != NULL && strcmp (known->environment, step->environment) != 0)
        return plan_problem (
            problems, place, "hosts: '%s' belongs to '%s', and this step is about '%s'", name,
            known->environment, step->environment);
    if (known != NULL)
        return plan_problem (
            problems, place, "hosts: '%s' does not have %s: change the fleet, or leave it out", name,
            pool->product);
    names = arena_array (problems->arena, pool->count, sizeof *names);
    for (size_t i = 0; i < pool->count; i++)
        if (is_in (&pool->hosts[i], step->environment))
            names[count++] = pool->hosts[i].host->name;
    return plan_problem (
        problems, place, "hosts: the fleet has no host %s", plan_advice (problems, name, names, count));
}

static void take (struct cohort_host *entry, const struct draft_step *step, struct step *ret)
{
    entry->step = step->number;
    ret->hosts[ret->hosts_count++] = entry->host->name;
}

static void take_named (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step, struct step *ret)
{
    for (size_t i = 0; i < step->host_count; i++) {
        struct cohort_host *entry = find_host (pool, step->hosts[i]);
        if (entry == NULL || !is_in (entry, step->environment))
            (void)refuse_host (problems, pool, step, step->hosts[i]);
        else if (entry->step != 0)
            (void)plan_problem (
                problems, field_entry (step->body, "hosts", step->hosts[i], step->word),
                "hosts: '%s' is in step %zu already: leave it out here", step->hosts[i], entry->step);
        else
            take (entry, step, ret);
    }
}

static void take_first (
    struct cohort_pool *pool, const struct draft_step *step, size_t most, struct step *ret)
{
    for (size_t i = 0; i < pool->count && ret->hosts_count < most; i++)
        if (is_in (&pool->hosts[i], step->environment) && pool->hosts[i].step == 0)
            take (&pool->hosts[i], step, ret);
}

static size_t count_left (const struct cohort_pool *pool, const char *environment)
{
    size_t left = 0;
    for (size_t i = 0; i < pool->count; i++)
        left += is_in (&pool->hosts[i], environment) && pool->hosts[i].step == 0;
    return left;
}

/* A share is rounded up and takes at most what is left; a number is meant as it is written. */
static void take_canary (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step, struct step *ret)
{
    const struct tree *place = field_place (step->body, "canary", step->word);
    size_t all = cohort_environment_size (pool, step->environment);
    size_t left = count_left (pool, step->environment);
    size_t wanted =
        step->canary.percent ? (all * (size_t)step->canary.value + 99) / 100 : (size_t)step->canary.value;
    if (left == 0)
        (void)plan_problem (
            problems, place, "canary: no host of '%s' is left for this step: leave it out",
            step->environment);
    else if (wanted > left && !step->canary.percent)
        (void)plan_problem (
            problems, place, "canary: %zu hosts are wanted, and '%s' has %zu left with %s: write at most %zu",
            wanted, step->environment, left, pool->product, left);
    else
        take_first (pool, step, wanted, ret);
}

void cohort_of_deploy (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step, struct step *ret)
{
    if (!check_environment (problems, pool, step))
        return;
    ret->hosts = arena_array (problems->arena, pool->count, sizeof *ret->hosts);
    if (tree_get (step->body, "hosts") != NULL)
        take_named (problems, pool, step, ret);
    else if (step->canary.given)
        take_canary (problems, pool, step, ret);
    else if (tree_get (step->body, "canary") == NULL && count_left (pool, step->environment) > 0)
        take_first (pool, step, pool->count, ret);
    else if (tree_get (step->body, "canary") == NULL && step->remaining)
        (void)plan_problem (
            problems, field_place (step->body, "remaining", step->word),
            "remaining: every host of '%s' is in an earlier step: leave this step out", step->environment);
}

void cohort_of_test (
    struct plan_problems *problems, struct cohort_pool *pool, const struct draft_step *step,
    const struct step *deployed, struct step *ret)
{
    ret->hosts = arena_array (problems->arena, pool->count, sizeof *ret->hosts);
    for (size_t i = 0; i < step->host_count; i++) {
        struct cohort_host *entry = find_host (pool, step->hosts[i]);
        if (entry == NULL || !is_in (entry, step->environment))
            (void)refuse_host (problems, pool, step, step->hosts[i]);
        else if (entry->step == 0)
            (void)plan_problem (
                problems, field_entry (step->body, "hosts", step->hosts[i], step->word),
                "hosts: no earlier step deploys to '%s': a test there would test the version before",
                step->hosts[i]);
        else
            ret->hosts[ret->hosts_count++] = entry->host->name;
    }
    for (size_t i = 0; step->whole_environment && i < pool->count; i++)
        if (is_in (&pool->hosts[i], step->environment) && pool->hosts[i].step != 0)
            ret->hosts[ret->hosts_count++] = pool->hosts[i].host->name;
    for (size_t i = 0; step->hosts == NULL && !step->whole_environment && i < deployed->hosts_count; i++)
        ret->hosts[ret->hosts_count++] = deployed->hosts[i];
}
