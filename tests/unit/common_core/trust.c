/* Who may say what: no trust or fleet document that could weaken a threshold, and thresholds that hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/common_core/world.h"

static const struct tick sample = {.epoch = 1, .expires = {2}};

static struct trust_role *role_of (struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, name) == 0)
            return &trust->roles[i];
    return NULL;
}

static void test_good (void **state)
{
    struct arena arena = {0};
    struct trust trust = world_trust (&arena);
    struct fleet fleet = world_fleet (&arena);
    struct error error = {.text = ""};
    (void)state;
    assert_true (trust_check (&trust, &error));
    assert_true (fleet_check (&fleet, &error));
    fleet.hosts_count = 0;
    assert_true (fleet_check (&fleet, &error));
    arena_free (&arena);
}

typedef void (*spoil_trust) (struct trust *trust);

static void no_version (struct trust *trust)
{
    trust->version = 0;
}
static void bad_key_name (struct trust *trust)
{
    trust->keys[0].name = "../root";
}
static void name_twice (struct trust *trust)
{
    trust->keys[1].name = trust->keys[0].name;
}
static void key_twice (struct trust *trust)
{
    trust->keys[1].key = trust->keys[0].key;
    trust->keys[1].key.number[0] ^= 1;
}
static void wire_twice (struct trust *trust)
{
    trust->keys[1].wire = trust->keys[0].wire;
}
static void no_key (struct trust *trust)
{
    (void)memset (&trust->keys[0].key, 0, sizeof trust->keys[0].key);
}
static void threshold_zero (struct trust *trust)
{
    role_of (trust, "testers")->threshold = 0;
}
static void threshold_too_high (struct trust *trust)
{
    role_of (trust, "root")->threshold = 3;
}
static void role_key_twice (struct trust *trust)
{
    struct trust_role *role = role_of (trust, "root");
    role->keys[1] = role->keys[0];
}
static void role_key_unknown (struct trust *trust)
{
    role_of (trust, "releaser")->keys[0] = "nobody";
}
static void role_twice (struct trust *trust)
{
    trust->roles[trust->roles_count - 1].environment = "";
}
static void role_without_name (struct trust *trust)
{
    role_of (trust, "testers")->name = "";
}
static void role_in_bad_environment (struct trust *trust)
{
    role_of (trust, "testers")->environment = "a/b";
}
static void root_of_one_environment (struct trust *trust)
{
    role_of (trust, "root")->environment = "production";
}
static void no_root (struct trust *trust)
{
    role_of (trust, "root")->name = "roof";
}
static void no_operator (struct trust *trust)
{
    role_of (trust, "operator")->environment = "production";
}
static void no_releaser (struct trust *trust)
{
    role_of (trust, "releaser")->name = "r";
}
static void no_controller (struct trust *trust)
{
    role_of (trust, "controller")->name = "c";
}
static void controller_approves (struct trust *trust)
{
    role_of (trust, "testers")->keys[0] = "ctl";
}
static void no_role_key (struct trust *trust)
{
    role_of (trust, "operator")->keys_count = 0;
}

static void test_trust_refused (void **state)
{
    static const spoil_trust spoils[] = {
        no_version,     bad_key_name,
        name_twice,     key_twice,
        wire_twice,     no_key,
        threshold_zero, threshold_too_high,
        role_key_twice, role_key_unknown,
        role_twice,     role_without_name,
        no_root,        no_operator,
        no_releaser,    role_in_bad_environment,
        no_controller,  controller_approves,
        no_role_key,    root_of_one_environment,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF (spoils); i++) {
        struct arena arena = {0};
        struct trust trust = world_trust (&arena);
        struct error error = {.text = ""};
        spoils[i](&trust);
        assert_false (trust_check (&trust, &error));
        assert_true (strlen (error.text) > strlen ("trust document: "));
        arena_free (&arena);
    }
}

static void test_fleet_refused (void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        struct arena arena = {0};
        struct fleet fleet = world_fleet (&arena);
        struct label labels[2] = {{"rack", "1"}, {"rack", "2"}};
        const char *products[2] = {"connect", "connect"};
        struct fleet_host *first = &fleet.hosts[0];
        fleet.version = i == 0 ? 0 : 1;
        first->name = i == 1 ? "p1" : i == 2 ? "a b" : first->name;
        first->environment = i == 3 ? "" : first->environment;
        first->key = i == 4 ? fleet.hosts[1].key : first->key;
        first->wire = i == 5 ? fleet.hosts[1].wire : first->wire;
        products[1] = i == 6 ? "connect" : i == 7 ? "../x" : "workbench";
        first->products = products;
        first->products_count = 2;
        labels[1].name = i == 8 ? "rack" : "row";
        first->labels = labels;
        first->labels_count = 2;
        assert_false (fleet_check (&fleet, NULL));
        arena_free (&arena);
    }
}

static void test_lookups (void **state)
{
    struct arena arena = {0};
    struct trust trust = world_trust (&arena);
    struct fleet fleet = world_fleet (&arena);
    const struct wire_key absent = {{0}};
    struct wire_key wire = wire_named ("luis");
    struct public_key key = key_named ("luis").public;
    (void)state;
    assert_string_equal (trust_key_wired (&trust, &wire)->name, "luis");
    assert_string_equal (trust_key_of (&trust, &key)->name, "luis");
    assert_string_equal (trust_key_named (&trust, "luis")->name, "luis");
    assert_null (trust_key_named (&trust, "nobody"));
    wire = wire_named ("p2");
    assert_null (trust_key_wired (&trust, &wire));
    assert_string_equal (fleet_host_named (&fleet, "p2")->name, "p2");
    assert_null (fleet_host_named (&fleet, "p7"));
    trust.keys[0].wire = absent;
    fleet.hosts[0].wire = absent;
    assert_null (trust_key_wired (&trust, &absent));
    assert_true (fleet_host_has_product (&fleet.hosts[0], "connect"));
    assert_false (fleet_host_has_product (&fleet.hosts[0], "connec"));
    arena_free (&arena);
}

static void test_role_for (void **state)
{
    struct arena arena = {0};
    struct trust trust = world_trust (&arena);
    struct public_key bo = key_named ("bo").public;
    (void)state;
    assert_string_equal (trust_role_for (&trust, "managers", "production")->environment, "production");
    assert_string_equal (trust_role_for (&trust, "managers", "staging")->environment, "");
    assert_string_equal (trust_role_for (&trust, "managers", "")->environment, "");
    assert_null (trust_role_for (&trust, "manager", "production"));
    assert_true (trust_role_has (&trust, trust_role_for (&trust, "managers", "staging"), &bo));
    assert_false (trust_role_has (&trust, trust_role_for (&trust, "managers", "production"), &bo));
    arena_free (&arena);
}

static bool verified (const struct trust *trust, const char *role, const char *const *names, size_t count)
{
    struct arena arena = {0};
    struct envelope envelope = signed_by (&tick_type, &sample, names, count, &arena);
    struct error error = {.kind = ERROR_SYSTEM, .text = ""};
    bool good = trust_verify (trust, role, "production", &envelope, &error);
    assert_true (good || error.kind == ERROR_REFUSED);
    arena_free (&arena);
    return good;
}

static void test_threshold (void **state)
{
    struct arena arena = {0};
    struct trust trust = world_trust (&arena);
    (void)state;
    assert_true (verified (&trust, "managers", (const char *const[]){"ana", "eva"}, 2));
    assert_true (verified (&trust, "managers", (const char *const[]){"ana", "bo", "ctl", "eva"}, 4));
    assert_false (verified (&trust, "managers", (const char *const[]){"ana"}, 1));
    assert_false (verified (&trust, "managers", (const char *const[]){"ana", "ana"}, 2));
    assert_false (verified (&trust, "managers", (const char *const[]){"ana", "bo"}, 2));
    assert_false (verified (&trust, "managers", (const char *const[]){"bo", "op", "ctl"}, 3));
    assert_false (verified (&trust, "nobody", (const char *const[]){"ana", "eva"}, 2));
    role_of (&trust, "testers")->threshold = 0;
    assert_false (verified (&trust, "testers", (const char *const[]){"ana", "bo"}, 2));
    /* Two names for one key are one signer, even where no check has caught that. */
    trust.keys[8].key = trust.keys[6].key;
    assert_false (verified (&trust, "managers", (const char *const[]){"ana", "ana"}, 2));
    arena_free (&arena);
}

static void test_who_signed (void **state)
{
    static const char *const names[] = {"bo", "eva", "ana"};
    struct arena arena = {0};
    struct trust trust = world_trust (&arena);
    struct envelope envelope = signed_by (&tick_type, &sample, names, 3, &arena);
    struct buffer text = {0};
    struct error error;
    (void)state;
    trust_signers (&trust, "managers", "production", &envelope, &text);
    assert_string_equal (text.data, "ana, eva");
    assert_false (trust_verify (&trust, "releaser", "", &envelope, &error));
    assert_non_null (strstr (error.text, "rel-1, rel-2"));
    envelope.signatures_count = 2;
    assert_false (trust_verify (&trust, "managers", "production", &envelope, &error));
    assert_non_null (strstr (error.text, "1 of 2"));
    assert_non_null (strstr (error.text, "missing from: ana, luis"));
    buffer_free (&text);
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_good),          cmocka_unit_test (test_trust_refused),
        cmocka_unit_test (test_fleet_refused), cmocka_unit_test (test_lookups),
        cmocka_unit_test (test_role_for),      cmocka_unit_test (test_threshold),
        cmocka_unit_test (test_who_signed),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
