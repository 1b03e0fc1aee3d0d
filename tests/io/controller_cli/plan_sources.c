/* The files behind a plan: what is found, hashed and missing, and that every example in deploy/plans is
 * clean.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/io/file.h"
#include "controller/cli/plan_sources.h"

#define PLAN                                                                                                 \
    "plan: p\nproduct: x\nversion: 1\nartifacts: [a.bin, b.bin]\nprofile: sub/x.yaml\n"                      \
    "steps:\n  - deploy: {environment: staging}\n  - test: {suite: s}\n"
#define PROFILE                                                                                              \
    "product: x\nhealth: [{tcp: 'h:1'}]\nsuites:\n  s: [{exec: t.sh}, {exec: ../u.sh}, {exec: t.sh}, "       \
    "{exec: gone.sh}]\n"

struct place {
    struct arena arena;
    char folder[64];
};

static int make_place (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    struct error error;
    assert_non_null (place);
    (void)snprintf (place->folder, sizeof place->folder, "/tmp/relevo-plan-XXXXXX");
    assert_non_null (mkdtemp (place->folder));
    assert_true (folder_make (path_join (&place->arena, place->folder, "sub"), 0700, &error));
    *state = place;
    return 0;
}

static int drop_place (void **state)
{
    struct place *place = *state;
    (void)folder_remove (place->folder, NULL);
    arena_free (&place->arena);
    free (place);
    return 0;
}

static const char *put (struct place *place, const char *name, const char *text)
{
    const char *path = path_join (&place->arena, place->folder, name);
    struct error error;
    if (!file_write (path, bytes_of_text (text), 0600, &error))
        fail_msg ("%s", error.text);
    return path;
}

static void test_found_and_hashed (void **state)
{
    struct place *place = *state;
    struct plan_problems problems = {.arena = &place->arena};
    struct plan_sources sources;
    struct error error;
    struct digest digest = digest_of ("two", 3);
    const char *path = put (place, "p.yaml", PLAN);
    (void)put (place, "sub/x.yaml", PROFILE);
    (void)put (place, "sub/t.sh", "two");
    (void)put (place, "u.sh", "three");
    (void)put (place, "b.bin", "four!");
    assert_true (plan_sources_read (path, &problems, &sources, &error));
    assert_int_equal (problems.errors, 0);
    assert_true (sources.has_profile);
    assert_int_equal (sources.script_count, 2); /* t.sh once, u.sh; gone.sh is a matter for plan_build */
    assert_true (digest_equal (&sources.scripts[0].digest, &digest));
    assert_int_equal (sources.scripts[1].length, 5);
    assert_int_equal (sources.file_count, 1);
    assert_int_equal (sources.files[0].length, 5);
}

static void test_missing (void **state)
{
    struct place *place = *state;
    struct plan_problems problems = {.arena = &place->arena};
    struct plan_sources sources;
    struct plan_world world;
    struct plan plan;
    struct error error;
    const char *path = put (place, "p.yaml", PLAN);
    assert_false (plan_sources_read (
        path_join (&place->arena, place->folder, "none.yaml"), &problems, &sources, &error));
    assert_true (plan_sources_read (path, &problems, &sources, &error));
    assert_int_equal (problems.errors, 1);
    assert_non_null (strstr (problems.items[0].text, "p.yaml:5:10: profile: no file '"));
    (void)put (place, "sub/x.yaml", "product: [\n");
    assert_true (plan_sources_read (path, &problems, &sources, &error));
    assert_int_equal (problems.items[1].line, 2);
    assert_non_null (strstr (problems.items[1].text, "sub/x.yaml:2:1: not well-formed YAML"));
    problems = (struct plan_problems){.arena = &place->arena};
    (void)put (place, "sub/x.yaml", PROFILE);
    assert_true (plan_sources_read (path, &problems, &sources, &error));
    world = plan_sources_world (&sources, (struct instant){1});
    assert_false (plan_build (&problems, &sources.draft, &sources.profile, &world, &plan));
    assert_int_equal (problems.errors, 4); /* every place that names a script that is not there */
    assert_non_null (strstr (problems.items[0].text, "sub/x.yaml:4:14: exec: no file '"));
}

/* A plan that is no map says so, and nothing that it could have said is looked for. */
static void test_no_map (void **state)
{
    struct place *place = *state;
    struct plan_problems problems = {.arena = &place->arena};
    struct plan_sources sources;
    struct error error;
    assert_true (plan_sources_read (put (place, "p.yaml", "- a\n"), &problems, &sources, &error));
    assert_int_equal (problems.errors, 1);
    assert_non_null (
        strstr (problems.items[0].text, "p.yaml:1:1: a plan: expected a map of keys and values"));
}

static void lint_example (struct arena *arena, const char *path)
{
    struct plan_problems problems = {.arena = arena};
    struct plan_sources sources;
    struct plan_world world;
    struct plan plan;
    struct error error;
    struct buffer out = {0};
    if (!plan_sources_read (path, &problems, &sources, &error))
        fail_msg ("%s", error.text);
    world = plan_sources_world (&sources, (struct instant){1});
    (void)plan_build (&problems, &sources.draft, &sources.profile, &world, &plan);
    plan_problems_print (&problems, &out);
    if (out.size > 0)
        print_error ("%s", out.data);
    assert_int_equal (out.size, 0);
    buffer_free (&out);
}

/* The checkout's own folder is found from where this file was compiled. */
static void test_examples_are_clean (void **state)
{
    struct place *place = *state;
    char root[4096];
    const char *folder;
    const struct dirent *entry;
    DIR *plans;
    size_t count = 0;
    (void)snprintf (root, sizeof root, "%s", __FILE__);
    for (int i = 0; i < 4; i++) {
        char *slash = strrchr (root, '/');
        assert_non_null (slash);
        *slash = '\0';
    }
    folder = path_join (&place->arena, root, "deploy/plans");
    plans = opendir (folder);
    assert_non_null (plans);
    while ((entry = readdir (plans)) != NULL) {
        size_t size = strlen (entry->d_name);
        if (size > 5 && strcmp (entry->d_name + size - 5, ".yaml") == 0) {
            lint_example (&place->arena, path_join (&place->arena, folder, entry->d_name));
            count++;
        }
    }
    (void)closedir (plans);
    assert_true (count >= 5);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_found_and_hashed, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_missing, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_no_map, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_examples_are_clean, make_place, drop_place),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
