/* The plan commands that need no controller: exit codes, signatures beside the plan, and what they refuse. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/trust.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/commands.h"

enum { WORDS = 12 };

struct place {
    struct arena arena;
    char folder[64];
    struct secret_key root;
    struct secret_key release;
    struct secret_key other;
    struct secret_key controller;
};

static const char *path_of (struct place *place, const char *name)
{
    return path_join (&place->arena, place->folder, name);
}

static void put (struct place *place, const char *name, const char *text)
{
    struct error error;
    if (!file_write (path_of (place, name), bytes_of_text (text), 0600, &error))
        fail_msg ("%s", error.text);
}

static void make_key (struct place *place, const char *name, struct secret_key *key)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct buffer secret = {0};
    struct buffer public = {0};
    struct error error;
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, key);
    assert_true (secret_key_print (key, NULL, NULL, &secret, &error));
    public_key_print (&key->public, &public);
    put (place, arena_format (&place->arena, "%s.key", name), secret.data);
    put (place, arena_format (&place->arena, "%s.pub", name), public.data);
    buffer_free (&secret);
    buffer_free (&public);
}

static void write_document (
    struct place *place, const char *name, const struct record_type *type, const void *record,
    const struct secret_key *key)
{
    struct envelope envelope = {.signatures_count = 0};
    struct buffer out = {0};
    struct error error;
    if (key != NULL) {
        assert_true (document_sign (type, record, key, clock_now (), &place->arena, &envelope, &error));
    } else {
        assert_true (document_write (type, record, &out, &error));
        envelope.content = buffer_bytes (&out);
    }
    if (!signed_file_write (path_of (place, name), &envelope, &error))
        fail_msg ("%s", error.text);
    buffer_free (&out);
}

static void make_trust_and_fleet (struct place *place)
{
    const char *root[] = {"root"};
    const char *release[] = {"release"};
    const char *controller[] = {"controller"};
    const char *products[] = {"x"};
    struct trust_key keys[] = {
        {.name = "root", .key = place->root.public},
        {.name = "release", .key = place->release.public},
        {.name = "controller", .key = place->controller.public}};
    struct trust_role roles[] = {
        {.name = ROLE_ROOT, .environment = "", .threshold = 1, .keys = root, .keys_count = 1},
        {.name = ROLE_OPERATOR, .environment = "", .threshold = 1, .keys = root, .keys_count = 1},
        {.name = ROLE_CONTROLLER, .environment = "", .threshold = 1, .keys = controller, .keys_count = 1},
        {.name = ROLE_RELEASER, .environment = "", .threshold = 1, .keys = release, .keys_count = 1}};
    struct instant now = clock_now ();
    struct instant later = instant_add (now, span_seconds (3600));
    struct fleet_host host = {.name = "h1", .environment = "staging", .products = products};
    struct trust trust = {.version = 1, .issued = now, .expires = later, .keys = keys, .keys_count = 3};
    struct fleet fleet = {.version = 1, .issued = now, .expires = later, .hosts = &host, .hosts_count = 1};
    host.products_count = 1;
    random_fill (&host.key, sizeof host.key);
    random_fill (&host.wire, sizeof host.wire);
    trust.roles = roles;
    trust.roles_count = 4;
    write_document (place, "trust", &trust_type, &trust, &place->root);
    write_document (place, "fleet", &fleet_type, &fleet, &place->root);
}

static void make_plan (struct place *place, const char *name, const char *version, struct span left)
{
    const char *hosts[] = {"h1"};
    struct artifact artifact = {.name = "a", .digest = {{1}}, .length = 1};
    struct step step = {
        .number = 1,
        .kind = STEP_DEPLOY,
        .title = "deploy",
        .environment = "staging",
        .hosts = hosts,
        .hosts_count = 1,
        .max_parallel = 1,
        .max_unavailable = 1,
        .min_healthy_time = {1},
        .healthy_deadline = {2},
        .progress_deadline = {3}};
    struct plan plan = {
        .name = "p",
        .product = "x",
        .version = version,
        .counter = 1,
        .issued = clock_now (),
        .expires = instant_add (clock_now (), left),
        .profile = {.product = "x"},
        .artifacts = &artifact,
        .artifacts_count = 1,
        .steps = &step,
        .steps_count = 1};
    write_document (place, name, &plan_type, &plan, NULL);
}

static int make_place (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    assert_non_null (place);
    (void)snprintf (place->folder, sizeof place->folder, "/tmp/relevo-cmd-plan-XXXXXX");
    assert_non_null (mkdtemp (place->folder));
    make_key (place, "root", &place->root);
    make_key (place, "release", &place->release);
    make_key (place, "other", &place->other);
    make_key (place, "controller", &place->controller);
    make_trust_and_fleet (place);
    make_plan (place, "one", "1", span_seconds (600));
    make_plan (place, "two", "2", span_seconds (600));
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

/* Runs `plan WORDS…` with both streams in a file; a word that begins with '@' is a file of this place.
   Returns the exit code, and what was printed. */
static int run (struct place *place, const char *words, const char **ret_text)
{
    char *argv[WORDS + 1] = {arena_text (&place->arena, "plan")};
    char *rest = arena_text (&place->arena, words);
    struct cli cli = {.yes = true, .no_input = true, .config = "/nonexistent/relevo.yaml"};
    int argc = 1;
    int saved[2] = {dup (STDOUT_FILENO), dup (STDERR_FILENO)};
    int file = open (path_of (place, "printed"), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    struct bytes text = {0};
    int code;
    for (char *word; (word = strsep (&rest, " ")) != NULL && argc < WORDS; argc++)
        argv[argc] = word[0] == '@' ? arena_text (&place->arena, path_of (place, word + 1)) : word;
    assert_true (file >= 0);
    (void)fflush (NULL);
    (void)dup2 (file, STDOUT_FILENO);
    (void)dup2 (file, STDERR_FILENO);
    code = cmd_plan (&cli, argc, argv);
    (void)fflush (NULL);
    for (int i = 0; i < 2; i++) {
        (void)dup2 (saved[i], i == 0 ? STDOUT_FILENO : STDERR_FILENO);
        (void)close (saved[i]);
    }
    (void)close (file);
    arena_free (&cli.arena);
    assert_true (file_read (path_of (place, "printed"), 1 << 20, &place->arena, &text, NULL));
    *ret_text = (const char *)text.data;
    return code;
}

static void expect (struct place *place, const char *words, int code, const char *part)
{
    const char *text = "";
    int got = run (place, words, &text);
    if (got != code || strstr (text, part) == NULL)
        fail_msg ("plan %s: exit %d instead of %d, no '%s' in:\n%s", words, got, code, part, text);
}

static void test_sign_and_verify (void **state)
{
    struct place *place = *state;
    expect (place, "verify @one --trust @trust", CLI_ERROR, "0 of 1 signatures");
    expect (place, "sign @one", CLI_USAGE, "--key is missing");
    expect (place, "sign @one --key @other.key", CLI_DONE, "one.minisig");
    expect (place, "verify @one --trust @trust", CLI_ERROR, "0 of 1 signatures");
    expect (place, "verify @one --key @other.pub", CLI_DONE, "p: signed by");
    expect (place, "verify @one --key @release.pub", CLI_ERROR, "no valid signature");
    expect (place, "sign @one --key @release.key", CLI_DONE, "one.");
    expect (place, "verify @one --trust @trust", CLI_DONE, "p: signed by release\n");
    expect (place, "verify @one --trust @trust -o json", CLI_DONE, "\"signers\": \"release\"");
    expect (place, "verify @one --key @other.pub", CLI_DONE, "p: signed by");
    expect (place, "verify @one --trust @trust --key @other.pub", CLI_USAGE, "exclude each other");
    expect (place, "verify @one --trust @fleet", CLI_ERROR, "fleet");
    expect (place, "verify @one", CLI_ERROR, "--trust FILE");
}

/* A changed byte voids every signature. */
static void test_tampering (void **state)
{
    struct place *place = *state;
    struct bytes content;
    struct error error;
    expect (place, "sign @one --key @release.key", CLI_DONE, "one.minisig");
    assert_true (file_read (path_of (place, "two"), 1 << 20, &place->arena, &content, &error));
    assert_true (file_write (path_of (place, "one"), content, 0600, &error));
    expect (place, "verify @one --trust @trust", CLI_ERROR, "0 of 1 signatures");
    expect (place, "verify @one --key @release.pub", CLI_ERROR, "no valid signature");
}

static void test_expired (void **state)
{
    struct place *place = *state;
    make_plan (place, "late", "1", span_seconds (-1));
    expect (place, "sign @late --key @release.key", CLI_ERROR, "has expired: build it again");
    assert_false (file_exists (path_of (place, "late.minisig")));
}

static void test_show_and_diff (void **state)
{
    struct place *place = *state;
    expect (place, "show @one", CLI_DONE, "0 signatures, not verified here; digest ");
    expect (place, "show @one -o json", CLI_DONE, "\"max_parallel\": 1");
    expect (place, "show @fleet", CLI_ERROR, "fleet");
    expect (place, "show @none", CLI_ERROR, "none");
    expect (place, "diff @one @one", 0, "");
    expect (place, "diff @one @two", 1, "version: 1 -> 2\n");
    expect (place, "diff @one @two -o json", 1, "version: 1 -> 2");
    expect (place, "diff @one @none", 2, "none");
    expect (place, "diff @one", CLI_USAGE, "");
    expect (place, "shwo @one", CLI_USAGE, "show");
}

static void test_lint (void **state)
{
    struct place *place = *state;
    put (
        place, "good.yaml",
        "plan: p\nproduct: x\nversion: 1\nartifact: a\nprofile: x.yaml\nsteps:\n"
        "  - deploy: {environment: staging}\n  - test: {suite: s}\n  - notify: {to: ops}\n");
    put (place, "x.yaml", "product: x\nhealth: [{tcp: 'h:1'}]\nsuites: {s: [{tcp: 'h:1'}]}\n");
    expect (place, "lint @good.yaml --offline", CLI_DONE, "");
    expect (place, "lint @good.yaml --fleet @fleet --trust @trust", CLI_DONE, "");
    expect (
        place, "lint @good.yaml --fleet @fleet --target opx", CLI_ERROR,
        ":9:18: to: no target is named 'ops'");
    expect (place, "lint @good.yaml --fleet @trust", CLI_ERROR, "trust");
    put (
        place, "bad.yaml",
        "plan: p\nproduct: x\nversion: 1\nartifact: a\nprofile: x.yaml\nsteps:\n"
        "  - deploy: {environment: stagin}\n  - test: {suite: s}\n  - signoff: {role: managers}\n");
    expect (place, "lint @bad.yaml --offline", CLI_DONE, "");
    expect (
        place, "lint @bad.yaml --fleet @fleet", CLI_ERROR, ":7:27: environment: no host with x is in one");
    expect (place, "lint @bad.yaml --fleet @fleet -o json", CLI_ERROR, "\"column\": 27");
    put (place, "worse.yaml", "plan: [\n");
    expect (place, "lint @worse.yaml --offline", CLI_ERROR, "worse.yaml:2:1: not well-formed YAML");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_sign_and_verify, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_tampering, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_expired, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_show_and_diff, make_place, drop_place),
        cmocka_unit_test_setup_teardown (test_lint, make_place, drop_place),
    };
    if (sodium_init () < 0)
        return 1;
    return cmocka_run_group_tests (tests, NULL, NULL);
}
