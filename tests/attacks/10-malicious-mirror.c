/* Row 10, malicious mirror: a source of contents that hands out bad bytes. The controller is the only source
   so far: it is asked again, in vain for as long as it lies. */
#include "common/io/clock.h"
#include "tests/attacks/world.h"

static size_t lies; /* how many answers are still to be wrong */

/* The true bytes, but for one bit. */
static void answer_damaged (struct world *world, const struct chunk_wanted *wanted)
{
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    uint8_t *data;
    assert_non_null (content);
    data = arena_copy (&world->realm.arena, content->data + wanted->offset, wanted->size);
    if (lies > 0) {
        lies--;
        data[wanted->size / 2] ^= 1;
    }
    chunk.data = (struct bytes){data, wanted->size};
    world_send (world, &chunk_type, &chunk);
}

/* Found by the digest, said in words, fetched again. */
static void test_bad_bytes_then_good_ones (void **state)
{
    struct world *world = *state;
    struct release release = realm_release (&world->realm, "2.0", 20);
    size_t chunks = world->chunks;
    lies = 2;
    world->answer = answer_damaged;
    world_open (world, &release, 1);
    world_says_as (world, ACTIVITY_FETCHING, "what arrived was damaged");
    world_same_service (world);
    world_reports (world, &release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &release);
    assert_int_equal (lies, 0);
    assert_int_equal (world->chunks - chunks, 3);
}

/* Each time later than the last: a lying source is not asked without end, and the work ends with the reason.
 */
static void test_bad_bytes_for_ever (void **state)
{
    struct world *world = *state;
    struct plan plan = draft_plan (&world->realm, "2.0", 20);
    size_t chunks = world->chunks;
    struct release release;
    plan_hasten (&plan);
    plan.steps[DEPLOY_P2 - 1].progress_deadline = span_seconds (4);
    release = realm_release_of (&world->realm, &plan);
    lies = SIZE_MAX;
    world->answer = answer_damaged;
    world_open (world, &release, 1);
    world_reports (
        world, &release, DEPLOY_P2, OUTCOME_FAILED,
        "1 of 2 contents did not arrive within 4s; the session says: what arrived was damaged");
    world_same_service (world);
    assert_in_range (world->chunks - chunks, 2, 8);
    lies = 0;
    world_obeys_attempt (world, &release, 2);
}

/* What one source has spoilt does not stand in the way of what follows. */
static void test_bad_bytes_across_a_restart (void **state)
{
    struct world *world = *state;
    struct release release = realm_release (&world->realm, "2.0", 20);
    lies = SIZE_MAX;
    world->answer = answer_damaged;
    world_open (world, &release, 1);
    world_says_as (world, ACTIVITY_FETCHING, "what arrived was damaged");
    agent_kill (world);
    lies = 0;
    agent_start (world);
    world_reports (world, &release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, &release);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_bad_bytes_then_good_ones),
        ATTACK (test_bad_bytes_for_ever),
        ATTACK (test_bad_bytes_across_a_restart),
    };
    return WORLD_RUN (tests);
}
