/* What people and hosts sign. */
#include <stdio.h>
#include <string.h>

#include "common/io/clock.h"
#include "tests/attacks/face_part.h"

static const char *const names[FACE_PEOPLE] = {"root-1",    "root-2",     "root-3", "operator",
                                               "release-1", "release-2",  "ana",    "luis",
                                               "eva",       "controller", "nobody"};
static const char *const host_names[FACE_HOSTS] = {"p1", "p2", "p3", "s1"};

const char *face_name (enum face_person person)
{
    return names[person];
}

const char *face_host_name (enum face_host host)
{
    return host_names[host];
}

void face_make_key (struct secret_key *ret)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, ret);
}

struct envelope face_sign (
    struct face *face, const struct record_type *type, const void *record,
    const struct secret_key *const *keys, size_t count)
{
    struct envelope all = {0};
    all.signatures = arena_array (&face->arena, count, sizeof *all.signatures);
    for (size_t i = 0; i < count; i++) {
        struct envelope one;
        struct error error;
        if (!document_sign (type, record, keys[i], clock_now (), &face->arena, &one, &error))
            fail_msg ("%s: %s", type->name, error.text);
        all.content = one.content;
        all.signatures[all.signatures_count++] = one.signatures[0];
    }
    return all;
}

struct digest face_digest (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

/* ---------------------------------------------------------------------------------------------- trust and
 * fleet */

static struct trust_role role (
    struct face *face, const char *name, const char *environment, uint64_t threshold, enum face_person first,
    size_t count)
{
    const char **keys = arena_array (&face->arena, count, sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = names[(size_t)first + i];
    return (struct trust_role){name, environment, threshold, keys, count};
}

struct trust face_draft_trust (struct face *face, uint64_t version)
{
    struct trust trust = {.version = version, .issued = clock_now (), .expires = face_in (86400)};
    const struct trust_role roles[] = {
        role (face, ROLE_ROOT, "", 2, FACE_ROOT_1, 3),
        role (face, ROLE_OPERATOR, "", 1, FACE_OPERATOR, 1),
        role (face, ROLE_RELEASER, "", 2, FACE_RELEASER_1, 2),
        role (face, "managers", "production", 1, FACE_ANA, 2),
        role (face, "managers", "staging", 1, FACE_EVA, 1),
        role (face, "testers", "", 1, FACE_EVA, 1),
        role (face, ROLE_CONTROLLER, "", 1, FACE_CONTROLLER, 1),
    };
    trust.roles_count = sizeof roles / sizeof roles[0];
    trust.roles = arena_copy (&face->arena, roles, sizeof roles);
    trust.keys = arena_array (&face->arena, FACE_NOBODY, sizeof *trust.keys);
    for (size_t i = 0; i < FACE_NOBODY; i++) {
        struct trust_key *key = &trust.keys[trust.keys_count++];
        *key = (struct trust_key){.name = names[i], .key = face->keys[i].public};
        if (i >= FACE_OPERATOR && i != FACE_CONTROLLER)
            key->wire = face->wires[i].public;
    }
    return trust;
}

struct fleet face_draft_fleet (struct face *face, uint64_t version)
{
    static const char *products[] = {FACE_PRODUCT};
    struct fleet fleet = {.version = version, .issued = clock_now (), .expires = face_in (86400)};
    fleet.hosts = arena_array (&face->arena, FACE_HOSTS, sizeof *fleet.hosts);
    for (size_t i = 0; i < FACE_HOSTS; i++)
        fleet.hosts[fleet.hosts_count++] = (struct fleet_host){
            .name = host_names[i],
            .environment = i == FACE_S1 ? "staging" : "production",
            .products = products,
            .products_count = 1,
            .key = face->hosts[i].key.public,
            .wire = face->hosts[i].wire.public};
    return fleet;
}

void face_found (struct face *face)
{
    face->trust = face_draft_trust (face, 1);
    face->fleet = face_draft_fleet (face, 1);
    face->trust_envelope =
        FACE_SIGN (face, &trust_type, &face->trust, &face->keys[FACE_ROOT_1], &face->keys[FACE_ROOT_2]);
    face->fleet_envelope = FACE_SIGN (face, &fleet_type, &face->fleet, &face->keys[FACE_OPERATOR]);
}

static void hand_in (struct face *face, const struct envelope *envelope)
{
    struct submit submit = {.request = 2, .document = *envelope};
    face_expect (face_ask (face->local, &submit_type, &submit), true, "is in force");
}

void face_submit_trust (struct face *face, struct trust trust)
{
    face->trust_envelope =
        FACE_SIGN (face, &trust_type, &trust, &face->keys[FACE_ROOT_1], &face->keys[FACE_ROOT_2]);
    hand_in (face, &face->trust_envelope);
    face->trust = trust;
}

void face_submit_fleet (struct face *face, struct fleet fleet)
{
    face->fleet_envelope = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[FACE_OPERATOR]);
    hand_in (face, &face->fleet_envelope);
    face->fleet = fleet;
}

void face_revoke_host (struct face *face, enum face_host host)
{
    struct fleet fleet = face_draft_fleet (face, face->fleet.version + 1);
    fleet.hosts_count--;
    for (size_t i = host; i < fleet.hosts_count; i++)
        fleet.hosts[i] = fleet.hosts[i + 1];
    face_submit_fleet (face, fleet);
}

static void forget_name (struct trust_role *one, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < one->keys_count; i++)
        if (strcmp (one->keys[i], name) != 0)
            one->keys[kept++] = one->keys[i];
    one->keys_count = kept;
}

void face_revoke_person (struct face *face, enum face_person person)
{
    struct trust trust = face_draft_trust (face, face->trust.version + 1);
    size_t kept = 0;
    trust.keys_count--;
    for (size_t i = person; i < trust.keys_count; i++)
        trust.keys[i] = trust.keys[i + 1];
    for (size_t i = 0; i < trust.roles_count; i++)
        forget_name (&trust.roles[i], names[person]);
    for (size_t i = 0; i < trust.roles_count; i++)
        if (trust.roles[i].keys_count >= trust.roles[i].threshold)
            trust.roles[kept++] = trust.roles[i];
    trust.roles_count = kept;
    face_submit_trust (face, trust);
}

/* ---------------------------------------------------------------------------------------------------------
 * plans */

static struct step step (
    struct face *face, uint64_t number, enum step_kind kind, size_t count, enum face_host first)
{
    const char **hosts = arena_array (&face->arena, count, sizeof *hosts);
    for (size_t i = 0; i < count; i++)
        hosts[i] = host_names[(size_t)first + i];
    return (struct step){
        .number = number,
        .kind = kind,
        .title = "step",
        .environment = kind == STEP_SIGNOFF ? "" : "production",
        .hosts = hosts,
        .hosts_count = count,
        .max_parallel = 1,
        .max_unavailable = LIMIT_HOSTS, /* most hosts here never say a word */
        .min_healthy_time = {1000},
        .healthy_deadline = {30000},
        .progress_deadline = {600000},
        .suite = kind == STEP_TEST ? "regression" : "",
        .role = kind == STEP_SIGNOFF ? "managers" : "",
        .approvals = kind == STEP_SIGNOFF ? 2 : 0};
}

struct plan face_draft_plan (struct face *face)
{
    struct bytes content = bytes_of_text (FACE_CONTENT);
    struct artifact artifact = {"app.tar", digest_of (content.data, content.size), content.size};
    struct test test = {.name = "port", .kind = TEST_TCP, .target = "localhost:80", .deadline = {5000}};
    struct suite suite = {"regression", arena_copy (&face->arena, &test, sizeof test), 1};
    const struct step steps[] = {
        step (face, FACE_DEPLOY_P1, STEP_DEPLOY, 1, FACE_P1),
        step (face, FACE_TEST_P1, STEP_TEST, 1, FACE_P1),
        step (face, FACE_SIGNOFF, STEP_SIGNOFF, 0, FACE_P1),
        step (face, FACE_DEPLOY_P2, STEP_DEPLOY, 1, FACE_P2),
        step (face, FACE_TEST_ALL, STEP_TEST, 2, FACE_P1),
    };
    uint64_t counter = ++face->counter;
    return (struct plan){
        .name = arena_format (&face->arena, "app-%llu", (unsigned long long)counter),
        .product = FACE_PRODUCT,
        .version = arena_format (&face->arena, "2.%llu", (unsigned long long)counter),
        .counter = counter,
        .issued = clock_now (),
        .expires = face_in (86400),
        .trust_version = face->trust.version,
        .fleet_version = face->fleet.version,
        .fleet = face_digest (&face->fleet_envelope),
        .on_failure = ON_FAILURE_ROLLBACK,
        .profile = {.product = FACE_PRODUCT, .health_interval = {1000}, .keep_releases = 3},
        .artifacts = arena_copy (&face->arena, &artifact, sizeof artifact),
        .artifacts_count = 1,
        .suites = arena_copy (&face->arena, &suite, sizeof suite),
        .suites_count = 1,
        .steps = arena_copy (&face->arena, steps, sizeof steps),
        .steps_count = sizeof steps / sizeof steps[0]};
}

struct face_release face_release_of (struct face *face, const struct plan *plan)
{
    struct face_release release = {
        .plan = *plan,
        .envelope =
            FACE_SIGN (face, &plan_type, plan, &face->keys[FACE_RELEASER_1], &face->keys[FACE_RELEASER_2])};
    release.digest = face_digest (&release.envelope);
    return release;
}

struct face_release face_start_release (struct face *face)
{
    struct plan plan = face_draft_plan (face);
    struct face_release release = face_release_of (face, &plan);
    struct rollout_start start = {.request = 3, .plan = release.envelope, .by = "operator"};
    const struct answer *answer = face_ask (face->local, &rollout_start_type, &start);
    face_expect (answer, true, "has begun");
    release.rollout = answer->rollout;
    return release;
}

/* ------------------------------------------------------------------------------------------ receipts,
 * decisions */

struct receipt face_draft_receipt (
    struct face *face, enum face_host host, const struct digest *plan, uint64_t number, uint64_t attempt,
    enum outcome outcome)
{
    struct test_result result = {.name = "port", .verdict = VERDICT_PASSED, .took = {5}};
    bool is_test = number == FACE_TEST_P1 || number == FACE_TEST_ALL;
    struct receipt receipt = {
        .host = host_names[host],
        .plan = *plan,
        .kind = number == 0 ? PERMIT_RETURN : PERMIT_STEP,
        .step = number,
        .attempt = attempt,
        .outcome = outcome,
        .previous = arena_text (&face->arena, face->hosts[host].version),
        .started = clock_now (),
        .finished = clock_now ()};
    if (outcome == OUTCOME_KEPT)
        (void)snprintf (
            face->hosts[host].version, sizeof face->hosts[host].version, "2.%llu",
            (unsigned long long)face->counter);
    receipt.version = arena_text (&face->arena, face->hosts[host].version);
    if (is_test && outcome == OUTCOME_PASSED) {
        receipt.tests = arena_copy (&face->arena, &result, sizeof result);
        receipt.tests_count = 1;
    }
    return receipt;
}

struct envelope face_sign_receipt (struct face *face, enum face_host host, struct receipt *receipt)
{
    struct envelope envelope;
    receipt->counter = ++face->hosts[host].counter;
    receipt->before = face->hosts[host].before;
    envelope = FACE_SIGN (face, &receipt_type, receipt, &face->hosts[host].key);
    face->hosts[host].before = face_digest (&envelope);
    return envelope;
}

struct report face_report (struct face *face, enum face_host host, struct receipt receipt)
{
    return (struct report){face_sign_receipt (face, host, &receipt)};
}

/* What the controller shows, judged as a person's command line would. */
static struct digest evidence (struct face *face, const struct face_release *release, uint64_t number)
{
    struct evidence_wanted wanted = {.request = 5, .rollout = release->rollout};
    struct gate_case gate = {
        .plan = &release->plan, .plan_digest = release->digest, .now = clock_now (), .attempt = 1};
    const struct evidence_list *list;
    face_say (face->local, &evidence_wanted_type, &wanted);
    list = face_hear (face->local, &evidence_list_type);
    for (size_t i = 0; i < list->evidence_count; i++) {
        struct error error;
        if (!gate_add (&gate, &face->trust, &face->fleet, &list->evidence[i], &face->arena, &error))
            fail_msg ("evidence: %s", error.text);
    }
    return gate_evidence_digest (&gate, number);
}

struct approval face_draft_approval (
    struct face *face, const struct face_release *release, enum face_person person, enum decision decision,
    uint64_t number)
{
    struct approval approval = {
        .plan = release->digest,
        .step = number,
        .attempt = 1,
        .decision = decision,
        .role = number > 0 ? "managers" : ROLE_OPERATOR,
        .name = names[person],
        .comment = "as seen",
        .issued = clock_now (),
        .expires = face_in (3600)};
    if (number > 0)
        approval.evidence = evidence (face, release, number);
    return approval;
}

const struct answer *face_decide (
    struct face *face, const struct face_release *release, enum face_person person, enum decision decision,
    uint64_t number)
{
    struct approval approval = face_draft_approval (face, release, person, decision, number);
    struct decide decide = {
        .request = 6,
        .rollout = release->rollout,
        .approval = FACE_SIGN (face, &approval_type, &approval, &face->keys[person])};
    return face_ask (face->local, &decide_type, &decide);
}
