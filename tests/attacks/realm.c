#include "tests/attacks/realm.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/gate.h"
#include "common/io/clock.h"
#include "tests/attacks/tar.h"

enum { HOUR = 3600, DAY = 24 * HOUR, FOLDER_DIGITS = 12 };

#define PRODUCT "app"

static const char *const names[WHO_COUNT] = {
    "root-1",     "root-2",       "operator-1",   "releaser-1", "releaser-2",
    "releaser-3", "controller-1", "controller-2", "ana",        "luis",
    "eva",        "stranger",     "s1",           "p1",         "p2"};

const char *who_name (enum who who)
{
    return names[who];
}

struct instant realm_now (const struct realm *realm)
{
    return instant_add (clock_now (), realm->ahead);
}

struct instant realm_in (const struct realm *realm, int64_t seconds)
{
    return instant_add (realm_now (realm), span_seconds (seconds));
}

struct digest digest_of_envelope (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

static struct secret_key new_key (void)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct secret_key key;
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, &key);
    return key;
}

void realm_open (struct realm *realm)
{
    *realm = (struct realm){0};
    for (size_t i = 0; i < WHO_COUNT; i++)
        realm->keys[i] = new_key ();
    for (size_t i = 0; i < HOST_COUNT; i++)
        wire_pair_make (&realm->wires[i]);
    realm_found (realm);
}

void realm_found (struct realm *realm)
{
    struct trust trust = draft_trust (realm, 1);
    struct fleet fleet = draft_fleet (realm, 1);
    realm->trust = SIGNED (realm, &trust_type, &trust, ROOT_1);
    realm->fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    realm->trust_version = 1;
    realm->fleet_version = 1;
}

void realm_close (struct realm *realm)
{
    for (size_t i = 0; i < WHO_COUNT; i++)
        secret_key_wipe (&realm->keys[i]);
    for (size_t i = 0; i < HOST_COUNT; i++)
        wire_pair_wipe (&realm->wires[i]);
    arena_free (&realm->arena);
}

/* ---------------------------------------------------------------------------------------- signatures */

struct envelope envelope_join (struct realm *realm, struct envelope first, struct envelope second)
{
    size_t count = first.signatures_count + second.signatures_count;
    const char **signatures = arena_array (&realm->arena, count, sizeof *signatures);
    for (size_t i = 0; i < count; i++)
        signatures[i] =
            i < first.signatures_count ? first.signatures[i] : second.signatures[i - first.signatures_count];
    return (struct envelope){first.content, signatures, count};
}

struct envelope realm_sign (
    struct realm *realm, const struct record_type *type, const void *record, const enum who *who,
    size_t count)
{
    struct envelope all = {0};
    for (size_t i = 0; i < count; i++) {
        struct envelope one;
        struct error error;
        if (!document_sign (
                type, record, &realm->keys[who[i]], realm_now (realm), &realm->arena, &one, &error)) {
            (void)fprintf (stderr, "%s can't be signed: %s\n", type->name, error.text);
            abort ();
        }
        all = i == 0 ? one : envelope_join (realm, all, one);
    }
    return all;
}

struct envelope envelope_flip (struct realm *realm, const struct envelope *envelope, size_t bit)
{
    struct envelope flipped = *envelope;
    uint8_t *data = arena_copy (&realm->arena, envelope->content.data, envelope->content.size);
    data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    flipped.content.data = data;
    return flipped;
}

/* ----------------------------------------------------------------------------- trust, fleet and tick */

struct trust_role *role_named (const struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, name) == 0)
            return &trust->roles[i];
    abort ();
}

void role_set (
    struct realm *realm, const struct trust *trust, const char *name, uint64_t threshold, const enum who *who,
    size_t count)
{
    struct trust_role *role = role_named (trust, name);
    role->threshold = threshold;
    role->keys = arena_array (&realm->arena, count, sizeof *role->keys);
    role->keys_count = count;
    for (size_t i = 0; i < count; i++)
        role->keys[i] = names[who[i]];
}

struct trust draft_trust (struct realm *realm, uint64_t version)
{
    static const char *const roles[] = {ROLE_ROOT,       ROLE_OPERATOR,      ROLE_RELEASER,
                                        ROLE_CONTROLLER, "release-managers", "testers"};
    static const enum who members[] = {ROOT_1,       OPERATOR, RELEASER_1, RELEASER_2, RELEASER_3, CONTROLLER,
                                       CONTROLLER_2, ANA,      LUIS,       EVA,        ROOT_2};
    size_t role_count = sizeof roles / sizeof *roles;
    size_t key_count = sizeof members / sizeof *members;
    struct trust trust = {
        .version = version,
        .issued = realm_now (realm),
        .expires = realm_in (realm, DAY),
        .keys = arena_array (&realm->arena, key_count, sizeof *trust.keys),
        .keys_count = key_count,
        .roles = arena_array (&realm->arena, role_count, sizeof *trust.roles),
        .roles_count = role_count};
    for (size_t i = 0; i < key_count; i++)
        trust.keys[i] = (struct trust_key){.name = names[members[i]], .key = realm->keys[members[i]].public};
    for (size_t i = 0; i < role_count; i++)
        trust.roles[i] = (struct trust_role){.name = roles[i], .environment = ""};
    ROLE_SET (realm, &trust, ROLE_ROOT, 1, ROOT_1);
    ROLE_SET (realm, &trust, ROLE_OPERATOR, 1, OPERATOR);
    ROLE_SET (realm, &trust, ROLE_RELEASER, 2, RELEASER_1, RELEASER_2, RELEASER_3);
    ROLE_SET (realm, &trust, ROLE_CONTROLLER, 1, CONTROLLER);
    ROLE_SET (realm, &trust, "release-managers", 2, ANA, LUIS);
    ROLE_SET (realm, &trust, "testers", 1, EVA);
    return trust;
}

struct fleet draft_fleet (struct realm *realm, uint64_t version)
{
    static const char *environments[HOST_COUNT] = {"staging", "production", "production"};
    struct fleet fleet = {
        .version = version,
        .issued = realm_now (realm),
        .expires = realm_in (realm, HOUR),
        .hosts = arena_array (&realm->arena, HOST_COUNT, sizeof *fleet.hosts),
        .hosts_count = HOST_COUNT};
    for (size_t i = 0; i < HOST_COUNT; i++) {
        const char **products = arena_array (&realm->arena, 1, sizeof *products);
        products[0] = PRODUCT;
        fleet.hosts[i] = (struct fleet_host){
            .name = names[S1 + i],
            .environment = environments[i],
            .products = products,
            .products_count = 1,
            .key = realm->keys[S1 + i].public,
            .wire = realm->wires[i].public};
    }
    return fleet;
}

struct tick draft_tick (const struct realm *realm, uint64_t epoch, uint64_t sequence)
{
    return (struct tick){
        .epoch = epoch,
        .sequence = sequence,
        .issued = realm_now (realm),
        .expires = realm_in (realm, 60),
        .trust_version = realm->trust_version,
        .fleet_version = realm->fleet_version};
}

/* ------------------------------------------------------------------------------------------ contents */

struct artifact realm_content (struct realm *realm, const char *name, struct bytes data)
{
    struct artifact artifact = {
        .name = name, .digest = digest_of (data.data, data.size), .length = data.size};
    if (realm_content_find (realm, &artifact.digest) != NULL)
        return artifact;
    assert (realm->content_count < CONTENTS);
    realm->contents[realm->content_count++] =
        (struct bytes){arena_copy (&realm->arena, data.data, data.size), data.size};
    return artifact;
}

const struct bytes *realm_content_find (const struct realm *realm, const struct digest *digest)
{
    for (size_t i = 0; i < realm->content_count; i++) {
        struct digest found = digest_of (realm->contents[i].data, realm->contents[i].size);
        if (digest_equal (&found, digest))
            return &realm->contents[i];
    }
    return NULL;
}

struct buffer app_archive (const char *version)
{
    static const char serve[] = "#!/bin/sh\nexec sleep 600\n";
    struct buffer archive = {0};
    tar_add (&archive, TAR_FILE, "version", "", 0644, bytes_of_text (version));
    tar_add (&archive, TAR_FILE, "serve", "", 0755, bytes_of_text (serve));
    tar_end (&archive);
    return archive;
}

static struct artifact app_content (struct realm *realm, const char *version)
{
    struct buffer archive = app_archive (version);
    struct artifact artifact =
        realm_content (realm, arena_format (&realm->arena, "app-%s.tar", version), buffer_bytes (&archive));
    buffer_free (&archive);
    return artifact;
}

/* --------------------------------------------------------------------------------------------- plans */

static struct command shell (struct realm *realm, const char *script)
{
    const char **words = arena_array (&realm->arena, 3, sizeof *words);
    words[0] = "/bin/sh";
    words[1] = "-c";
    words[2] = script;
    return (struct command){.words = words, .words_count = 3, .deadline = span_seconds (5)};
}

static struct test *one_script (struct realm *realm, const char *name, const char *text)
{
    struct artifact script = realm_content (realm, name, bytes_of_text (text));
    struct test *test = arena_array (&realm->arena, 1, sizeof *test);
    *test = (struct test){
        .name = name,
        .kind = TEST_EXEC,
        .script = script.digest,
        .length = script.length,
        .deadline = span_seconds (5)};
    return test;
}

static struct profile app_profile (struct realm *realm)
{
    return (struct profile){
        .product = PRODUCT,
        .start = shell (
            realm, "cp -f \"$RELEVO_CURRENT/version\" \"$RELEVO_SHARED/served\" && "
                   "{ \"$RELEVO_CURRENT/serve\" & echo $! >\"$RELEVO_SHARED/pid\"; }"),
        .stop = shell (realm, "kill \"$(cat \"$RELEVO_SHARED/pid\")\" && rm \"$RELEVO_SHARED/pid\""),
        .health = one_script (realm, "alive", "#!/bin/sh\nkill -0 \"$(cat \"$RELEVO_SHARED/pid\")\"\n"),
        .health_count = 1,
        .health_interval = {50},
        .keep_releases = 3};
}

static struct step step_for (struct realm *realm, enum step_kind kind, uint64_t number, enum who host)
{
    const char **hosts = arena_array (&realm->arena, 1, sizeof *hosts);
    hosts[0] = names[host];
    return (struct step){
        .number = number,
        .kind = kind,
        .title = enum_word (&step_kind_words, kind),
        .environment = host == S1 ? "staging" : "production",
        .hosts = hosts,
        .hosts_count = 1,
        .max_parallel = 1,
        .max_unavailable = 1,
        .min_healthy_time = {100},
        .healthy_deadline = span_seconds (5),
        .progress_deadline = span_seconds (8),
        .suite = kind == STEP_TEST ? "regression" : ""};
}

static struct step *app_steps (struct realm *realm)
{
    struct step *steps = arena_array (&realm->arena, TESTS_P2, sizeof *steps);
    for (size_t i = 0; i < HOST_COUNT; i++) {
        size_t place = i < 2 ? 2 * i : DEPLOY_P2 - 1;
        steps[place] = step_for (realm, STEP_DEPLOY, place + 1, S1 + (enum who)i);
        steps[place + 1] = step_for (realm, STEP_TEST, place + 2, S1 + (enum who)i);
    }
    steps[SIGNOFF - 1] = (struct step){
        .number = SIGNOFF,
        .kind = STEP_SIGNOFF,
        .title = "sign-off",
        .role = "release-managers",
        .approvals = 2};
    return steps;
}

struct plan draft_plan (struct realm *realm, const char *version, uint64_t counter)
{
    struct artifact *artifacts = arena_array (&realm->arena, 1, sizeof *artifacts);
    struct suite *suites = arena_array (&realm->arena, 1, sizeof *suites);
    artifacts[0] = app_content (realm, version);
    suites[0] = (struct suite){
        "regression",
        one_script (
            realm, "version",
            "#!/bin/sh\n[ \"$(cat \"$RELEVO_SHARED/served\")\" = \"$(cat \"$RELEVO_CURRENT/version\")\" ]\n"),
        1};
    return (struct plan){
        .name = arena_format (&realm->arena, "app-%s", version),
        .product = PRODUCT,
        .version = version,
        .counter = counter,
        .issued = realm_now (realm),
        .expires = realm_in (realm, HOUR),
        .trust_version = realm->trust_version,
        .fleet_version = realm->fleet_version,
        .fleet = digest_of_envelope (&realm->fleet),
        .on_failure = ON_FAILURE_ROLLBACK,
        .profile = app_profile (realm),
        .artifacts = artifacts,
        .artifacts_count = 1,
        .suites = suites,
        .suites_count = 1,
        .steps = app_steps (realm),
        .steps_count = TESTS_P2};
}

void plan_hasten (struct plan *plan)
{
    for (size_t i = 0; i < plan->steps_count; i++) {
        plan->steps[i].progress_deadline = span_seconds (2);
        plan->steps[i].healthy_deadline = span_seconds (1);
    }
}

struct release realm_release_signed (struct realm *realm, const struct plan *plan, struct envelope envelope)
{
    struct release release = {.plan = *plan, .envelope = envelope, .digest = digest_of_envelope (&envelope)};
    char digits[DIGEST_TEXT_SIZE];
    release.folder = arena_format (
        &realm->arena, "%s-%.*s", plan->version, (int)FOLDER_DIGITS, digest_print (&release.digest, digits));
    return release;
}

struct release realm_release_of (struct realm *realm, const struct plan *plan)
{
    return realm_release_signed (realm, plan, SIGNED (realm, &plan_type, plan, RELEASER_1, RELEASER_2));
}

struct release realm_release (struct realm *realm, const char *version, uint64_t counter)
{
    struct plan plan = draft_plan (realm, version, counter);
    return realm_release_of (realm, &plan);
}
