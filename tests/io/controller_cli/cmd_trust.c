/* The trust commands that need no controller, against a fleet folder as `relevo init` makes it: drafts,
   signatures beside them, and what is refused with which words. */
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

#include "common/core/accept.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/commands.h"
#include "controller/cli/fleet_new.h"
#include "controller/cli/new_key.h"

enum { WORDS = 20 };

struct place {
    struct arena arena;
    char folder[64];
};

static const char *path_of (struct place *place, const char *name)
{
    return path_join (&place->arena, place->folder, name);
}

static void make_fleet (struct place *place, const char *name)
{
    static const char *roots[] = {"root-1", "root-2"};
    static const char *operators[] = {"op"};
    static const char *releasers[] = {"release-1"};
    static const char *managers[] = {"ana", "luis"};
    struct error error;
    struct fleet_new fleet = {
        .folder = path_of (place, name),
        .name = "c1",
        .listen = "127.0.0.1",
        .address = "127.0.0.1",
        .port = 1, /* where nobody is */
        .role_count = 4};
    fleet.roles[0] = (struct fleet_role){"root", roots, 2, 2};
    fleet.roles[1] = (struct fleet_role){"operator", operators, 1, 1};
    fleet.roles[2] = (struct fleet_role){"releaser", releasers, 1, 1};
    fleet.roles[3] = (struct fleet_role){"managers", managers, 2, 2};
    if (!fleet_new_write (&fleet, clock_now (), &place->arena, &error))
        fail_msg ("%s", error.text);
}

static void make_key (struct place *place, const char *name)
{
    struct secret_key key;
    struct error error;
    new_key_make (&key);
    if (!new_key_write (place->folder, name, &key, NULL, &error))
        fail_msg ("%s", error.text);
}

static int make_place (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    assert_non_null (place);
    (void)snprintf (place->folder, sizeof place->folder, "/tmp/relevo-cmd-trust-XXXXXX");
    assert_non_null (mkdtemp (place->folder));
    make_fleet (place, "fleet");
    make_key (place, "eva");
    make_key (place, "root-3");
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

/* Runs a command with both streams in a file; a word that begins with '@' is a file of this place, and "ON"
   are the options of a draft that follows the fleet's first trust document. */
static int run (struct place *place, cli_function command, const char *words, const char **ret_text)
{
    char *argv[WORDS + 6] = {arena_text (&place->arena, "trust")};
    char *rest = arena_text (&place->arena, words);
    struct cli cli = {.yes = true, .no_input = true, .config = path_of (place, "fleet/relevo.yaml")};
    int argc = 1;
    int saved[2] = {dup (STDOUT_FILENO), dup (STDERR_FILENO)};
    int file = open (path_of (place, "printed"), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    struct bytes text = {0};
    int code;
    for (char *word; (word = strsep (&rest, " ")) != NULL && argc < WORDS;) {
        if (strcmp (word, "ON") == 0) {
            argv[argc++] = arena_text (&place->arena, "--current");
            argv[argc++] = arena_text (&place->arena, path_of (place, "fleet/trust.relevo"));
            argv[argc++] = arena_text (&place->arena, "--file");
            argv[argc++] = arena_text (&place->arena, path_of (place, "draft"));
        } else {
            argv[argc++] = word[0] == '@' ? arena_text (&place->arena, path_of (place, word + 1)) : word;
        }
    }
    assert_true (file >= 0);
    (void)fflush (NULL);
    (void)dup2 (file, STDOUT_FILENO);
    (void)dup2 (file, STDERR_FILENO);
    code = command (&cli, argc, argv);
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
    int got = run (place, cmd_trust, words, &text);
    if (got != code || strstr (text, part) == NULL)
        fail_msg ("trust %s: exit %d instead of %d, no '%s' in:\n%s", words, got, code, part, text);
}

static struct envelope read_signed (struct place *place, const char *name)
{
    struct envelope envelope;
    struct error error;
    if (!signed_file_read (path_of (place, name), &place->arena, &envelope, &error))
        fail_msg ("%s", error.text);
    return envelope;
}

static struct trust first_trust (struct place *place)
{
    struct envelope envelope = read_signed (place, "fleet/trust.relevo");
    struct digest pin = digest_of (envelope.content.data, envelope.content.size);
    struct trust trust;
    assert_true (accept_first_trust (&envelope, &pin, clock_now (), &place->arena, &trust, NULL));
    return trust;
}

/* From the first edit to a document that every host would take, without a network; and on to the next. */
static void test_to_the_next_version (void **state)
{
    struct place *place = *state;
    struct trust first = first_trust (place);
    struct trust second;
    struct envelope draft;
    struct error error;
    expect (place, "add-key eva --public @eva.pub --role testers ON", CLI_DONE, "+ key     eva");
    expect (place, "set-threshold managers 1 ON", CLI_DONE, "1 of ana, luis (was 2 of ana, luis)");
    expect (place, "remove-key luis ON", CLI_DONE, "- key     luis");
    expect (place, "replace-key root-2 --public @root-3.pub ON", CLI_DONE, "~ key     root-2");
    expect (
        place, "show @draft --current @fleet/trust.relevo", CLI_DONE,
        "signatures by roots of version 2: 0 of 2; missing from root-1, root-2");
    expect (place, "sign @draft --current @fleet/trust.relevo", CLI_USAGE, "--key is missing");
    expect (
        place, "sign @draft --key @fleet/keys/root-1.key --current @fleet/trust.relevo", CLI_DONE,
        "1 of 2 by version 1, 1 of 2 by version 2");
    expect (
        place, "sign @draft --key @fleet/keys/root-2.key --current @fleet/trust.relevo", CLI_DONE,
        "2 of 2 by version 1, 1 of 2 by version 2; still to sign: root-2");
    draft = read_signed (place, "draft");
    assert_false (accept_next_trust (&first, &draft, clock_now (), &place->arena, &second, &error));
    expect (
        place, "sign @draft --key @root-3.key --current @fleet/trust.relevo", CLI_DONE,
        "that is enough; next:");
    draft = read_signed (place, "draft");
    assert_int_equal (draft.signatures_count, 3);
    if (!accept_next_trust (&first, &draft, clock_now (), &place->arena, &second, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (second.version, 2);
    /* The signed draft is a document in force like any other, and the next draft follows it. */
    expect (
        place, "renew --for 400d --current @draft --file @third", CLI_DONE,
        "version 3 changes against version 2");
    expect (place, "renew --current @draft --file @draft", CLI_DONE, "version 3 changes against version 2");
}

static void test_show (void **state)
{
    struct place *place = *state;
    expect (place, "show --current @fleet/trust.relevo", CLI_DONE, "root        all          2 of 2");
    expect (place, "show --current @fleet/trust.relevo", CLI_DONE, "(in 364d23h)");
    expect (place, "show --current @fleet/trust.relevo -o json", CLI_DONE, "\"threshold\": 2");
    expect (
        place, "show --current @fleet/trust.relevo --save @now", CLI_DONE, "saved with its signatures in");
    assert_int_equal (read_signed (place, "now").signatures_count, 2);
    expect (place, "show @now --save @again", CLI_USAGE, "leave ");
    expect (place, "show @now", CLI_DONE, "not compared with the document in force: ");
    expect (place, "show @now --current @now", CLI_DONE, "is in force already, as version 1");
    expect (place, "renew ON", CLI_DONE, "wrote ");
    expect (place, "show @draft --current @now -o json", CLI_DONE, "\"complete\": false");
    expect (place, "show @nothing", CLI_ERROR, "nothing");
}

/* Every further edit voids the signatures that are there, and says so. */
static void test_further_edits (void **state)
{
    struct place *place = *state;
    expect (place, "add-key eva --public @eva.pub --role testers ON", CLI_DONE, "wrote ");
    expect (
        place, "sign @draft --key @fleet/keys/root-1.key --current @fleet/trust.relevo", CLI_DONE, "signed");
    assert_int_equal (read_signed (place, "draft").signatures_count, 1);
    expect (place, "renew ON", CLI_DONE, "its 1 signature is dropped, and has to be made again");
    assert_int_equal (read_signed (place, "draft").signatures_count, 0);
    /* A refused edit leaves the draft as it was. */
    expect (place, "remove-key nobody ON", CLI_ERROR, "no key named nobody");
    expect (place, "show @draft --current @fleet/trust.relevo", CLI_DONE, "+ key     eva");
}

static void test_wrong_words (void **state)
{
    struct place *place = *state;
    expect (place, "add-key eva --public @eva.pub ON", CLI_USAGE, "--role is missing");
    expect (place, "add-key eva --role testers ON", CLI_ERROR, "give its public key with --public FILE");
    expect (place, "add-key ana --public @eva.pub --role testers ON", CLI_ERROR, "the name ana is taken");
    expect (
        place, "add-key eva --public @fleet/keys/ana.pub --role testers ON", CLI_ERROR,
        "is there already as ana");
    expect (place, "add-key eva --public @eva.key --role testers ON", CLI_ERROR, "is a secret key");
    expect (place, "add-key eva --public @fleet/relevo.yaml --role testers ON", CLI_ERROR, "relevo.yaml");
    expect (place, "add-key eva --public @none.pub --role testers ON", CLI_ERROR, "none.pub");
    expect (place, "add-key eva --public @eva.pub --role a@b@c ON", CLI_ERROR, "ROLE@ENVIRONMENT");
    expect (place, "add-key eva --public @eva.pub --role root@staging ON", CLI_ERROR, "for all environments");
    expect (place, "add-key op --role controller ON", CLI_ERROR, "a key that is online must have no other");
    expect (
        place, "add-key eva --public @eva.pub --role testers --wire short ON", CLI_ERROR, "relevo key wire");
    expect (place, "remove-key ana ON", CLI_ERROR, "relevo trust set-threshold managers 1");
    expect (place, "remove-key root-1 ON", CLI_ERROR, "relevo trust set-threshold root 1");
    expect (place, "remove-key ana --role manager ON", CLI_ERROR, "did you mean managers");
    expect (place, "set-threshold managers 0 ON", CLI_ERROR, "can be 1 to 2, not 0");
    expect (place, "set-threshold managers 3 ON", CLI_ERROR, "can be 1 to 2, not 3");
    expect (place, "set-threshold managers two ON", CLI_ERROR, "is no number of signatures");
    expect (place, "set-threshold managers ON", CLI_USAGE, "");
    expect (place, "replace-key ana ON", CLI_USAGE, "--public FILE, --wire KEY or --no-wire");
    expect (place, "replace-key nobody --no-wire ON", CLI_ERROR, "no key named nobody");
    expect (place, "remove-role root ON", CLI_ERROR, "can't be taken away");
    expect (place, "renew --for 0s ON", CLI_ERROR, "which is past");
    expect (place, "renew --for 20y ON", CLI_USAGE, "--for");
    expect (place, "rotat", CLI_USAGE, "did you mean `relevo trust rotate`");
    assert_false (file_exists (path_of (place, "draft")));
}

static void test_wires (void **state)
{
    struct place *place = *state;
    const char *text = "";
    assert_int_equal (run (place, cmd_key_wire, "@eva.wire", &text), CLI_DONE);
    expect (
        place, "add-key eva --public @eva.pub --role operator --wire @eva.wire ON", CLI_DONE,
        "may connect by the remote door");
    expect (place, "replace-key eva --no-wire ON", CLI_DONE, "wrote ");
    expect (place, "add-key eva --role testers --wire @fleet/person.wire ON", CLI_ERROR, "that of op");
    expect (
        place, "replace-key op --wire @eva.wire ON", CLI_DONE,
        "connects by the remote door with another wire key");
}

static void test_wrong_files (void **state)
{
    struct place *place = *state;
    make_fleet (place, "other");
    expect (place, "sign @fleet/fleet.relevo --key x.key --current @fleet/trust.relevo", CLI_ERROR, "fleet");
    expect (place, "show --current @fleet/fleet.relevo", CLI_ERROR, "fleet.relevo");
    expect (place, "show --current @eva.pub", CLI_ERROR, "eva.pub");
    expect (place, "renew --current @other/trust.relevo --file @draft", CLI_DONE, "wrote ");
    expect (
        place, "sign @draft --key @fleet/keys/root-1.key --current @fleet/trust.relevo", CLI_ERROR,
        "it is of another fleet");
    expect (place, "renew ON", CLI_ERROR, "draft: it has not one key in common");
}

static void test_stale_drafts (void **state)
{
    struct place *place = *state;
    expect (place, "renew ON", CLI_DONE, "wrote ");
    for (int i = 1; i <= 2; i++)
        expect (
            place,
            arena_format (
                &place->arena, "sign @draft --key @fleet/keys/root-%d.key --current @fleet/trust.relevo", i),
            CLI_DONE, "has signed");
    expect (place, "renew --for 300d --current @fleet/trust.relevo --file @late", CLI_DONE, "wrote ");
    expect (
        place, "add-key eva --public @eva.pub --role testers --current @draft --file @late", CLI_ERROR,
        "late is a stale draft: it would be version 2, and version 2 is in force");
    expect (place, "renew --current @draft --file @third", CLI_DONE, "wrote ");
    expect (
        place, "sign @third --key @fleet/keys/root-1.key --current @fleet/trust.relevo", CLI_ERROR,
        "is of version 3, and version 1 is the newest here");
}

static void test_who_may_sign (void **state)
{
    struct place *place = *state;
    expect (place, "renew ON", CLI_DONE, "wrote ");
    expect (
        place, "sign @draft --key @fleet/keys/ana.key --current @fleet/trust.relevo", CLI_ERROR,
        "ana is a root key neither of version 1 nor of version 2");
    expect (
        place, "sign @draft --key @root-3.key --current @fleet/trust.relevo", CLI_ERROR,
        "its signature would count for nothing");
    assert_int_equal (read_signed (place, "draft").signatures_count, 0);
    /* Whoever comes into the role signs too. */
    expect (place, "add-key root-3 --public @root-3.pub --role root ON", CLI_DONE, "wrote ");
    expect (
        place, "sign @draft --key @root-3.key --current @fleet/trust.relevo", CLI_DONE,
        "0 of 2 by version 1, 1 of 2 by version 2; still to sign: root-1, root-2");
}

/* An expired document vouches for nothing, and its successor can still be made. */
static void test_expired (void **state)
{
    struct place *place = *state;
    struct trust first = first_trust (place);
    struct envelope all = {0};
    struct error error;
    first.expires.ms = clock_now ().ms - 1000;
    all.signatures = arena_array (&place->arena, 2, sizeof *all.signatures);
    for (int i = 1; i <= 2; i++) {
        struct secret_key key;
        struct bytes file;
        struct envelope one;
        const char *path = path_of (place, arena_format (&place->arena, "fleet/keys/root-%d.key", i));
        assert_true (file_read (path, 4096, &place->arena, &file, &error));
        assert_true (secret_key_parse (file, NULL, &key, &error));
        assert_true (document_sign (&trust_type, &first, &key, clock_now (), &place->arena, &one, &error));
        all.content = one.content;
        all.signatures[all.signatures_count++] = one.signatures[0];
    }
    assert_true (signed_file_write (path_of (place, "fleet/trust.relevo"), &all, &error));
    expect (place, "show --current @fleet/trust.relevo", CLI_DONE, "(expired)");
    expect (place, "remove-role managers ON", CLI_ERROR, "give it a new expiry with --for 365d");
    expect (place, "remove-role managers --for 30d ON", CLI_DONE, "- role    managers  was 2 of ana, luis");
    expect (place, "renew ON", CLI_DONE, "expired at");
}

static void test_no_controller (void **state)
{
    struct place *place = *state;
    expect (place, "renew ON", CLI_DONE, "wrote ");
    expect (place, "rotate @draft", CLI_ERROR, "does not answer: is relevod running");
    expect (place, "renew --file @other", CLI_ERROR, "--current FILE does without");
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST (test_to_the_next_version), TEST (test_show),         TEST (test_further_edits),
        TEST (test_wrong_words),         TEST (test_wires),        TEST (test_wrong_files),
        TEST (test_stale_drafts),        TEST (test_who_may_sign), TEST (test_expired),
        TEST (test_no_controller),
    };
    if (sodium_init () < 0)
        return 1;
    return cmocka_run_group_tests (tests, NULL, NULL);
}
