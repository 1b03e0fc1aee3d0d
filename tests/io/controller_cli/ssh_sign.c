/* Signing with an SSH key by the real ssh-keygen: which file is which, what can't be signed with, and nobody
   asked where nobody may be. Skipped where it is not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/signature.h"
#include "common/io/file.h"
#include "common/io/spawn.h"
#include "controller/cli/signers.h"
#include "controller/cli/ssh_sign.h"

extern char **environ;

struct place {
    char folder[64];
    struct cli cli;
    struct error error;
};

static int make_place (void **state)
{
    struct place *place = test_calloc (1, sizeof *place);
    (void)snprintf (place->folder, sizeof place->folder, "/tmp/relevo-ssh.XXXXXX");
    assert_non_null (mkdtemp (place->folder));
    place->cli.no_input = true;
    *state = place;
    return 0;
}

static int remove_place (void **state)
{
    struct place *place = *state;
    assert_true (folder_remove (place->folder, &place->error));
    arena_free (&place->cli.arena);
    test_free (place);
    return 0;
}

static const char *path_of (struct place *place, const char *name)
{
    return path_join (&place->cli.arena, place->folder, name);
}

/* Skips where there is no ssh-keygen. */
static const char *make_key (struct place *place, const char *name, const char *kind, const char *password)
{
    const char *path = path_of (place, name);
    const struct spawn_options options = {
        .words = (const char *const[]){"ssh-keygen", "-q", "-t", kind, "-N", password, "-f", path, NULL},
        .environment = (const char *const *)environ};
    struct spawn_result result;
    if (!spawn_run (&options, &result, &place->error)) {
        assert_int_equal (place->error.kind, ERROR_MISSING);
        skip ();
    }
    assert_int_equal (result.exit_code, 0);
    return path;
}

static void copy (struct place *place, const char *from, const char *to)
{
    struct bytes content;
    assert_true (file_read (path_of (place, from), 4096, &place->cli.arena, &content, &place->error));
    assert_true (file_write (path_of (place, to), content, 0600, &place->error));
}

static bool sign (struct place *place, const char *file, const char **ret)
{
    struct public_key key;
    assert_true (ssh_public_key (file, &place->cli.arena, &key, NULL, &place->error));
    return ssh_sign (
        &place->cli, file, &key, bytes_of_text ("relevo approval 1\nx"), &place->cli.arena, ret,
        &place->error);
}

static void test_signs (void **state)
{
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "");
    const char *text = NULL;
    struct public_key key;
    struct public_key again;
    struct bytes line;
    assert_true (ssh_public_key (file, &place->cli.arena, &key, &line, &place->error));
    assert_true (ssh_public_key (path_of (place, "a.pub"), &place->cli.arena, &again, NULL, &place->error));
    assert_memory_equal (&key, &again, sizeof key);
    assert_memory_equal (line.data, "ssh-ed25519 ", 12);
    assert_true (sign (place, file, &text));
    assert_true (signature_verify (text, &key, bytes_of_text ("relevo approval 1\nx"), &place->error));
    assert_false (ssh_sign (
        &place->cli, file, &key, bytes_of_text ("relevo plan 1\nx"), &place->cli.arena, &text,
        &place->error));
    assert_non_null (strstr (place->error.text, "counts for an approval"));
}

static void test_public_files (void **state)
{
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "");
    struct public_key key;
    assert_false (
        ssh_public_key (make_key (place, "e", "ecdsa", ""), &place->cli.arena, &key, NULL, &place->error));
    assert_non_null (strstr (place->error.text, "ecdsa-sha2-nistp256: only ssh-ed25519 keys can approve"));
    copy (place, "a", "secret.pub");
    assert_false (
        ssh_public_key (path_of (place, "secret.pub"), &place->cli.arena, &key, NULL, &place->error));
    assert_non_null (strstr (place->error.text, "a secret key"));
    assert_false (ssh_public_key (path_of (place, "none"), &place->cli.arena, &key, NULL, &place->error));
    assert_int_equal (unlink (path_of (place, "a.pub")), 0);
    assert_false (ssh_public_key (file, &place->cli.arena, &key, NULL, &place->error));
    assert_non_null (strstr (place->error.text, "ssh-keygen -y -f"));
}

/* With --no-input, a passphrase is asked for nowhere, and what is to be signed is not taken for it. */
static void test_passphrase (void **state)
{
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "correct horse");
    const char *text = NULL;
    assert_int_equal (setenv ("DISPLAY", ":99", 1), 0);
    assert_int_equal (setenv ("SSH_ASKPASS", "/bin/true", 1), 0);
    assert_false (sign (place, file, &text));
    assert_int_equal (unsetenv ("DISPLAY"), 0);
    assert_int_equal (unsetenv ("SSH_ASKPASS"), 0);
    assert_non_null (strstr (place->error.text, "ssh-agent"));
    assert_null (text);
}

/* A program that asks, of the person's own choice, is kept. */
static void test_own_asker (void **state)
{
    static const char script[] = "#!/bin/sh\necho correct horse\n";
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "correct horse");
    const char *asker = path_of (place, "asker");
    const char *text = NULL;
    assert_true (file_write (asker, bytes_of_text (script), 0700, &place->error));
    assert_int_equal (setenv ("SSH_ASKPASS", asker, 1), 0);
    assert_int_equal (setenv ("SSH_ASKPASS_REQUIRE", "force", 1), 0);
    place->cli.no_input = false;
    assert_true (sign (place, file, &text));
    place->cli.no_input = true;
    assert_false (sign (place, file, &text));
    assert_int_equal (unsetenv ("SSH_ASKPASS"), 0);
    assert_int_equal (unsetenv ("SSH_ASKPASS_REQUIRE"), 0);
}

/* The secret key beside a public one that is another's: what comes back is not sent. */
static void test_other_public_key (void **state)
{
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "");
    const char *text = NULL;
    (void)make_key (place, "b", "ed25519", "");
    copy (place, "b.pub", "a.pub");
    assert_false (sign (place, file, &text));
    assert_null (text);
}

static void test_no_program (void **state)
{
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "");
    const char *path = arena_text (&place->cli.arena, getenv ("PATH"));
    const char *text = NULL;
    assert_int_equal (setenv ("PATH", place->folder, 1), 0);
    assert_false (sign (place, file, &text));
    assert_int_equal (setenv ("PATH", path, 1), 0);
    assert_int_equal (place->error.kind, ERROR_MISSING);
    assert_non_null (strstr (place->error.text, "openssh-client"));
}

/* Programs in the place of ssh-keygen that write nothing, too much, or something else. */
static void test_strange_program (void **state)
{
    static const char *const scripts[] = {
        "#!/bin/sh\nexit 0\n", "#!/bin/sh\n/bin/cat\n", "#!/bin/sh\n/usr/bin/head -c 100000 /dev/zero\n",
        "#!/bin/sh\nkill -9 $$\n"};
    struct place *place = *state;
    const char *file = make_key (place, "a", "ed25519", "");
    const char *path = arena_text (&place->cli.arena, getenv ("PATH"));
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        const char *text = NULL;
        assert_true (
            file_write (path_of (place, "ssh-keygen"), bytes_of_text (scripts[i]), 0700, &place->error));
        assert_int_equal (setenv ("PATH", place->folder, 1), 0);
        assert_false (sign (place, file, &text));
        assert_null (text);
        assert_int_equal (setenv ("PATH", path, 1), 0);
    }
}

static void test_role (void **state)
{
    static const char *const managers[] = {"ana", "luis"};
    struct place *place = *state;
    const char *ana = make_key (place, "a", "ed25519", "");
    const char *eva = make_key (place, "e", "ed25519", "");
    const char *stranger = make_key (place, "s", "ed25519", "");
    struct trust_key keys[] = {{.name = "ana"}, {.name = "luis"}, {.name = "eva"}};
    struct trust_role roles[] = {{"managers", "", 1, (const char **)(uintptr_t)managers, 2}};
    struct trust trust = {.keys = keys, .keys_count = 3, .roles = roles, .roles_count = 1};
    struct signer signer;
    assert_true (ssh_public_key (ana, &place->cli.arena, &keys[0].key, NULL, &place->error));
    assert_true (ssh_public_key (eva, &place->cli.arena, &keys[2].key, NULL, &place->error));
    assert_true (signer_load_ssh (&place->cli, &trust, "managers", "", ana, &signer, &place->error));
    assert_string_equal (signer.name, "ana");
    signer_wipe (&signer);
    assert_false (signer_load_ssh (&place->cli, &trust, "managers", "", eva, &signer, &place->error));
    assert_non_null (strstr (place->error.text, "has no part in the role managers: ana, luis"));
    assert_false (signer_load_ssh (&place->cli, &trust, "managers", "", stranger, &signer, &place->error));
    assert_non_null (strstr (place->error.text, "is not in the trust document"));
    assert_false (signer_load_ssh (&place->cli, &trust, "testers", "", ana, &signer, &place->error));
    assert_int_equal (place->error.kind, ERROR_MISSING);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_signs, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_public_files, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_passphrase, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_own_asker, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_other_public_key, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_no_program, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_strange_program, make_place, remove_place),
        cmocka_unit_test_setup_teardown (test_role, make_place, remove_place),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
