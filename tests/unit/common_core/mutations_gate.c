/* The gate itself: random choices of genuine evidence open it exactly where nothing is missing, and no
   mutated piece takes the place of a genuine one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"
#include "tests/unit/mutate.h"

/* All that step 8, the rest of production, needs. */
enum { S1_KEPT, S1_PASSED, P1_KEPT, P1_PASSED, TRIED, SIGNED_OFF, SIGNED_OFF_TOO, PROMOTED, NEEDED };

static const char *const people[] = {"ana",    "luis",  "eva", "bo", "op", "ctl", "root-1",
                                     "root-2", "rel-1", "s1",  "p1", "p2", "p9",  "nobody"};

struct bench {
    struct arena arena;
    struct arena round;
    struct mutator mutator;
    struct trust trust;
    struct fleet fleet;
    struct plan plan;
    struct digest plan_digest;
    struct digest seen; /* what people decided over */
    struct envelope pieces[NEEDED];
    struct envelope foreign[NEEDED]; /* of another plan, else the same */
    size_t rounds;
};

/* ------------------------------------------------------------------------------------------------ evidence
 */

static struct envelope receipt_for (
    struct bench *bench, struct digest plan, const char *host, uint64_t step, enum outcome outcome)
{
    static struct test_result result = {
        .name = "answers", .verdict = VERDICT_PASSED, .detail = "", .tail = ""};
    struct receipt receipt = {
        .tests = &result,
        .tests_count = outcome == OUTCOME_PASSED ? 1 : 0,
        .host = host,
        .plan = plan,
        .step = step,
        .attempt = 1,
        .outcome = outcome,
        .version = "2",
        .started = noon,
        .finished = noon,
        .counter = step};
    return signed_by_one (&receipt_type, &receipt, host, &bench->arena);
}

static struct envelope approval_for (
    struct bench *bench, struct digest plan, struct digest seen, uint64_t step, enum decision decision,
    const char *role, const char *name)
{
    struct approval approval = {
        .plan = plan,
        .step = step,
        .attempt = 1,
        .decision = decision,
        .role = role,
        .name = name,
        .comment = "because",
        .evidence = seen,
        .issued = noon,
        .expires = next_year};
    return signed_by_one (&approval_type, &approval, name, &bench->arena);
}

/* Returns what people see: the plan, and the receipts in its order. */
static struct digest make_pieces (struct bench *bench, struct digest plan, struct envelope pieces[NEEDED])
{
    struct digest parts[5] = {plan};
    struct digest seen;
    pieces[S1_KEPT] = receipt_for (bench, plan, "s1", STAGING, OUTCOME_KEPT);
    pieces[S1_PASSED] = receipt_for (bench, plan, "s1", STAGING_TEST, OUTCOME_PASSED);
    pieces[P1_KEPT] = receipt_for (bench, plan, "p1", CANARY, OUTCOME_KEPT);
    pieces[P1_PASSED] = receipt_for (bench, plan, "p1", CANARY_TEST, OUTCOME_PASSED);
    for (size_t i = 0; i < 4; i++)
        parts[1 + i] = digest_of (pieces[i].content.data, pieces[i].content.size);
    seen = digest_of (parts, sizeof parts);
    pieces[TRIED] = approval_for (bench, plan, seen, MANUAL, DECISION_APPROVE, "testers", "bo");
    pieces[SIGNED_OFF] = approval_for (bench, plan, seen, SIGNOFF, DECISION_APPROVE, "managers", "ana");
    pieces[SIGNED_OFF_TOO] = approval_for (bench, plan, seen, SIGNOFF, DECISION_APPROVE, "managers", "luis");
    pieces[PROMOTED] = approval_for (bench, plan, seen, PAUSE, DECISION_PROMOTE, ROLE_OPERATOR, "op");
    return seen;
}

static void bench_begin (struct bench *bench)
{
    *bench = (struct bench){.mutator = mutator_new (&bench->round)};
    bench->trust = world_trust (&bench->arena);
    bench->fleet = world_fleet (&bench->arena);
    bench->plan = world_plan (&bench->arena);
    bench->plan_digest = digest_of ("plan", 4);
    bench->seen = make_pieces (bench, bench->plan_digest, bench->pieces);
    (void)make_pieces (bench, digest_of ("other", 5), bench->foreign);
}

static void bench_end (struct bench *bench)
{
    arena_free (&bench->round);
    arena_free (&bench->arena);
}

static struct gate_case case_of (struct bench *bench)
{
    return (struct gate_case){
        .plan = &bench->plan, .plan_digest = bench->plan_digest, .attempt = 1, .now = noon};
}

static bool add (struct bench *bench, struct gate_case *gate, const struct envelope *envelope)
{
    return gate_add (gate, &bench->trust, &bench->fleet, envelope, &bench->round, NULL);
}

static void fail_round (const struct bench *bench, const char *what)
{
    fail_msg (
        "round %zu: %s; again with RELEVO_SEED=%llu", bench->rounds, what,
        (unsigned long long)bench->mutator.seed);
}

/* ------------------------------------------------------------------------------------------------- tests */

/* In any order, some twice, some of another plan: open where all eight are there, and else shut. */
static void test_any_choice (void **state)
{
    size_t rounds = mutations_wanted (1000);
    size_t opened = 0;
    struct bench bench;
    (void)state;
    bench_begin (&bench);
    for (bench.rounds = 1; bench.rounds <= rounds; bench.rounds++) {
        struct gate_case gate = case_of (&bench);
        size_t missing = roll (&bench.mutator, NEEDED + 4); /* NEEDED and more: none */
        bool have[NEEDED] = {false};
        bool complete = true;
        for (size_t i = 0; i < 3 * NEEDED; i++) {
            size_t which = roll (&bench.mutator, NEEDED);
            if (which == missing)
                continue;
            have[which] = true;
            if (!add (&bench, &gate, &bench.pieces[which]))
                fail_round (&bench, "genuine evidence was refused");
            if (one_in (&bench.mutator, 8) && add (&bench, &gate, &bench.foreign[which]))
                fail_round (&bench, "evidence of another plan was taken");
        }
        for (size_t i = 0; i < NEEDED; i++)
            complete = complete && have[i];
        if (gate_step_open (&gate, REST, "p2", NULL) != complete)
            fail_round (
                &bench, complete ? "shut, with all that is needed" : "open, and something is missing");
        if (gate_step_open (&gate, REST, "p4", NULL) || gate_step_open (&gate, REST, "p1", NULL) ||
            gate_step_open (&gate, FINAL_TEST, "p1", NULL))
            fail_round (&bench, "open for a host whose turn it is not");
        if (gate_return_open (&gate, NULL))
            fail_round (&bench, "a return without a reason");
        opened += complete ? 1 : 0;
        arena_free (&bench.round);
    }
    print_message ("gate: %zu choices, of which %zu opened it\n", rounds, opened);
    assert_true (opened > 0 && opened < rounds);
    bench_end (&bench);
}

/* One piece that is not what it was. */
struct forgery {
    const struct record_type *type;
    struct receipt receipt;
    struct approval approval;
    struct envelope envelope;
    const char *signer;
};

static bool forge (struct bench *bench, size_t which, struct forgery *ret)
{
    struct mutator *mutator = &bench->mutator;
    const struct envelope *source = one_in (mutator, 6) ? &bench->foreign[which] : &bench->pieces[which];
    size_t mutations = roll (mutator, 4);
    struct buffer probe = {0};
    void *record;
    bool good;
    *ret = (struct forgery){.type = which < TRIED ? &receipt_type : &approval_type};
    record = ret->type == &receipt_type ? (void *)&ret->receipt : &ret->approval;
    assert_true (document_read (ret->type, source->content, &bench->round, record, NULL));
    ret->signer = ret->type == &receipt_type ? ret->receipt.host : ret->approval.name;
    for (size_t i = 0; i < mutations; i++)
        mutate_record (mutator, ret->type, record);
    if (one_in (mutator, 2))
        ret->signer = people[roll (mutator, COUNT_OF (people))];
    good = document_write (ret->type, record, &probe, NULL);
    buffer_free (&probe);
    if (good)
        ret->envelope = signed_by_one (ret->type, record, ret->signer, &bench->round);
    return good;
}

/* Whoever it speaks for has signed it, and it is about this plan and attempt. */
static bool is_about_this (const struct bench *bench, const struct forgery *forgery)
{
    const struct receipt *receipt = &forgery->receipt;
    const struct approval *approval = &forgery->approval;
    if (forgery->type == &receipt_type)
        return strcmp (receipt->host, forgery->signer) == 0 && receipt->attempt == 1 &&
               digest_equal (&receipt->plan, &bench->plan_digest);
    return strcmp (approval->name, forgery->signer) == 0 && approval->attempt == 1 &&
           digest_equal (&approval->plan, &bench->plan_digest);
}

static bool is_one_of (const char *name, const char *first, const char *second)
{
    return strcmp (name, first) == 0 || strcmp (name, second) == 0;
}

static bool is_reasoned_skip (const struct approval *approval)
{
    return approval->decision == DECISION_SKIP && approval->comment[strspn (approval->comment, " ")] != '\0';
}

/* As good as the piece whose place it takes: no byte of a receipt may change, for people have seen it. */
static bool is_as_good (const struct bench *bench, const struct forgery *forgery, size_t which)
{
    const struct approval *approval = &forgery->approval;
    if (!is_about_this (bench, forgery))
        return false;
    if (which < TRIED)
        return bytes_equal (forgery->envelope.content, bench->pieces[which].content);
    if (!digest_equal (&approval->evidence, &bench->seen) || approval->expires.ms <= noon.ms)
        return false;
    if (which == TRIED)
        return approval->step == MANUAL && strcmp (approval->role, "testers") == 0 &&
               is_one_of (approval->name, "bo", "ana") &&
               (approval->decision == DECISION_APPROVE || is_reasoned_skip (approval));
    if (which == PROMOTED)
        return approval->step == PAUSE && approval->decision == DECISION_PROMOTE &&
               strcmp (approval->role, ROLE_OPERATOR) == 0 && strcmp (approval->name, "op") == 0;
    return approval->step == SIGNOFF && approval->decision == DECISION_APPROVE &&
           strcmp (approval->role, "managers") == 0 &&
           is_one_of (approval->name, "eva", which == SIGNED_OFF ? "ana" : "luis");
}

/* Seven genuine pieces, and a forged one in place of the eighth. */
static void test_forged_piece (void **state)
{
    size_t rounds = mutations_wanted (2000);
    size_t opened = 0;
    struct bench bench;
    (void)state;
    bench_begin (&bench);
    for (bench.rounds = 1; bench.rounds <= rounds; bench.rounds++) {
        size_t which = roll (&bench.mutator, NEEDED);
        struct gate_case gate = case_of (&bench);
        struct forgery forgery;
        if (forge (&bench, which, &forgery)) {
            bool right = is_as_good (&bench, &forgery, which);
            if (add (&bench, &gate, &forgery.envelope) && !is_about_this (&bench, &forgery))
                fail_round (&bench, "evidence was taken that is nobody's, or about something else");
            for (size_t i = 0; i < NEEDED; i++)
                if (i != which && !add (&bench, &gate, &bench.pieces[i]))
                    fail_round (&bench, "genuine evidence was refused");
            if (gate_step_open (&gate, REST, "p2", NULL) != right)
                fail_round (&bench, right ? "shut, though nothing is missing" : "opened by a forged piece");
            opened += right ? 1 : 0;
        }
        arena_free (&bench.round);
    }
    print_message ("gate: %zu forged pieces, of which %zu were as good\n", rounds, opened);
    assert_true (opened > 0 && opened < rounds / 2);
    bench_end (&bench);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_any_choice),
        cmocka_unit_test (test_forged_piece),
    };
    return cmocka_run_group_tests_name ("gate mutations", tests, NULL, NULL);
}
