/* The queue's first entry is at work, in one of four ways:
     errand   a chore on files     spawn   a start or stop command     probe   one test     check   CHECK */
#include "agent/io/perform.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/io/check.h"
#include "agent/io/chores.h"
#include "agent/io/errand.h"
#include "agent/io/order.h"
#include "agent/io/service.h"
#include "common/io/clock.h"

struct job {
    struct job *next;
    struct arena arena;
    struct chore chore;
    struct variables variables;
    bool begun;
};

struct perform {
    struct perform_options options;
    struct job *first;
    struct job *last;
    struct errand *errand;
    struct spawn *spawn;
    struct probe *probe;
    struct check *check;
    struct arena end; /* what the last perform_end points to */
};

struct perform *perform_new (const struct perform_options *options)
{
    struct perform *perform = calloc (1, sizeof *perform);
    assert (perform != NULL);
    perform->options = *options;
    return perform;
}

static void stop_work (struct perform *perform)
{
    errand_free (&perform->errand);
    spawn_free (&perform->spawn);
    probe_free (&perform->probe);
    check_free (&perform->check);
}

static void forget_first (struct perform *perform)
{
    struct job *job = perform->first;
    stop_work (perform);
    perform->first = job->next;
    if (perform->first == NULL)
        perform->last = NULL;
    arena_free (&job->arena);
    free (job);
}

void perform_free (struct perform **perform)
{
    if (*perform == NULL)
        return;
    while ((*perform)->first != NULL)
        forget_first (*perform);
    arena_free (&(*perform)->end);
    free (*perform);
    *perform = NULL;
}

void perform_add (struct perform *perform, const struct installer_effect *effect)
{
    struct job *job = calloc (1, sizeof *job);
    assert (job != NULL);
    assert (
        effect->kind == INSTALLER_ACT || effect->kind == INSTALLER_TAKE || effect->kind == INSTALLER_LOOK);
    job->chore = (struct chore){
        .kind = effect->kind,
        .digest = effect->digest,
        .length = effect->length,
        .store = perform->options.tools.store,
        .spool = perform->options.spool};
    if (effect->order != NULL)
        job->chore.order = order_copy (effect->order, &job->arena);
    if (perform->last != NULL)
        perform->last->next = job;
    else
        perform->first = job;
    perform->last = job;
}

/* ----------------------------------------------------------------------------------------------- beginnings
 */

/* A command without words is nothing to do. */
static bool begin_command (struct perform *perform, struct job *job, struct error *error)
{
    const struct act_order *order = job->chore.order;
    if (order->command == NULL || order->command->words_count == 0)
        return true;
    return service_start (
        order->command, job->chore.product->root, &job->variables, order->act == ACT_START, &perform->spawn,
        error);
}

static bool begin_act (struct perform *perform, struct job *job, struct error *error)
{
    const struct act_order *order = job->chore.order;
    if (!config_product (perform->options.config, order->product, &job->chore.product, error))
        return false;
    job->variables = variables_make (perform->options.config, job->chore.product, order, &job->arena);
    switch (order->act) {
    case ACT_STAGE:
    case ACT_SWAP:
    case ACT_PRUNE:
        return errand_start (chore_do, &job->chore, &perform->errand, error);
    case ACT_STOP:
    case ACT_START:
        return begin_command (perform, job, error);
    case ACT_CHECK:
        perform->check = check_start (&perform->options.tools, order, &job->variables);
        return true;
    case ACT_TEST:
        assert (order->test_count == 1);
        return probe_start (
            &perform->options.tools, &order->tests[0], &job->variables, &perform->probe, error);
    case ACT_NONE:
    case act_count:
        break;
    }
    return error_set (error, ERROR_INPUT, "there is no such act");
}

static bool begin (struct perform *perform, struct job *job, struct error *error)
{
    job->begun = true;
    return job->chore.kind == INSTALLER_ACT ? begin_act (perform, job, error)
                                            : errand_start (chore_do, &job->chore, &perform->errand, error);
}

/* ----------------------------------------------------------------------------------------------------- ends
 */

static bool is_test (const struct job *job)
{
    return job->chore.kind == INSTALLER_ACT && job->chore.order->act == ACT_TEST;
}

static void end_badly (
    struct perform *perform, const struct job *job, const char *why, struct perform_end *ret)
{
    ret->good = false;
    ret->detail = probe_line (why, &perform->end);
    if (is_test (job))
        ret->result = probe_impossible (&job->chore.order->tests[0], why, &perform->end);
}

static bool end_errand (struct perform *perform, const struct job *job, struct perform_end *ret)
{
    struct error error;
    struct bytes answer;
    if (!errand_service (perform->errand, &ret->good, &error))
        return false;
    if (!ret->good) {
        end_badly (perform, job, error.text, ret);
        return true;
    }
    answer = errand_answer (perform->errand);
    ret->have_count = answer.size / DIGEST_SIZE;
    ret->have = arena_copy (&perform->end, answer.data, ret->have_count * DIGEST_SIZE);
    return true;
}

static bool end_spawn (struct perform *perform, const struct job *job, struct perform_end *ret)
{
    struct spawn_result result;
    if (!spawn_service (perform->spawn, &result))
        return false;
    ret->good =
        service_judge (&result, enum_word (&act_words, job->chore.order->act), &perform->end, &ret->detail);
    return true;
}

static bool end_probe (struct perform *perform, struct perform_end *ret)
{
    if (!probe_service (perform->probe, &perform->end, &ret->result))
        return false;
    ret->good = ret->result.verdict == VERDICT_PASSED;
    ret->detail = ret->result.detail;
    return true;
}

/* A job that has begun and has nothing at work had nothing to do. */
static bool end_any (struct perform *perform, const struct job *job, struct perform_end *ret)
{
    if (perform->errand != NULL)
        return end_errand (perform, job, ret);
    if (perform->spawn != NULL)
        return end_spawn (perform, job, ret);
    if (perform->probe != NULL)
        return end_probe (perform, ret);
    if (perform->check != NULL)
        return check_service (perform->check, &perform->end, &ret->good, &ret->detail);
    ret->good = true;
    return true;
}

bool perform_service (struct perform *perform, struct perform_end *ret)
{
    struct job *job = perform->first;
    struct error error;
    bool is_over;
    if (job == NULL)
        return false;
    arena_free (&perform->end);
    *ret = (struct perform_end){
        .kind = job->chore.kind == INSTALLER_ACT ? INSTALLER_DONE : INSTALLER_HAVE, .detail = ""};
    if (!job->begun && !begin (perform, job, &error)) {
        end_badly (perform, job, error.text, ret);
        is_over = true;
    } else {
        is_over = end_any (perform, job, ret);
    }
    if (is_over)
        forget_first (perform);
    return is_over;
}

/* -------------------------------------------------------------------------------------------------- waiting
 */

static const struct spawn *spawn_at_work (const struct perform *perform)
{
    if (perform->spawn != NULL)
        return perform->spawn;
    if (perform->probe != NULL)
        return probe_spawn (perform->probe);
    return perform->check != NULL ? check_spawn (perform->check) : NULL;
}

size_t perform_poll (const struct perform *perform, struct pollfd *ret)
{
    const struct spawn *spawn = spawn_at_work (perform);
    size_t count = 0;
    if (perform->errand != NULL)
        ret[count++] = (struct pollfd){.fd = errand_descriptor (perform->errand), .events = POLLIN};
    if (spawn != NULL && spawn_output (spawn) >= 0)
        ret[count++] = (struct pollfd){.fd = spawn_output (spawn), .events = POLLIN};
    if (spawn != NULL && spawn_ending (spawn) >= 0)
        ret[count++] = (struct pollfd){.fd = spawn_ending (spawn), .events = POLLIN};
    assert (count <= PERFORM_DESCRIPTORS);
    return count;
}

struct instant perform_deadline (const struct perform *perform)
{
    const struct spawn *spawn = spawn_at_work (perform);
    if (perform->first != NULL && !perform->first->begun)
        return clock_steady ();
    if (perform->check != NULL)
        return check_deadline (perform->check);
    return spawn != NULL ? spawn_deadline (spawn) : (struct instant){INT64_MAX};
}
