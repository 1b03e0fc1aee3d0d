/* A gate case with real evidence, for the tests of the gate. */
#ifndef RELEVO_TESTS_UNIT_COMMON_CORE_GATE_WORLD_H
#define RELEVO_TESTS_UNIT_COMMON_CORE_GATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"

struct world {
    struct arena arena;
    struct trust trust;
    struct fleet fleet;
    struct plan plan;
    struct gate_case gate;
    struct error error;
    uint64_t counter;
};

static inline int enter (void **state)
{
    struct world *world = test_calloc (1, sizeof *world);
    world->trust = world_trust (&world->arena);
    world->fleet = world_fleet (&world->arena);
    world->plan = world_plan (&world->arena);
    world->gate = (struct gate_case){
        .plan = &world->plan, .plan_digest = digest_of ("plan", 4), .attempt = 1, .now = noon};
    *state = world;
    return 0;
}

static inline int leave (void **state)
{
    struct world *world = *state;
    arena_free (&world->arena);
    test_free (world);
    return 0;
}

/* ------------------------------------------------------------------------------------ evidence */

static inline bool add (
    struct world *world, const struct record_type *type, const void *record, const char *signer)
{
    struct envelope envelope = signed_by_one (type, record, signer, &world->arena);
    return gate_add (&world->gate, &world->trust, &world->fleet, &envelope, &world->arena, &world->error);
}

static inline struct receipt receipt_of (
    struct world *world, const char *host, uint64_t step, enum outcome outcome)
{
    static struct test_result passed = {
        .name = "answers", .verdict = VERDICT_PASSED, .detail = "", .tail = ""};
    bool is_test = step > 0 && world->plan.steps[step - 1].kind == STEP_TEST && outcome == OUTCOME_PASSED;
    return (struct receipt){
        .host = host,
        .plan = world->gate.plan_digest,
        .kind = step == 0 ? PERMIT_RETURN : PERMIT_STEP,
        .step = step,
        .attempt = world->gate.attempt,
        .outcome = outcome,
        .cause = "",
        .tests = is_test ? &passed : NULL,
        .tests_count = is_test ? 1 : 0,
        .finished = noon,
        .counter = ++world->counter};
}

static inline void says (struct world *world, const char *host, uint64_t step, enum outcome outcome)
{
    struct receipt receipt = receipt_of (world, host, step, outcome);
    assert_true (add (world, &receipt_type, &receipt, host));
}

static inline struct approval approval_of (
    struct world *world, const char *name, uint64_t step, enum decision decision, const char *role)
{
    return (struct approval){
        .plan = world->gate.plan_digest,
        .step = step,
        .attempt = world->gate.attempt,
        .decision = decision,
        .role = role,
        .name = name,
        .comment = "because",
        .evidence = step == 0 ? (struct digest){{0}} : gate_evidence_digest (&world->gate, step),
        .issued = noon,
        .expires = next_year};
}

static inline void decides (
    struct world *world, const char *name, uint64_t step, enum decision decision, const char *role)
{
    struct approval approval = approval_of (world, name, step, decision, role);
    assert_true (add (world, &approval_type, &approval, name));
}

static inline bool is_open (struct world *world, uint64_t step, const char *host)
{
    return gate_step_open (&world->gate, step, host, &world->error);
}

static inline bool is_done (struct world *world, uint64_t step)
{
    return gate_step_done (&world->gate, step, &world->error);
}

#define assert_says(world, words) assert_non_null (strstr ((world)->error.text, words))

/* Everything up to `step`, so that it stands open. */
static inline void walk_to (struct world *world, uint64_t step)
{
    static const char *const production[] = {"p1", "p2", "p3", "p4"};
    if (step > STAGING)
        says (world, "s1", STAGING, OUTCOME_KEPT);
    if (step > STAGING_TEST)
        says (world, "s1", STAGING_TEST, OUTCOME_PASSED);
    if (step > CANARY)
        says (world, "p1", CANARY, OUTCOME_KEPT);
    if (step > CANARY_TEST)
        says (world, "p1", CANARY_TEST, OUTCOME_PASSED);
    if (step > MANUAL)
        decides (world, "bo", MANUAL, DECISION_APPROVE, "testers");
    if (step > SIGNOFF) {
        decides (world, "ana", SIGNOFF, DECISION_APPROVE, "managers");
        decides (world, "luis", SIGNOFF, DECISION_APPROVE, "managers");
    }
    if (step > PAUSE)
        world->gate.now = instant_add (noon, span_seconds (600));
    for (size_t i = 1; i < 4 && step > REST; i++)
        says (world, production[i], REST, OUTCOME_KEPT);
    for (size_t i = 0; i < 4 && step > FINAL_TEST; i++)
        says (world, production[i], FINAL_TEST, OUTCOME_PASSED);
}

#endif
