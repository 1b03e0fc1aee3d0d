/* A new fleet on disk: signed files that verify, keys that only their owner can read, settings, key loading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/core/accept.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/client.h"
#include "controller/cli/fleet_new.h"
#include "controller/cli/new_key.h"
#include "controller/cli/signers.h"

struct place {
    char folder[64];
    struct arena arena;
    struct error error;
};

static int make_place (void **state)
{
    struct place *place = test_calloc (1, sizeof *place);
    (void)snprintf (place->folder, sizeof place->folder, "/tmp/relevo-cli.XXXXXX");
    assert_non_null (mkdtemp (place->folder));
    *state = place;
    return 0;
}

static int remove_place (void **state)
{
    struct place *place = *state;
    assert_true (folder_remove (place->folder, &place->error));
    arena_free (&place->arena);
    test_free (place);
    return 0;
}

static const char *root[] = {"root"};
static const char *operators[] = {"olga", "omar"};
static const char *releasers[] = {"release-1"};
static const char *managers[] = {"ana", "luis"};
static const char *words[] = {"/bin/echo", "it's \"done\""};
static struct fleet_target target = {.name = "managers", .words = words, .word_count = 2};

static struct fleet_new wanted (struct place *place)
{
    struct fleet_new fleet = {
        .folder = path_join (&place->arena, place->folder, "fleet"),
        .name = "c1",
        .listen = "127.0.0.1",
        .address = "relevo.example.org",
        .port = 7400,
        .targets = &target,
        .target_count = 1,
        .role_count = 4};
    fleet.roles[0] = (struct fleet_role){"root", root, 1, 1};
    fleet.roles[1] = (struct fleet_role){"operator", operators, 2, 2};
    fleet.roles[2] = (struct fleet_role){"releaser", releasers, 1, 1};
    fleet.roles[3] = (struct fleet_role){"release-managers", managers, 2, 1};
    return fleet;
}

static void test_documents_verify (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct envelope envelope;
    struct digest pin;
    struct trust trust;
    struct fleet fleet;
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (signed_file_read (
        path_join (&place->arena, new.folder, "trust.relevo"), &place->arena, &envelope, &place->error));
    pin = digest_of (envelope.content.data, envelope.content.size);
    assert_true (accept_first_trust (&envelope, &pin, clock_now (), &place->arena, &trust, &place->error));
    assert_int_equal (trust.keys_count, 7);
    assert_int_equal (trust_role_for (&trust, "operator", "")->threshold, 2);
    assert_non_null (trust_role_for (&trust, ROLE_CONTROLLER, ""));
    assert_true (signed_file_read (
        path_join (&place->arena, new.folder, "fleet.relevo"), &place->arena, &envelope, &place->error));
    assert_int_equal (envelope.signatures_count, 2);
    assert_true (accept_fleet (&trust, 1, &envelope, clock_now (), &place->arena, &fleet, &place->error));
    envelope.signatures_count = 1;
    assert_false (accept_fleet (&trust, 1, &envelope, clock_now (), &place->arena, &fleet, &place->error));
}

static void expect_mode (struct place *place, const char *file, mode_t mode)
{
    struct stat status;
    assert_int_equal (stat (path_join (&place->arena, place->folder, file), &status), 0);
    assert_int_equal (status.st_mode & 0777, mode);
}

static void test_secrets_are_secret (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    expect_mode (place, "fleet/keys", 0700);
    expect_mode (place, "fleet/keys/ana.key", 0600);
    expect_mode (place, "fleet/keys/root.key", 0600);
    expect_mode (place, "fleet/controller/controller.key", 0600);
    expect_mode (place, "fleet/controller/wire.key", 0600);
    expect_mode (place, "fleet/person.wire", 0600);
}

static void test_never_over_another (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct bytes before;
    struct bytes after;
    const char *key = path_join (&place->arena, new.folder, "keys/root.key");
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (file_read (key, 4096, &place->arena, &before, &place->error));
    assert_false (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_int_equal (place->error.kind, ERROR_CONFLICT);
    assert_true (file_read (key, 4096, &place->arena, &after, &place->error));
    assert_true (bytes_equal (before, after));
}

static void test_wrong_wishes (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    new.roles[3].threshold = 3;
    assert_false (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_non_null (strstr (place->error.text, "release-managers has 2 key(s)"));
    assert_false (file_exists (new.folder));
    new = wanted (place);
    new.port = 65533;
    assert_false (fleet_new_check (&new, &place->error));
    managers[1] = "controller";
    new = wanted (place);
    assert_false (fleet_new_check (&new, &place->error));
    managers[1] = "luis";
}

static struct cli cli_for (struct place *place, const struct fleet_new *new)
{
    return (struct cli){.no_input = true, .config = path_join (&place->arena, new->folder, "relevo.yaml")};
}

/* An approver's own key goes into the trust document as it is, and no secret is made beside it. */
static void test_ssh_approver (void **state)
{
    static const char line[] = "ssh-ed25519 "
                               "AAAAC3NzaC1lZDI1NTE5AAAAIBKkNppNxMK5TQjv6w2OCC0jo/t44W7Y/yi7e58YWg4Y ana\n";
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct fleet_ssh_key keys[] = {
        {.name = "ana", .line = bytes_of_text (line)}, {.name = "luis", .line = bytes_of_text (line)}};
    struct cli cli = cli_for (place, &new);
    struct envelope envelope;
    struct digest pin;
    struct trust trust;
    struct public_key key;
    assert_true (public_key_parse (keys[0].line, &keys[0].key, &place->error));
    keys[1].key = keys[0].key;
    new.ssh_keys = keys;
    new.ssh_key_count = 2;
    assert_false (fleet_new_check (&new, &place->error));
    assert_non_null (strstr (place->error.text, "ana and luis have the same SSH key"));
    keys[1].name = "ana";
    assert_false (fleet_new_check (&new, &place->error));
    assert_non_null (strstr (place->error.text, "given twice"));
    new.ssh_key_count = 1;
    keys[0].name = "nobody";
    assert_false (fleet_new_check (&new, &place->error));
    assert_non_null (strstr (place->error.text, "--approver"));
    keys[0].name = "release-1";
    assert_false (fleet_new_check (&new, &place->error));
    assert_non_null (strstr (place->error.text, "can only approve"));
    keys[0].name = "ana";
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (client_pin (&cli, &pin, &place->error));
    assert_true (signed_file_read (cli.settings.trust, &place->arena, &envelope, &place->error));
    assert_true (accept_first_trust (&envelope, &pin, clock_now (), &place->arena, &trust, &place->error));
    assert_memory_equal (&trust_key_named (&trust, "ana")->key, &keys[0].key, sizeof keys[0].key);
    assert_true (cli_public_key (&cli, "ana", &key, &place->error));
    assert_memory_equal (&key, &keys[0].key, sizeof key);
    assert_false (file_exists (cli_key_path (&cli, "ana", ".key")));
    assert_true (file_exists (cli_key_path (&cli, "luis", ".key")));
    arena_free (&cli.arena);
}

static void test_settings (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct cli cli = cli_for (place, &new);
    struct digest pin;
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (cli_settings (&cli, &place->error));
    assert_string_equal (cli.settings.controller, "tcp://relevo.example.org:7403");
    assert_string_equal (cli.settings.agents, "tcp://relevo.example.org:7401");
    assert_string_equal (cli.settings.publish, "tcp://relevo.example.org:7402");
    assert_true (file_exists (cli.settings.wire_key));
    assert_true (strncmp (cli.settings.local, "ipc:///tmp/", 11) == 0);
    assert_true (client_pin (&cli, &pin, &place->error));
    arena_free (&cli.arena);
}

static void test_settings_mistakes (void **state)
{
    struct place *place = *state;
    const char *path = path_join (&place->arena, place->folder, "relevo.yaml");
    struct settings settings;
    assert_true (file_write (path, bytes_of_text ("controler: tcp://x:1\n"), 0644, &place->error));
    assert_false (settings_read (path, &place->arena, &settings, &place->error));
    assert_non_null (strstr (place->error.text, "relevo.yaml:1:1"));
    assert_non_null (strstr (place->error.text, "controller"));
    assert_true (file_write (path, bytes_of_text ("controller: tcp://x:1\n"), 0644, &place->error));
    assert_false (settings_read (path, &place->arena, &settings, &place->error));
    assert_non_null (strstr (place->error.text, "\"server_key\" is missing"));
}

static void test_keys (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct cli cli = cli_for (place, &new);
    struct secret_key key;
    struct public_key public;
    const char *name;
    const char *file = path_join (&place->arena, new.folder, "keys/ana.key");
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (cli_key (&cli, "ana", &key, &name, &place->error));
    assert_true (cli_public_key (&cli, "ana", &public, &place->error));
    assert_true (public_key_equal (&key.public, &public));
    assert_string_equal (name, "ana");
    assert_true (cli_key (&cli, file, &key, &name, &place->error));
    assert_string_equal (name, "ana");
    assert_false (cli_key (&cli, "nobody", &key, &name, &place->error));
    assert_int_equal (place->error.kind, ERROR_MISSING);
    assert_int_equal (chmod (file, 0644), 0);
    assert_false (cli_key (&cli, "ana", &key, &name, &place->error));
    arena_free (&cli.arena);
}

static void test_password (void **state)
{
    struct place *place = *state;
    struct cli cli = {.no_input = true};
    struct secret_key key;
    struct secret_key again;
    const char *file = path_join (&place->arena, place->folder, "zoe.key");
    const char *password = path_join (&place->arena, place->folder, "password");
    new_key_make (&key);
    assert_true (new_key_write (place->folder, "zoe", &key, "open sesame", &place->error));
    assert_int_equal (unsetenv ("RELEVO_PASSWORD"), 0);
    assert_false (cli_key (&cli, file, &again, NULL, &place->error));
    assert_non_null (strstr (place->error.text, "--password-file"));
    assert_true (file_write (password, bytes_of_text ("open sesame\nsecond line\n"), 0600, &place->error));
    cli.password_file = password;
    assert_true (cli_key (&cli, file, &again, NULL, &place->error));
    assert_memory_equal (again.bytes, key.bytes, sizeof key.bytes);
    cli.password_file = NULL;
    assert_int_equal (setenv ("RELEVO_PASSWORD", "wrong", 1), 0);
    assert_false (cli_key (&cli, file, &again, NULL, &place->error));
    assert_int_equal (place->error.kind, ERROR_REFUSED);
    assert_int_equal (unsetenv ("RELEVO_PASSWORD"), 0);
    assert_false (new_key_write (place->folder, "zoe", &key, NULL, &place->error));
    assert_int_equal (place->error.kind, ERROR_CONFLICT);
    assert_true (new_key_change (file, &key, "another one", &place->error));
    assert_int_equal (setenv ("RELEVO_PASSWORD", "open sesame", 1), 0);
    assert_false (cli_key (&cli, file, &again, NULL, &place->error));
    assert_int_equal (setenv ("RELEVO_PASSWORD", "another one", 1), 0);
    assert_true (cli_key (&cli, file, &again, NULL, &place->error));
    assert_memory_equal (again.bytes, key.bytes, sizeof key.bytes);
    assert_int_equal (unsetenv ("RELEVO_PASSWORD"), 0);
    arena_free (&cli.arena);
}

static void test_signers (void **state)
{
    struct place *place = *state;
    struct fleet_new new = wanted (place);
    struct cli cli = cli_for (place, &new);
    struct option_texts none = {0};
    const char *one[] = {"olga"};
    struct option_texts few = {one, 1};
    struct envelope envelope;
    struct digest pin;
    struct trust trust;
    struct fleet fleet = {
        .version = 2, .issued = clock_now (), .expires = instant_add (clock_now (), span_seconds (60))};
    struct signer signer;
    assert_true (fleet_new_write (&new, clock_now (), &place->arena, &place->error));
    assert_true (client_pin (&cli, &pin, &place->error));
    assert_true (signed_file_read (cli.settings.trust, &place->arena, &envelope, &place->error));
    assert_true (accept_first_trust (&envelope, &pin, clock_now (), &place->arena, &trust, &place->error));
    assert_true (signers_sign (
        &cli, &trust, ROLE_OPERATOR, &none, &fleet_type, &fleet, &place->arena, &envelope, &place->error));
    assert_true (accept_fleet (&trust, 2, &envelope, clock_now (), &place->arena, &fleet, &place->error));
    assert_false (signers_sign (
        &cli, &trust, ROLE_OPERATOR, &few, &fleet_type, &fleet, &place->arena, &envelope, &place->error));
    assert_false (signer_load (&cli, &trust, "release-managers", "", NULL, &signer, &place->error));
    assert_non_null (strstr (place->error.text, "ana, luis"));
    assert_false (signer_load (&cli, &trust, "release-managers", "", "olga", &signer, &place->error));
    assert_int_equal (place->error.kind, ERROR_REFUSED);
    assert_true (
        signer_load (&cli, &trust, "release-managers", "production", "luis", &signer, &place->error));
    assert_string_equal (signer.name, "luis");
    arena_free (&cli.arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_documents_verify, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_secrets_are_secret, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_never_over_another, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_wrong_wishes, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_ssh_approver, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_settings, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_settings_mistakes, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_keys, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_password, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_signers, make_place, remove_place),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
