/* The whole world: a controller, people who decide, and a fleet. */
#ifndef RELEVO_TESTS_UNIT_CONTROLLER_CORE_WORLD_H
#define RELEVO_TESTS_UNIT_CONTROLLER_CORE_WORLD_H

#include "tests/unit/controller_core/steps.h"

/* ------------------------------------------------------------------------------------------------ decisions
 */

static inline struct envelope world_approval (
    struct world *world, size_t key, enum decision decision, uint64_t step, const char *role,
    const char *comment)
{
    struct evidence_wanted wanted = {.request = 5, .rollout = 0};
    struct gate_case gate = {.plan = &world->plan, .plan_digest = world->plan_digest, .now = world->now};
    struct approval approval = {
        .plan = world->plan_digest,
        .step = step,
        .decision = decision,
        .role = role,
        .name = key_names[key],
        .comment = comment,
        .issued = world->now,
        .expires = {world->now.ms + 86400000}};
    world_person (world, &evidence_wanted_type, &wanted);
    gate.attempt = world->evidence.attempt;
    for (size_t i = 0; i < world->evidence.evidence_count; i++) {
        struct error error = {0};
        if (!gate_add (
                &gate, &world->trust, &world->fleet, &world->evidence.evidence[i], &world->arena, &error))
            fail_msg ("evidence: %s", error.text);
    }
    approval.attempt = world->evidence.attempt + (decision == DECISION_RETRY ? 1 : 0);
    if (step > 0)
        approval.evidence = gate_evidence_digest (&gate, step);
    return world_sign (world, &approval_type, &approval, &world->keys[key]);
}

static inline void world_decide_with (struct world *world, uint64_t rollout, const struct envelope *approval)
{
    struct decide decide = {.request = 6, .rollout = rollout, .approval = *approval};
    world_person (world, &decide_type, &decide);
}

static inline void world_decide (
    struct world *world, size_t key, enum decision decision, uint64_t step, const char *role,
    const char *comment)
{
    struct envelope approval = world_approval (world, key, decision, step, role, comment);
    world_decide_with (world, world->evidence.rollout, &approval);
}

static inline void world_operate (struct world *world, enum decision decision)
{
    world_decide (world, KEY_ANA, decision, 0, ROLE_OPERATOR, "");
    world_expect_answer (world, true, "recorded");
}

static inline void world_start (struct world *world)
{
    struct rollout_start start = {.request = 3, .plan = world->plan_envelope, .by = "ana"};
    world_person (world, &rollout_start_type, &start);
}

static inline void world_notified (struct world *world, const char *key, bool done)
{
    struct controller_event event = {
        .kind = CONTROLLER_NOTICE,
        .notice_key = key,
        .notice_done = done,
        .notice_text = done ? "ok" : "HTTP 500"};
    world_event (world, &event);
}

/* ------------------------------------------------------------------------------------------------- the world
 */

static inline void world_keys (struct world *world)
{
    static const char *const names[] = {"stage-1", "connect-p1", "connect-p2", "connect-p3", "connect-p4"};
    for (size_t i = 0; i < WORLD_KEYS + WORLD_HOSTS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)(i + 1), 7};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, i < WORLD_KEYS ? &world->keys[i] : &world->hosts[i - WORLD_KEYS].key);
    }
    for (size_t i = 0; i < WORLD_HOSTS; i++) {
        struct world_host *host = &world->hosts[i];
        host->name = names[i];
        host->environment = i == 0 ? "staging" : "production";
        host->version = host->told = OLD_VERSION;
        host->deploy = OUTCOME_KEPT;
        host->test = OUTCOME_PASSED;
        host->back = OUTCOME_RETURNED;
        memset (host->wire.bytes, (int)(0x50 - i), sizeof host->wire.bytes);
    }
}

static inline void world_open_journal (struct world *world)
{
    struct entry_trust trust = {.document = world->trust_envelope};
    struct entry_fleet fleet = {.document = world->fleet_envelope};
    world_keep_entry (world, &entry_trust_type, &trust);
    world_keep_entry (world, &entry_fleet_type, &fleet);
}

static inline void world_restart (struct world *world)
{
    struct controller_event start = {.kind = CONTROLLER_START};
    bool no_rebuild = world->no_rebuild;
    controller_free (&world->controller);
    world->controller = world_replay (world, &world->arena);
    world->no_rebuild = true; /* until everybody has said hello, the two know different things */
    world_event (world, &start);
    for (size_t i = 0; i < world->fleet.hosts_count; i++)
        if (!world->hosts[i].silent)
            world_hello (world, i);
    world->no_rebuild = no_rebuild;
    if (!no_rebuild)
        world_rebuild (world);
}

/* After a crash: every host sends again what it does not know to be stored, and asks what it lacks. */
static inline void world_come_back (struct world *world)
{
    struct pull pull = {.trust_version = 1, .fleet_version = 1};
    world_restart (world);
    world->queue_count = 0;
    for (size_t i = 0; i < WORLD_HOSTS; i++) {
        for (size_t j = 0; j < world->hosts[i].done_count; j++)
            world_report (world, i, &world->hosts[i].done[j]);
        world_agent (world, i, &pull_type, &pull);
    }
}

static inline struct world *world_new (void)
{
    static const char *const targets[] = {"slack-ops", "mail-managers"};
    struct world *world = calloc (1, sizeof *world);
    struct content_row content = {.name = "connect.tar", .digest = digest_of ("artefact", 8), .length = 8};
    struct controller_event stored = {.kind = CONTROLLER_CONTENT, .content = &content};
    assert_non_null (world);
    world->now.ms = INT64_C (1790000000000);
    world_keys (world);
    world_make_trust (world);
    world_make_fleet (world, 1, WORLD_HOSTS);
    world->options = (struct controller_options){
        .key = world->keys[KEY_CONTROLLER],
        .heartbeat = {2000},
        .tick_interval = {5000},
        .permit_life = {600000},
        .notice_retry = {30000},
        .targets = targets,
        .target_count = 2};
    world_open_journal (world);
    world_restart (world);
    world_event (world, &stored);
    world_make_plan (world, 1);
    return world;
}

static inline void world_free (struct world *world)
{
    controller_free (&world->controller);
    arena_free (&world->arena);
    free (world);
}

/* Up to the sign-off, by everybody's consent. */
static inline void world_to_signoff (struct world *world)
{
    world_start (world);
    world_expect_answer (world, true, "begun");
    world_deliver (world);
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_ANA, DECISION_SKIP, 3, "testers", "hotfix");
    world_expect_answer (world, true, "recorded");
}

static inline void world_sign_off (struct world *world)
{
    world_decide (world, KEY_ANA, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
    world_expect_phase (world, PHASE_AWAITING);
    world_decide (world, KEY_LUIS, DECISION_APPROVE, 4, "managers", "");
    world_expect_answer (world, true, "recorded");
}

static inline void world_to_healthy (struct world *world)
{
    world_to_signoff (world);
    world_sign_off (world);
    world_deliver (world);
    world_notified (world, world->notices[world->notice_count - 2].key, true);
    world_notified (world, world->notices[world->notice_count - 1].key, true);
    world_expect_phase (world, PHASE_HEALTHY);
}

#endif
