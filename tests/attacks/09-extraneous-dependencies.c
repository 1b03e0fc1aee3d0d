/* Row 9, extraneous dependencies: bytes that no plan lists, and archive members that would lie where no
 * release belongs. */
#include <dirent.h>

#include "tests/attacks/tar.h"
#include "tests/attacks/world.h"

/* Files in a folder of the agent's state. */
static size_t count_files (const struct world *world, const char *folder)
{
    struct arena arena = {0};
    DIR *list = opendir (path_join (&arena, world->paths.folder, folder));
    size_t count = 0;
    assert_non_null (list);
    while (readdir (list) != NULL)
        count++;
    (void)closedir (list);
    arena_free (&arena);
    return count - 2;
}

static void test_content_that_nobody_asked_for (void **state)
{
    static const uint8_t evil[] = "#!/bin/sh\nrm -rf /\n";
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "2.0", 20);
    struct chunk chunk = {.content = digest_of (evil, sizeof evil), .data = {evil, sizeof evil}};
    size_t spool = count_files (world, "spool");
    size_t store = count_files (world, "store");
    for (int i = 0; i < 20; i++)
        world_send (world, &chunk_type, &chunk);
    world_unchanged (world);
    assert_int_equal (count_files (world, "spool"), spool);
    assert_int_equal (count_files (world, "store"), store);
    world_obeys (world, &next);
}

/* While the true artefact is awaited, the controller answers with another content beside it. */
static void answer_with_more (struct world *world, const struct chunk_wanted *wanted)
{
    static const uint8_t evil[] = "#!/bin/sh\nrm -rf /\n";
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk more = {.content = digest_of (evil, sizeof evil), .data = {evil, sizeof evil}};
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    assert_non_null (content);
    chunk.data = (struct bytes){content->data + wanted->offset, wanted->size};
    world_send (world, &chunk_type, &more);
    world_send (world, &chunk_type, &chunk);
}

static void test_content_beside_the_one_that_was_asked_for (void **state)
{
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "2.0", 20);
    char digits[DIGEST_TEXT_SIZE];
    struct digest evil = digest_of ("#!/bin/sh\nrm -rf /\n", 20);
    struct arena arena = {0};
    world->answer = answer_with_more;
    world_obeys (world, &next);
    world_remember (world);
    assert_int_equal (count_files (world, "spool"), 0);
    assert_false (file_exists (path_join (&arena, world->paths.store, digest_print (&evil, digits))));
    arena_free (&arena);
}

struct member {
    enum tar_kind kind;
    const char *name;
    const char *target;
    const char *words;
};

/* A release of an archive that holds this member after an honest one, truly signed. */
static struct release release_with (struct world *world, const struct member *member, uint64_t counter)
{
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, arena_format (&realm->arena, "2.%d", (int)counter), counter);
    struct buffer archive = {0};
    tar_add (&archive, TAR_FILE, "version", "", 0644, bytes_of_text (plan.version));
    tar_add (
        &archive, member->kind, member->name, member->target, 0755,
        bytes_of_text (member->kind == TAR_FILE ? "evil" : ""));
    tar_end (&archive);
    plan.artifacts[0] = realm_content (realm, plan.artifacts[0].name, buffer_bytes (&archive));
    buffer_free (&archive);
    return realm_release_of (realm, &plan);
}

static void test_members_that_leave_the_folder (void **state)
{
    static const struct member members[] = {
        {TAR_FILE, "../evil", "", "would lie outside of the release's folder"},
        {TAR_FILE, "a/../../evil", "", "would lie outside of the release's folder"},
        {TAR_FILE, "/tmp/relevo-attacks-evil", "", "would lie outside of the release's folder"},
        {TAR_HARD_LINK, "shadow", "../../shared/pid", "outside of the release's folder"},
        {TAR_DEVICE, "null", "", "is a device, fifo or socket"},
    };
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "3.0", 100);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct release evil = release_with (world, &members[i], 20 + i);
        struct arena arena = {0};
        const char *root = path_join (&arena, world->folder, "app");
        world_open (world, &evil, 1);
        world_reports (world, &evil, DEPLOY_P2, OUTCOME_FAILED, members[i].words);
        world_same_service (world);
        assert_false (file_exists (path_join (&arena, world->folder, "evil")));
        assert_false (file_exists (path_join (&arena, root, "evil")));
        assert_false (file_exists (arena_format (&arena, "%s/releases/evil", root)));
        assert_false (file_exists (arena_format (&arena, "%s/releases/%s", root, evil.folder)));
        assert_false (file_exists ("/tmp/relevo-attacks-evil"));
        arena_free (&arena);
    }
    world_obeys (world, &next);
}

/* A link that leads out, and then a file behind it: the link gives way to a folder of the release's own. */
static void test_member_behind_a_link_that_leads_out (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct buffer archive = {0};
    struct release release;
    const char *root = path_join (&realm->arena, world->folder, "app");
    tar_add (&archive, TAR_LINK, "out", "../../..", 0777, bytes_of_text (""));
    tar_add (&archive, TAR_FILE, "out/evil", "", 0644, bytes_of_text ("evil"));
    tar_add (&archive, TAR_FILE, "version", "", 0644, bytes_of_text (plan.version));
    tar_add (&archive, TAR_FILE, "serve", "", 0755, bytes_of_text ("#!/bin/sh\nexec sleep 600\n"));
    tar_end (&archive);
    plan.artifacts[0] = realm_content (realm, plan.artifacts[0].name, buffer_bytes (&archive));
    buffer_free (&archive);
    release = realm_release_of (realm, &plan);
    world_obeys (world, &release);
    assert_false (file_exists (path_join (&realm->arena, world->folder, "evil")));
    assert_true (file_exists (arena_format (&realm->arena, "%s/releases/%s/out/evil", root, release.folder)));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_content_that_nobody_asked_for),
        ATTACK (test_content_beside_the_one_that_was_asked_for),
        ATTACK (test_members_that_leave_the_folder),
        ATTACK (test_member_behind_a_link_that_leads_out),
    };
    return WORLD_RUN (tests);
}
