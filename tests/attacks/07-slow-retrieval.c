/* Row 7, slow retrieval: bytes that trickle, so that a host is kept busy for ever. */
#include "common/io/clock.h"
#include "tests/attacks/world.h"

enum { REPORT_MS = 6000, ONE_BYTE_MS = 150 };

/* One byte at a time, which is then waited for: the next request asks for the same chunk's rest. */
static void answer_one_byte (struct world *world, const struct chunk_wanted *wanted)
{
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    assert_non_null (content);
    chunk.data = (struct bytes){content->data + wanted->offset, 1};
    world_send (world, &chunk_type, &chunk);
}

static void answer_nothing (struct world *world, const struct chunk_wanted *wanted)
{
    (void)world, (void)wanted;
}

static struct release hasty_release (struct world *world)
{
    struct plan plan = draft_plan (&world->realm, "2.0", 20);
    plan_hasten (&plan);
    return realm_release_of (&world->realm, &plan);
}

/* The signed deadline of two seconds ends it, though a byte comes every now and then. */
static void test_bytes_that_trickle (void **state)
{
    struct world *world = *state;
    struct release release = hasty_release (world);
    struct digest content = release.plan.artifacts[0].digest;
    const struct bytes *bytes = realm_content_find (&world->realm, &content);
    struct instant begun = clock_steady ();
    world->answer = answer_one_byte;
    world_open (world, &release, 1);
    world_until (world, &world->chunks, world->chunks, "a request for the artefact");
    for (uint64_t offset = 1; world->reports == world->reports_seen; offset++) {
        struct chunk chunk = {.content = content, .offset = offset, .data = {bytes->data + offset, 1}};
        world_serve (world, (struct span){ONE_BYTE_MS});
        world_send (world, &chunk_type, &chunk);
        assert_true (instant_between (begun, clock_steady ()).ms < REPORT_MS);
    }
    world_reports (world, &release, DEPLOY_P2, OUTCOME_FAILED, "1 of 2 contents did not arrive within 2s");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
}

static void test_no_bytes_at_all (void **state)
{
    struct world *world = *state;
    struct release release = hasty_release (world);
    world->answer = answer_nothing;
    world_open (world, &release, 1);
    world_reports (world, &release, DEPLOY_P2, OUTCOME_FAILED, "1 of 2 contents did not arrive within 2s");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
}

/* The controller says what it likes about why; the words are shown as the session's, and are believed in
 * nothing. */
static void answer_refused (struct world *world, const struct chunk_wanted *wanted)
{
    struct chunk_refused refused = {wanted->content, "release 2.0 was kept"};
    world_send (world, &chunk_refused_type, &refused);
}

static void test_content_refused_with_a_lie (void **state)
{
    struct world *world = *state;
    struct release release = hasty_release (world);
    world->answer = answer_refused;
    world_open (world, &release, 1);
    world_reports (
        world, &release, DEPLOY_P2, OUTCOME_FAILED,
        "1 of 2 contents did not arrive within 2s; the session says: release 2.0 was kept");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_bytes_that_trickle),
        ATTACK (test_no_bytes_at_all),
        ATTACK (test_content_refused_with_a_lie),
    };
    return WORLD_RUN (tests);
}
