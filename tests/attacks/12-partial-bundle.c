/* Row 12, partial bundle: a release of two artefacts of which one is kept back or damaged. */
#include "tests/attacks/tar.h"
#include "tests/attacks/world.h"

static struct digest spoilt; /* the second artefact */
static bool damages;         /* else it is kept back */

static void answer_but_one (struct world *world, const struct chunk_wanted *wanted)
{
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    struct chunk_refused refused = {wanted->content, "it is being repaired"};
    uint8_t *data;
    assert_non_null (content);
    if (digest_equal (&wanted->content, &spoilt) && !damages) {
        world_send (world, &chunk_refused_type, &refused);
        return;
    }
    data = arena_copy (&world->realm.arena, content->data + wanted->offset, wanted->size);
    if (digest_equal (&wanted->content, &spoilt))
        data[wanted->size - 1] ^= 1;
    chunk.data = (struct bytes){data, wanted->size};
    world_send (world, &chunk_type, &chunk);
}

static struct release release_of_two (struct world *world)
{
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct artifact *both = arena_array (&realm->arena, 2, sizeof *both);
    struct buffer archive = {0};
    tar_add (&archive, TAR_FILE, "content/page", "", 0644, bytes_of_text ("hello"));
    tar_end (&archive);
    both[0] = plan.artifacts[0];
    both[1] = realm_content (realm, "content.tar", buffer_bytes (&archive));
    buffer_free (&archive);
    plan.artifacts = both;
    plan.artifacts_count = 2;
    plan_hasten (&plan);
    spoilt = both[1].digest;
    return realm_release_of (realm, &plan);
}

static bool is_staged (const struct world *world, const struct release *release)
{
    struct arena arena = {0};
    bool staged =
        file_exists (arena_format (&arena, "%s/app/releases/%s", world->folder, release->folder)) ||
        file_exists (arena_format (&arena, "%s/app/releases/%s.partial", world->folder, release->folder));
    arena_free (&arena);
    return staged;
}

static void attack (struct world *world, bool by_damage, const char *words)
{
    struct release release = release_of_two (world);
    damages = by_damage;
    world->answer = answer_but_one;
    world_open (world, &release, 1);
    world_reports (world, &release, DEPLOY_P2, OUTCOME_FAILED, words);
    world_same_service (world);
    assert_false (is_staged (world, &release));
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
    assert_true (is_staged (world, &release));
}

static void test_second_artefact_kept_back (void **state)
{
    attack (
        *state, false, "1 of 3 contents did not arrive within 2s; the session says: it is being repaired");
}

static void test_second_artefact_damaged (void **state)
{
    attack (
        *state, true, "1 of 3 contents did not arrive within 2s; the session says: what arrived was damaged");
}

/* All bytes are what was signed, and the second archive is none: nothing of the first is left either. */
static void test_second_artefact_that_is_no_archive (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct artifact *both = arena_array (&realm->arena, 2, sizeof *both);
    struct release broken;
    struct release next = realm_release (realm, "3.0", 30);
    both[0] = plan.artifacts[0];
    both[1] = realm_content (realm, "content.tar", bytes_of_text ("this is no archive of any kind"));
    plan.artifacts = both;
    plan.artifacts_count = 2;
    broken = realm_release_of (realm, &plan);
    world_open (world, &broken, 1);
    world_reports (
        world, &broken, DEPLOY_P2, OUTCOME_FAILED, "unpacking the release failed: artefact content.tar");
    world_same_service (world);
    assert_false (is_staged (world, &broken));
    world_obeys (world, &next);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_second_artefact_kept_back),
        ATTACK (test_second_artefact_damaged),
        ATTACK (test_second_artefact_that_is_no_archive),
    };
    return WORLD_RUN (tests);
}
