/* Row 5, mix-and-match: things that are each genuine, and do not belong together. */
#include "tests/attacks/world.h"

static struct envelope fleet_of (struct world *world, const char *label, uint64_t version)
{
    struct fleet fleet = draft_fleet (&world->realm, version);
    struct label note = {"note", label};
    fleet.hosts[0].labels = &note;
    fleet.hosts[0].labels_count = 1;
    return SIGNED (&world->realm, &fleet_type, &fleet, OPERATOR);
}

/* Two fleets of version 2, both truly signed: the plan's cohorts were made from the one that the host is not
 * shown. */
static void test_plan_of_another_fleet_document (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct envelope shown = fleet_of (world, "shown", 2);
    struct release mixed;
    struct release honest;
    world_new_fleet (world, shown, 2);
    world_remember (world);
    realm->fleet = fleet_of (world, "hidden", 2);
    mixed = realm_release (realm, "2.0", 20);
    world_open (world, &mixed, 1);
    world_refuses (world, "plan app-2.0 was made for another fleet 2 than this host has");
    realm->fleet = shown;
    honest = realm_release (realm, "2.0", 20);
    world_obeys (world, &honest);
}

/* The permit waits for the documents that the plan names; it is not judged by older ones. */
static void test_plan_of_a_newer_fleet_or_trust (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct envelope newer = fleet_of (world, "newer", 2);
    struct trust trust = draft_trust (realm, 2);
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release next;
    plan.fleet_version = 2;
    plan.fleet = digest_of_envelope (&newer);
    next = realm_release_of (realm, &plan);
    world_open (world, &next, 1);
    world_unchanged (world);
    world_new_fleet (world, newer, 2);
    world_reports (world, &next, DEPLOY_P2, OUTCOME_KEPT, "");
    world_remember (world);
    plan = draft_plan (realm, "3.0", 30);
    plan.trust_version = 2;
    next = realm_release_of (realm, &plan);
    world_open (world, &next, 1);
    world_refuses (world, "plan app-3.0 was made for trust version 2, and version 1 is the newest here");
    world_new_trust (world, SIGNED (realm, &trust_type, &trust, ROOT_1), 2);
    world_obeys (world, &next);
}

/* The true length, other bytes. */
static void answer_other_bytes (struct world *world, const struct chunk_wanted *wanted)
{
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    uint8_t *data = arena_take (&world->realm.arena, wanted->size);
    (void)memset (data, '#', wanted->size);
    chunk.data = (struct bytes){data, wanted->size};
    world_send (world, &chunk_type, &chunk);
}

/* The artefact of the release before, for that of this one: their lengths are the same. */
static void answer_older_release (struct world *world, const struct chunk_wanted *wanted)
{
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    struct buffer archive = app_archive ("1.0");
    assert_true (wanted->offset + wanted->size <= archive.size);
    chunk.data = (struct bytes){(const uint8_t *)archive.data + wanted->offset, wanted->size};
    world_send (world, &chunk_type, &chunk);
    buffer_free (&archive);
}

static void test_artefact_of_another_release (void **state)
{
    struct world *world = *state;
    struct plan plan = draft_plan (&world->realm, "2.0", 20);
    struct release release;
    plan_hasten (&plan);
    release = realm_release_of (&world->realm, &plan);
    world->answer = answer_older_release;
    world_open (world, &release, 1);
    world_reports (world, &release, DEPLOY_P2, OUTCOME_FAILED, "the session says: what arrived was damaged");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
}

/* A test that would pass, in place of the one that was signed. */
static void test_other_test_script (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release release;
    struct evidence evidence;
    struct permit permit;
    plan_hasten (&plan);
    release = realm_release_of (realm, &plan);
    world_obeys (world, &release);
    world_remember (world);
    evidence = realm_evidence (realm, &release, DEPLOY_P2, 1);
    evidence_add (&evidence, world->report);
    permit = draft_permit (realm, &release, TESTS_P2, 1, &evidence);
    world->answer = answer_other_bytes;
    world_permit (world, &permit, &evidence);
    world_reports (world, &release, TESTS_P2, OUTCOME_FAILED, "the session says: what arrived was damaged");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
    evidence = realm_evidence (realm, &release, DEPLOY_P2, 2);
    evidence_add (&evidence, world->report);
    permit = draft_permit (realm, &release, TESTS_P2, 2, &evidence);
    world_permit (world, &permit, &evidence);
    world_reports (world, &release, TESTS_P2, OUTCOME_PASSED, "");
}

/* Each piece in turn is the one about another plan, or about another attempt. */
static void test_evidence_of_another_plan_or_attempt (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release release = realm_release (realm, "2.0", 20);
    struct release other = realm_release (realm, "1.9", 19);
    struct evidence honest = realm_evidence (realm, &release, DEPLOY_P2, 1);
    struct evidence alien = realm_evidence (realm, &other, DEPLOY_P2, 1);
    struct evidence later = realm_evidence (realm, &release, DEPLOY_P2, 2);
    world_offer (world, &release.envelope);
    for (size_t i = 0; i < honest.count; i++) {
        struct evidence mixed = honest;
        struct permit permit;
        mixed.items[i] = alien.items[i];
        permit = draft_permit (realm, &release, DEPLOY_P2, 1, &mixed);
        world_permit (world, &permit, &mixed);
        world_says (world, "it is about another plan than app-2.0");
        mixed.items[i] = later.items[i];
        permit = draft_permit (realm, &release, DEPLOY_P2, 1, &mixed);
        world_permit (world, &permit, &mixed);
        world_says (world, "it is of attempt 2, where attempt 1 is judged");
    }
    world_unchanged (world);
    world_obeys (world, &release);
}

/* The permit names one plan, and only another one is offered. */
static void test_permit_of_a_plan_that_is_not_there (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release hidden = realm_release (realm, "2.0", 20);
    struct release shown = realm_release (realm, "3.0", 30);
    struct evidence evidence = realm_evidence (realm, &hidden, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &hidden, DEPLOY_P2, 1, &evidence);
    world_offer (world, &shown.envelope);
    world_permit (world, &permit, &evidence);
    world_unchanged (world);
    world_offer (world, &hidden.envelope);
    world_reports (world, &hidden, DEPLOY_P2, OUTCOME_KEPT, "");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_plan_of_another_fleet_document),      ATTACK (test_plan_of_a_newer_fleet_or_trust),
        ATTACK (test_artefact_of_another_release),         ATTACK (test_other_test_script),
        ATTACK (test_evidence_of_another_plan_or_attempt), ATTACK (test_permit_of_a_plan_that_is_not_there),
    };
    return WORLD_RUN (tests);
}
