/* Edits of a trust document: what each changes, what it refuses with which advice, what differs, who signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/core/trust_edit.h"

enum { R1, R2, OP, RELEASE, ANA, LUIS, CONTROLLER, OTHER, KEYS };

static const char *const names[KEYS] = {"root-1", "root-2", "op",         "release",
                                        "ana",    "luis",   "controller", "other"};

struct place {
    struct arena arena;
    struct secret_key secrets[KEYS];
    struct trust base;
    struct trust next;
    struct instant now;
};

static struct trust_role role_of (
    struct place *place, const char *name, const char *environment, uint64_t threshold, const char *first,
    const char *second)
{
    const char **keys = arena_array (&place->arena, 2, sizeof *keys);
    keys[0] = first;
    keys[1] = second;
    return (struct trust_role){name, environment, threshold, keys, second != NULL ? 2 : 1};
}

static int make_place (void **state)
{
    struct place *place = calloc (1, sizeof *place);
    struct trust_key *keys = arena_array (&place->arena, KEYS, sizeof *keys);
    struct trust_role *roles = arena_array (&place->arena, 6, sizeof *roles);
    place->now.ms = INT64_C (1790000000000);
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)(i + 1)};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, &place->secrets[i]);
        keys[i] = (struct trust_key){.name = names[i], .key = place->secrets[i].public};
    }
    memset (&keys[OP].wire, 7, sizeof keys[OP].wire);
    roles[0] = role_of (place, ROLE_ROOT, "", 2, "root-1", "root-2");
    roles[1] = role_of (place, ROLE_OPERATOR, "", 1, "op", NULL);
    roles[2] = role_of (place, ROLE_RELEASER, "", 1, "release", NULL);
    roles[3] = role_of (place, ROLE_CONTROLLER, "", 1, "controller", NULL);
    roles[4] = role_of (place, "managers", "", 1, "ana", "luis");
    roles[5] = role_of (place, "managers", "staging", 1, "luis", NULL);
    place->base = (struct trust){
        .version = 4,
        .issued = place->now,
        .expires = {place->now.ms + 1000000},
        .keys = keys,
        .keys_count = OTHER,
        .roles = roles,
        .roles_count = 6};
    place->next = trust_edit_begin (&place->base, place->now, &place->arena);
    *state = place;
    return trust_check (&place->base, NULL) ? 0 : -1;
}

static int drop_place (void **state)
{
    struct place *place = *state;
    arena_free (&place->arena);
    free (place);
    return 0;
}

static void expect_good (struct place *place, bool done, const struct error *error)
{
    struct error why;
    if (!done)
        fail_msg ("%s", error->text);
    if (!trust_edit_check (&place->base, &place->next, place->now, &why))
        fail_msg ("%s", why.text);
}

static void expect_refused (bool done, const struct error *error, const char *words)
{
    assert_false (done);
    if (strstr (error->text, words) == NULL)
        fail_msg ("\"%s\" without \"%s\"", error->text, words);
}

/* The changes, one a line, as "SIGN what name: text". */
static void expect_changes (struct place *place, const char *expected)
{
    struct trust_change *changes;
    size_t count = trust_changes (&place->base, &place->next, &place->arena, &changes);
    struct buffer out = {0};
    buffer_text (&out, "");
    for (size_t i = 0; i < count; i++) {
        const char *text = changes[i].text;
        /* Fingerprints are tested elsewhere. */
        if (strncmp (changes[i].what, "key", 3) == 0 && strchr (text, ',') != NULL)
            text = strchr (text, ',');
        buffer_print (&out, "%c %s %s: %s\n", changes[i].sign, changes[i].what, changes[i].name, text);
    }
    assert_string_equal (out.data, expected);
    buffer_free (&out);
}

static void test_role_names (void **state)
{
    struct place *place = *state;
    struct role_name role;
    struct error error;
    assert_true (role_name_parse ("managers", &place->arena, &role, &error));
    assert_string_equal (role.environment, "");
    assert_true (role_name_parse ("managers@staging", &place->arena, &role, &error));
    assert_string_equal (role.name, "managers");
    assert_string_equal (role.environment, "staging");
    assert_string_equal (role_name_print (&place->base.roles[5], &place->arena), "managers@staging");
    expect_refused (role_name_parse ("@staging", &place->arena, &role, &error), &error, "is no role");
    expect_refused (role_name_parse ("managers@", &place->arena, &role, &error), &error, "ROLE@ENVIRONMENT");
    expect_refused (role_name_parse ("a b", &place->arena, &role, &error), &error, "is no role");
    expect_refused (role_name_parse ("a@b@c", &place->arena, &role, &error), &error, "is no role");
}

static void test_add (void **state)
{
    struct place *place = *state;
    struct role_name roles[] = {{"managers", ""}, {"testers", "staging"}};
    struct key_edit edit = {.name = "other", .key = &place->secrets[OTHER].public};
    struct error error;
    bool done = trust_edit_add_key (&place->next, &edit, roles, 2, &place->arena, &error);
    expect_good (place, done, &error);
    assert_int_equal (place->next.version, 5);
    expect_changes (
        place, "+ key other: , in managers, testers@staging\n"
               "~ role managers: 1 of ana, luis, other (was 1 of ana, luis)\n"
               "+ role testers@staging: 1 of other (a new role)\n");
    /* The base has not moved. */
    assert_int_equal (place->base.keys_count, OTHER);
    assert_int_equal (place->base.roles[4].keys_count, 2);
}

static void test_add_roles_to_a_known_key (void **state)
{
    struct place *place = *state;
    struct role_name role = {"managers", "staging"};
    struct key_edit edit = {.name = "ana", .key = &place->secrets[ANA].public};
    struct error error;
    bool done = trust_edit_add_key (&place->next, &edit, &role, 1, &place->arena, &error);
    expect_good (place, done, &error);
    expect_changes (place, "~ role managers@staging: 1 of luis, ana (was 1 of luis)\n");
    done = trust_edit_add_key (&place->next, &edit, &role, 1, &place->arena, &error);
    expect_refused (done, &error, "ana is in the role managers@staging already");
}

static void test_add_refusals (void **state)
{
    struct place *place = *state;
    struct role_name role = {"testers", ""};
    struct key_edit edit = {.name = "eva", .key = &place->secrets[ANA].public};
    struct trust *next = &place->next;
    struct error error;
    expect_refused (
        trust_edit_add_key (next, &edit, &role, 1, &place->arena, &error), &error,
        "this public key is there already as ana");
    edit = (struct key_edit){.name = "ana", .key = &place->secrets[OTHER].public};
    expect_refused (
        trust_edit_add_key (next, &edit, &role, 1, &place->arena, &error), &error,
        "the name ana is taken by another key");
    edit = (struct key_edit){.name = "eva"};
    expect_refused (
        trust_edit_add_key (next, &edit, &role, 1, &place->arena, &error), &error, "--public FILE");
    edit = (struct key_edit){.name = "no name", .key = &place->secrets[OTHER].public};
    expect_refused (
        trust_edit_add_key (next, &edit, &role, 1, &place->arena, &error), &error, "is no name for a key");
    edit = (struct key_edit){
        .name = "eva",
        .key = &place->secrets[OTHER].public,
        .wire_edit = EDIT_WIRE_GIVEN,
        .wire = place->base.keys[OP].wire};
    expect_refused (
        trust_edit_add_key (next, &edit, &role, 1, &place->arena, &error), &error, "already as that of op");
}

/* What is wrong as a whole is found by the check at the end. */
static void test_add_to_controller (void **state)
{
    struct place *place = *state;
    struct role_name role = {ROLE_CONTROLLER, ""};
    struct key_edit edit = {.name = "op"};
    struct error error;
    assert_true (trust_edit_add_key (&place->next, &edit, &role, 1, &place->arena, &error));
    expect_refused (
        trust_edit_check (&place->base, &place->next, place->now, &error), &error,
        "a key that is online must have no other");
}

static void test_remove (void **state)
{
    struct place *place = *state;
    struct error error;
    bool done = trust_edit_remove_key (&place->next, "ana", NULL, &place->arena, &error);
    expect_good (place, done, &error);
    expect_changes (place, "- key ana: , was in managers\n~ role managers: 1 of luis (was 1 of ana, luis)\n");
}

static void test_remove_from_one_role (void **state)
{
    struct place *place = *state;
    struct role_name managers = {"managers", ""};
    struct role_name testers = {"testers", ""};
    struct error error;
    bool done = trust_edit_remove_key (&place->next, "luis", &managers, &place->arena, &error);
    expect_good (place, done, &error);
    assert_non_null (trust_key_named (&place->next, "luis"));
    expect_changes (place, "~ role managers: 1 of ana (was 1 of ana, luis)\n");
    done = trust_edit_remove_key (&place->next, "luis", &managers, &place->arena, &error);
    expect_refused (done, &error, "luis is not in the role managers");
    done = trust_edit_remove_key (&place->next, "luis", &testers, &place->arena, &error);
    expect_refused (done, &error, "no role testers");
}

static void test_remove_refusals (void **state)
{
    struct place *place = *state;
    struct trust *next = &place->next;
    struct error error;
    expect_refused (
        trust_edit_remove_key (next, "root-1", NULL, &place->arena, &error), &error,
        "first lower that with `relevo trust set-threshold root 1`");
    expect_refused (
        trust_edit_remove_key (next, "op", NULL, &place->arena, &error), &error,
        "which must have one: first add another");
    expect_refused (
        trust_edit_remove_key (next, "luis", NULL, &place->arena, &error), &error,
        "relevo trust remove-role managers@staging");
    expect_refused (
        trust_edit_remove_key (next, "luise", NULL, &place->arena, &error), &error, "did you mean luis");
}

static void test_replace (void **state)
{
    struct place *place = *state;
    struct key_edit edit = {.name = "op", .key = &place->secrets[OTHER].public};
    struct trust_change *changes;
    struct error error;
    bool done = trust_edit_replace_key (&place->next, &edit, &place->arena, &error);
    expect_good (place, done, &error);
    assert_int_equal (trust_changes (&place->base, &place->next, &place->arena, &changes), 1);
    assert_non_null (strstr (changes[0].text, "another key: "));
    assert_non_null (strstr (changes[0].text, "with the same wire key as before"));
    expect_refused (
        trust_edit_replace_key (&place->next, &edit, &place->arena, &error), &error, "this very key already");
    edit = (struct key_edit){.name = "op", .wire_edit = EDIT_WIRE_GONE};
    done = trust_edit_replace_key (&place->next, &edit, &place->arena, &error);
    expect_good (place, done, &error);
    assert_int_equal (trust_changes (&place->base, &place->next, &place->arena, &changes), 2);
    assert_string_equal (changes[1].text, "may not connect by the remote door any more");
    edit = (struct key_edit){.name = "op", .key = &place->secrets[LUIS].public};
    expect_refused (
        trust_edit_replace_key (&place->next, &edit, &place->arena, &error), &error, "already as luis");
    edit.name = "nobody";
    expect_refused (
        trust_edit_replace_key (&place->next, &edit, &place->arena, &error), &error, "no key named nobody");
}

static void test_threshold (void **state)
{
    struct place *place = *state;
    struct role_name managers = {"managers", ""};
    struct role_name manager = {"manager", ""};
    struct error error;
    bool done = trust_edit_set_threshold (&place->next, &managers, 2, &place->arena, &error);
    expect_good (place, done, &error);
    expect_changes (place, "~ role managers: 2 of ana, luis (was 1 of ana, luis)\n");
    done = trust_edit_set_threshold (&place->next, &managers, 0, &place->arena, &error);
    expect_refused (done, &error, "can be 1 to 2, not 0");
    done = trust_edit_set_threshold (&place->next, &managers, 3, &place->arena, &error);
    expect_refused (done, &error, "can be 1 to 2, not 3");
    done = trust_edit_set_threshold (&place->next, &managers, 2, &place->arena, &error);
    expect_refused (done, &error, "needs 2 signatures already");
    done = trust_edit_set_threshold (&place->next, &manager, 1, &place->arena, &error);
    expect_refused (done, &error, "no role manager; did you mean managers");
}

static void test_remove_role (void **state)
{
    struct place *place = *state;
    struct role_name managers = {"managers", ""};
    struct role_name staging = {"managers", "staging"};
    struct role_name root = {ROLE_ROOT, ""};
    struct error error;
    bool done = trust_edit_remove_role (&place->next, &managers, &place->arena, &error);
    expect_good (place, done, &error);
    expect_changes (place, "- key ana: , was in managers\n- role managers: was 1 of ana, luis\n");
    done = trust_edit_remove_role (&place->next, &staging, &place->arena, &error);
    expect_good (place, done, &error);
    assert_null (trust_key_named (&place->next, "luis"));
    done = trust_edit_remove_role (&place->next, &root, &place->arena, &error);
    expect_refused (done, &error, "can't be taken away");
}

static void test_check (void **state)
{
    struct place *place = *state;
    struct trust other = place->next;
    struct trust_key *keys = arena_copy (&place->arena, other.keys, other.keys_count * sizeof *keys);
    struct error error;
    expect_good (place, true, NULL);
    expect_changes (place, "");
    place->next.expires = place->now;
    expect_refused (
        trust_edit_check (&place->base, &place->next, place->now, &error), &error, "with --for 365d");
    other.version++;
    expect_refused (
        trust_edit_check (&place->base, &other, place->now, &error), &error, "version 4 is in force");
    other.version--;
    for (size_t i = 0; i < other.keys_count; i++)
        keys[i].key.bytes[0] ^= 1;
    other.keys = keys;
    expect_refused (trust_edit_check (&place->base, &other, place->now, &error), &error, "of another fleet");
}

/* Two versions whose roots have nobody in common, and more of them than a document can carry signatures. */
static void test_too_many_signatures (void **state)
{
    enum { MANY = 20 };
    struct place *place = *state;
    struct trust *sides[] = {&place->base, &place->next};
    struct error error;
    for (size_t side = 0; side < 2; side++) {
        struct trust *trust = sides[side];
        struct trust_key *keys = arena_array (&place->arena, OTHER + MANY, sizeof *keys);
        struct trust_role *roles =
            arena_copy (&place->arena, trust->roles, trust->roles_count * sizeof *roles);
        const char **signers = arena_array (&place->arena, MANY, sizeof *signers);
        (void)memcpy (keys, trust->keys, OTHER * sizeof *keys);
        for (size_t i = 0; i < MANY; i++) {
            signers[i] = arena_format (&place->arena, "r-%zu-%zu", side, i);
            keys[OTHER + i].name = signers[i];
            keys[OTHER + i].key.bytes[0] = (uint8_t)(1 + side);
            keys[OTHER + i].key.bytes[1] = (uint8_t)(1 + i);
        }
        roles[0] = (struct trust_role){ROLE_ROOT, "", MANY, signers, MANY};
        trust->keys = keys;
        trust->keys_count = OTHER + MANY;
        trust->roles = roles;
    }
    expect_refused (
        trust_edit_check (&place->base, &place->next, place->now, &error), &error,
        "would have to give 40 signatures");
    place->next.roles[0].threshold = 12;
    expect_good (place, true, NULL);
}

static void test_signing (void **state)
{
    struct place *place = *state;
    struct key_edit edit = {.name = "root-2", .key = &place->secrets[OTHER].public};
    struct trust_signing signing;
    struct envelope envelope;
    struct envelope one;
    struct error error;
    assert_true (trust_edit_replace_key (&place->next, &edit, &place->arena, &error));
    envelope.signatures = arena_array (&place->arena, 3, sizeof *envelope.signatures);
    envelope.signatures_count = 0;
    for (size_t i = 0; i < 3; i++) {
        static const size_t who[] = {R1, R2, OTHER};
        const struct secret_key *key = &place->secrets[who[i]];
        assert_true (document_sign (&trust_type, &place->next, key, place->now, &place->arena, &one, &error));
        envelope.content = one.content;
        envelope.signatures[envelope.signatures_count++] = one.signatures[0];
        trust_signing (&place->base, &place->next, &envelope, &place->arena, &signing);
        assert_int_equal (signing.count, 3);
        assert_int_equal (trust_signing_is_done (&signing), i == 2);
        assert_int_equal (signing.have_before, i == 0 ? 1 : 2);
        assert_int_equal (signing.have_after, i == 2 ? 2 : 1);
    }
    assert_true (signing.signers[0].before && signing.signers[0].after);
    assert_true (signing.signers[1].before && !signing.signers[1].after);
    assert_true (!signing.signers[2].before && signing.signers[2].after);
}

int main (void)
{
#define TEST(name) cmocka_unit_test_setup_teardown (name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST (test_role_names),
        TEST (test_add),
        TEST (test_add_roles_to_a_known_key),
        TEST (test_add_refusals),
        TEST (test_add_to_controller),
        TEST (test_remove),
        TEST (test_remove_from_one_role),
        TEST (test_remove_refusals),
        TEST (test_replace),
        TEST (test_threshold),
        TEST (test_remove_role),
        TEST (test_check),
        TEST (test_too_many_signatures),
        TEST (test_signing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
