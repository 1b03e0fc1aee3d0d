#include "tests/sim/papers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLD_VERSION "1.0"

enum { OLD_COUNTER = 10 };

#define DAYS(count) (INT64_C (86400000) * (count))

static const char *const key_words[KEYS] = {"root-1", "root-2",    "root-3",    "ana",          "luis",
                                            "eva",    "release-1", "release-2", "controller-1", "stranger"};

/* ----------------------------------------------------------------------------------------------------- names
 */

const struct secret_key *key_of (enum key_name name)
{
    static struct secret_key keys[KEYS];
    static bool made;
    for (unsigned i = 0; !made && i < KEYS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)(i + 1), 'k'};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, &keys[i]);
    }
    made = true;
    return &keys[name];
}

const char *key_word (enum key_name name)
{
    return key_words[name];
}

const struct secret_key *host_key (unsigned host)
{
    static struct secret_key keys[STORY_HOSTS];
    static bool made[STORY_HOSTS];
    assert (host < STORY_HOSTS);
    if (!made[host]) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)host, (uint8_t)(host >> 8), 'h'};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)host, (uint8_t)(host >> 8), 1};
        secret_key_make (seed, number, &keys[host]);
        made[host] = true;
    }
    return &keys[host];
}

struct wire_key host_wire (unsigned host)
{
    struct wire_key wire = {{'w', (uint8_t)host, (uint8_t)(host >> 8)}};
    return wire;
}

const char *host_name (unsigned host)
{
    static char names[STORY_HOSTS][8];
    if (names[host][0] == '\0')
        (void)snprintf (names[host], sizeof names[host], "h%04u", host % STORY_HOSTS);
    return names[host];
}

unsigned host_number (const char *name)
{
    return (unsigned)strtoul (name + 1, NULL, 10);
}

const char *product_name (unsigned product)
{
    return product == 0 ? "rstudio-connect" : "rstudio-pm";
}

const char *environment_name (unsigned environment)
{
    return environment == 0 ? "staging" : "production";
}

/* ------------------------------------------------------------------------------------------------- documents
 */

struct envelope papers_sign (
    struct papers *papers, const struct record_type *type, const void *record, const struct secret_key *key,
    struct instant now)
{
    struct envelope envelope;
    struct error error;
    bool good = document_sign (type, record, key, now, &papers->arena, &envelope, &error);
    assert (good);
    return envelope;
}

static void add_signature (
    struct papers *papers, struct envelope *envelope, const struct record_type *type, const void *record,
    const struct secret_key *key, struct instant now)
{
    struct envelope other = papers_sign (papers, type, record, key, now);
    const char **signatures =
        arena_array (&papers->arena, envelope->signatures_count + 1, sizeof *signatures);
    memcpy (signatures, envelope->signatures, envelope->signatures_count * sizeof *signatures);
    signatures[envelope->signatures_count] = other.signatures[0];
    envelope->signatures = signatures;
    envelope->signatures_count++;
}

static struct trust_role role (
    struct papers *papers, const char *name, uint64_t threshold, const enum key_name *keys, size_t count)
{
    const char **names = arena_array (&papers->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = key_words[keys[i]];
    return (struct trust_role){
        .name = name, .environment = "", .threshold = threshold, .keys = names, .keys_count = count};
}

/* Who is gone by now. */
struct cast {
    bool no_release_2;
    bool no_eva;
    bool root_3;
};

static void make_trust (struct papers *papers, const struct cast *cast, struct instant now)
{
    static const enum key_name operators[] = {KEY_ANA, KEY_LUIS};
    static const enum key_name releasers[] = {KEY_RELEASE_1, KEY_RELEASE_2};
    static const enum key_name controllers[] = {KEY_CONTROLLER};
    static const enum key_name people[] = {KEY_ANA, KEY_LUIS, KEY_EVA};
    const enum key_name roots[] = {KEY_ROOT_1, cast->root_3 ? KEY_ROOT_3 : KEY_ROOT_2};
    struct trust_key *keys = arena_array (&papers->arena, KEYS, sizeof *keys);
    struct trust_role *roles = arena_array (&papers->arena, 6, sizeof *roles);
    struct trust *trust = &papers->trust[papers->trust_count];
    size_t count = 0;
    for (unsigned i = 0; i < KEY_STRANGER; i++)
        if (!(i == KEY_RELEASE_2 && cast->no_release_2) && !(i == KEY_EVA && cast->no_eva))
            keys[count++] = (struct trust_key){.name = key_words[i], .key = key_of (i)->public};
    roles[0] = role (papers, ROLE_ROOT, 2, roots, 2);
    roles[1] = role (papers, ROLE_OPERATOR, 1, operators, 2);
    roles[2] = role (papers, ROLE_RELEASER, 1, releasers, cast->no_release_2 ? 1 : 2);
    roles[3] = role (papers, ROLE_CONTROLLER, 1, controllers, 1);
    roles[4] = role (papers, ROLE_TESTERS, 1, people, cast->no_eva ? 2 : 3);
    roles[5] = role (papers, ROLE_MANAGERS, 2, people, cast->no_eva ? 2 : 3);
    *trust = (struct trust){
        .version = papers->trust_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (365)},
        .keys = keys,
        .keys_count = count,
        .roles = roles,
        .roles_count = 6};
    papers->trusts[papers->trust_count] = papers_sign (papers, &trust_type, trust, key_of (KEY_ROOT_1), now);
    add_signature (
        papers, &papers->trusts[papers->trust_count], &trust_type, trust, key_of (KEY_ROOT_2), now);
    if (cast->root_3)
        add_signature (
            papers, &papers->trusts[papers->trust_count], &trust_type, trust, key_of (KEY_ROOT_3), now);
    papers->trust_count++;
}

static bool has_key (const struct trust *trust, enum key_name name)
{
    return trust_key_named (trust, key_words[name]) != NULL;
}

bool papers_next_trust (struct papers *papers, unsigned change, struct instant now)
{
    const struct trust *newest = &papers->trust[papers->trust_count - 1];
    struct cast cast = {
        .no_release_2 = !has_key (newest, KEY_RELEASE_2) || change == 0,
        .no_eva = !has_key (newest, KEY_EVA) || change == 1,
        .root_3 = strcmp (newest->roles[0].keys[1], key_words[KEY_ROOT_3]) == 0 || change == 2};
    if (papers->trust_count == TRUSTS)
        return false;
    make_trust (papers, &cast, now);
    return true;
}

bool papers_next_fleet (struct papers *papers, int without, struct instant now)
{
    unsigned all = papers->story->staging + papers->story->production;
    struct fleet_host *hosts = arena_array (&papers->arena, all, sizeof *hosts);
    struct fleet *fleet = &papers->fleet[papers->fleet_count];
    const struct fleet *before = papers->fleet_count > 0 ? fleet - 1 : NULL;
    size_t count = 0;
    if (papers->fleet_count == FLEETS)
        return false;
    for (unsigned i = 0; i < all; i++) {
        const char **products = arena_array (&papers->arena, PRODUCTS, sizeof *products);
        if ((int)i == without || (before != NULL && fleet_host_named (before, host_name (i)) == NULL))
            continue;
        for (unsigned j = 0; j < PRODUCTS; j++)
            products[j] = product_name (j);
        hosts[count++] = (struct fleet_host){
            .name = host_name (i),
            .environment = environment_name (i < papers->story->staging ? 0 : 1),
            .products = products,
            .products_count = PRODUCTS,
            .key = host_key (i)->public,
            .wire = host_wire (i)};
    }
    *fleet = (struct fleet){
        .version = papers->fleet_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (365)},
        .hosts = hosts,
        .hosts_count = count};
    papers->fleets[papers->fleet_count] = papers_sign (papers, &fleet_type, fleet, key_of (KEY_ANA), now);
    papers->fleet_count++;
    return true;
}

/* -------------------------------------------------------------------------------------------------- contents
 */

const struct content *papers_content (const struct papers *papers, const struct digest *digest)
{
    for (size_t i = 0; i < papers->content_count; i++)
        if (digest_equal (&papers->contents[i].digest, digest))
            return &papers->contents[i];
    return NULL;
}

static struct digest make_content (struct papers *papers, const char *words, size_t size)
{
    struct random random = random_for (papers->story->seed, words, size);
    uint8_t *bytes = arena_take (&papers->arena, size);
    struct digest digest;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_next (&random);
    digest = digest_of (bytes, size);
    if (papers_content (papers, &digest) == NULL) {
        assert (papers->content_count < CONTENTS);
        papers->contents[papers->content_count++] = (struct content){digest, {bytes, size}};
    }
    return digest;
}

/* ----------------------------------------------------------------------------------------------------- plans
 */

static struct command command (struct papers *papers, const char *word)
{
    const char **words = arena_array (&papers->arena, 1, sizeof *words);
    words[0] = word;
    return (struct command){.words = words, .words_count = 1, .deadline = span_seconds (30)};
}

static struct test script (struct papers *papers, const char *name)
{
    size_t size = 40;
    return (struct test){
        .name = name,
        .kind = TEST_EXEC,
        .script = make_content (papers, name, size),
        .length = size,
        .target = "",
        .body = "",
        .deadline = span_seconds (10)};
}

struct building {
    struct papers *papers;
    const struct story_rollout *shape;
    struct plan *plan;
    const struct fleet *fleet;
    const char **landed[2]; /* hosts that earlier steps deploy to, by environment */
    size_t landed_count[2];
};

static void add_deploy (struct building *building, const struct story_step *from, struct step *step)
{
    unsigned staging = building->papers->story->staging;
    const char **hosts = arena_array (&building->papers->arena, from->hosts, sizeof *hosts);
    size_t count = 0;
    for (unsigned i = 0; i < from->hosts; i++) {
        const char *name = host_name ((from->environment == 0 ? 0 : staging) + from->first + i);
        if (fleet_host_named (building->fleet, name) == NULL)
            continue;
        hosts[count++] = name;
        building->landed[from->environment][building->landed_count[from->environment]++] = name;
    }
    step->hosts = hosts;
    step->hosts_count = count;
    step->max_parallel = from->max_parallel;
    step->max_unavailable = from->max_unavailable;
    step->min_healthy_time.ms = from->min_healthy;
    step->healthy_deadline.ms = from->healthy_deadline;
    step->confirm_within.ms = from->confirm_within;
}

static void add_test (struct building *building, const struct story_step *from, struct step *step)
{
    size_t count = building->landed_count[from->environment];
    const char **hosts = arena_array (&building->papers->arena, count, sizeof *hosts);
    memcpy (hosts, building->landed[from->environment], count * sizeof *hosts);
    step->suite = "regression";
    step->hosts = hosts;
    step->hosts_count = count;
}

static bool fits (const struct building *building, const struct step *step)
{
    bool deployed = building->landed_count[0] + building->landed_count[1] > 0;
    if (step->kind == STEP_DEPLOY || step->kind == STEP_TEST)
        return step->hosts_count > 0;
    return deployed || (step->kind == STEP_NOTIFY || (step->kind == STEP_PAUSE && step->duration.ms == 0));
}

static void add_step (struct building *building, const struct story_step *from)
{
    struct plan *plan = building->plan;
    struct step *step = &((struct step *)plan->steps)[plan->steps_count];
    static const char *const targets[] = {"slack", "mail"};
    *step = (struct step){
        .number = plan->steps_count + 1,
        .kind = from->kind,
        .title = "",
        .environment =
            from->kind == STEP_DEPLOY || from->kind == STEP_TEST ? environment_name (from->environment) : "",
        .suite = "",
        .instructions = "",
        .role = "",
        .progress_deadline = {from->progress_deadline}};
    if (from->kind == STEP_DEPLOY)
        add_deploy (building, from, step);
    if (from->kind == STEP_TEST)
        add_test (building, from, step);
    if (from->kind == STEP_MANUAL || from->kind == STEP_SIGNOFF) {
        step->role = from->kind == STEP_MANUAL ? ROLE_TESTERS : ROLE_MANAGERS;
        step->approvals = from->approvals;
        step->optional = from->optional;
    }
    if (from->kind == STEP_PAUSE)
        step->duration.ms = from->duration;
    if (from->kind == STEP_NOTIFY) {
        const char **names = arena_array (&building->papers->arena, 2, sizeof *names);
        memcpy (names, targets, sizeof targets);
        step->targets = names;
        step->targets_count = 2;
    }
    if (fits (building, step))
        plan->steps_count++;
}

static void fill_plan (struct papers *papers, unsigned rollout, struct plan *plan, struct instant now)
{
    const struct story_rollout *shape = &papers->story->rollouts[rollout];
    const struct fleet *fleet = &papers->fleet[papers->fleet_count - 1];
    unsigned all = papers->story->staging + papers->story->production;
    struct artifact *artifacts = arena_array (&papers->arena, 1, sizeof *artifacts);
    struct suite *suites = arena_array (&papers->arena, 1, sizeof *suites);
    struct test *tests = arena_array (&papers->arena, 2, sizeof *tests);
    struct test *health = arena_array (&papers->arena, 1, sizeof *health);
    struct building building = {.papers = papers, .shape = shape, .plan = plan, .fleet = fleet};
    size_t size = papers->story->large ? LIMIT_CHUNK + 900 : 900;
    building.landed[0] = arena_array (&papers->arena, all, sizeof (char *));
    building.landed[1] = arena_array (&papers->arena, all, sizeof (char *));
    artifacts[0] = (struct artifact){
        .name = "product.tar",
        .digest = make_content (papers, arena_format (&papers->arena, "artifact %u", rollout), size),
        .length = size};
    tests[0] = script (papers, "login");
    tests[1] = script (papers, "publish");
    health[0] = script (papers, "health");
    suites[0] = (struct suite){.name = "regression", .tests = tests, .tests_count = 2};
    *plan = (struct plan){
        .name = arena_format (&papers->arena, "plan-%u", rollout + 1),
        .product = product_name (shape->product),
        .version = arena_format (&papers->arena, "2.%u.%zu", rollout, papers->plan_count),
        .comment = "",
        .counter = OLD_COUNTER + papers->plan_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (30)},
        .trust_version = papers->trust_count,
        .fleet_version = papers->fleet_count,
        .fleet = digest_of (
            papers->fleets[papers->fleet_count - 1].content.data,
            papers->fleets[papers->fleet_count - 1].content.size),
        .on_failure = shape->pauses_on_failure ? ON_FAILURE_PAUSE : ON_FAILURE_ROLLBACK,
        .override_role = shape->override_approvals > 0 ? ROLE_MANAGERS : "",
        .override_approvals = shape->override_approvals,
        .artifacts = artifacts,
        .artifacts_count = 1,
        .suites = suites,
        .suites_count = 1,
        .steps = arena_array (&papers->arena, STORY_STEPS, sizeof (struct step)),
        .profile =
            {.product = product_name (shape->product),
             .start = command (papers, "start"),
             .stop = command (papers, "stop"),
             .health = health,
             .health_count = 1,
             .health_interval = span_seconds (1),
             .keep_releases = 1},
    };
    for (unsigned i = 0; i < shape->step_count; i++)
        add_step (&building, &shape->steps[i]);
}

static struct true_plan *add_plan (
    struct papers *papers, unsigned rollout, const struct plan *plan, enum key_name signer, bool genuine,
    struct instant now)
{
    struct true_plan *place = &papers->plans[papers->plan_count++];
    assert (papers->plan_count <= sizeof papers->plans / sizeof papers->plans[0]);
    *place = (struct true_plan){
        .envelope = papers_sign (papers, &plan_type, plan, key_of (signer), now),
        .plan = *plan,
        .rollout = rollout,
        .signer = signer,
        .genuine = genuine};
    place->digest = digest_of (place->envelope.content.data, place->envelope.content.size);
    return place;
}

static bool deploys (const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps_count; i++)
        if (plan->steps[i].kind == STEP_DEPLOY)
            return true;
    return false;
}

struct true_plan *papers_plan (struct papers *papers, unsigned rollout, struct instant now)
{
    struct plan plan;
    bool by_second = rollout % 2 == 1 && has_key (&papers->trust[papers->trust_count - 1], KEY_RELEASE_2);
    fill_plan (papers, rollout, &plan, now);
    if (!deploys (&plan))
        return NULL;
    return add_plan (papers, rollout, &plan, by_second ? KEY_RELEASE_2 : KEY_RELEASE_1, true, now);
}

struct true_plan *papers_false_plan (struct papers *papers, unsigned kind, struct instant now)
{
    static const enum key_name signers[] = {KEY_STRANGER, KEY_RELEASE_2, KEY_RELEASE_1, KEY_ANA};
    struct plan plan;
    if (papers->plan_count == 0 || papers->plan_count + 8 >= sizeof papers->plans / sizeof papers->plans[0] ||
        papers->content_count + 8 > CONTENTS ||
        (kind == 1 && has_key (&papers->trust[papers->trust_count - 1], KEY_RELEASE_2)))
        return NULL;
    fill_plan (papers, 0, &plan, now);
    plan.version = "6.6.6";
    if (kind == 2)
        plan.expires.ms = now.ms - DAYS (1);
    ((struct artifact *)plan.artifacts)[0].digest = make_content (papers, "stolen goods", 66);
    ((struct artifact *)plan.artifacts)[0].length = 66;
    return deploys (&plan) ? add_plan (papers, 0, &plan, signers[kind], false, now) : NULL;
}

const struct true_plan *papers_plan_of (const struct papers *papers, const struct digest *digest)
{
    for (size_t i = 0; i < papers->plan_count; i++)
        if (digest_equal (&papers->plans[i].digest, digest))
            return &papers->plans[i];
    return NULL;
}

/* --------------------------------------------------------------------------------------- receipts, approvals
 */

static size_t *index_place (const struct papers *papers, const struct digest *digest)
{
    size_t place;
    memcpy (&place, digest->bytes, sizeof place);
    while (papers->index[place %= papers->index_size] != 0 &&
           !digest_equal (&papers->papers[papers->index[place] - 1].digest, digest))
        place++;
    return &papers->index[place];
}

static void grow (struct papers *papers)
{
    papers->paper_capacity = papers->paper_capacity == 0 ? 64 : 2 * papers->paper_capacity;
    papers->papers = realloc (papers->papers, papers->paper_capacity * sizeof *papers->papers);
    free (papers->index);
    papers->index_size = 4 * papers->paper_capacity;
    papers->index = calloc (papers->index_size, sizeof *papers->index);
    assert (papers->papers != NULL && papers->index != NULL);
    for (size_t i = 0; i < papers->paper_count; i++)
        *index_place (papers, &papers->papers[i].digest) = i + 1;
}

struct true_paper *papers_find (const struct papers *papers, const struct digest *digest)
{
    size_t place = papers->index_size > 0 ? *index_place (papers, digest) : 0;
    return place > 0 ? &papers->papers[place - 1] : NULL;
}

static struct true_paper *keep (struct papers *papers, const struct envelope *envelope)
{
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    struct true_paper *paper;
    if (papers_find (papers, &digest) != NULL)
        return NULL;
    if (papers->paper_count == papers->paper_capacity)
        grow (papers);
    paper = &papers->papers[papers->paper_count++];
    *paper = (struct true_paper){.digest = digest, .envelope = envelope_copy (envelope, &papers->arena)};
    *index_place (papers, &digest) = papers->paper_count;
    return paper;
}

void papers_keep_receipt (struct papers *papers, const struct envelope *envelope)
{
    struct true_paper *paper = keep (papers, envelope);
    struct receipt *receipt;
    bool good;
    if (paper == NULL)
        return;
    receipt = arena_take (&papers->arena, sizeof *receipt);
    good = document_read (&receipt_type, envelope->content, &papers->arena, receipt, NULL);
    assert (good);
    paper->receipt = receipt;
}

void papers_keep_permit (struct papers *papers, const struct envelope *envelope)
{
    (void)keep (papers, envelope);
}

void papers_keep_approval (
    struct papers *papers, const struct envelope *envelope, const struct approval *approval,
    enum key_name key)
{
    struct true_paper *paper = keep (papers, envelope);
    if (paper == NULL)
        return;
    paper->approval = arena_copy (&papers->arena, approval, sizeof *approval);
    paper->key = key;
}

/* ---------------------------------------------------------------------------------------------- open, close
 */

struct note_release papers_old_release (struct papers *papers, unsigned product)
{
    struct test *health = arena_array (&papers->arena, 1, sizeof *health);
    health[0] = script (papers, "health");
    return (struct note_release){
        .product = product_name (product),
        .current =
            {.product = product_name (product),
             .version = OLD_VERSION,
             .plan = digest_of (OLD_VERSION, strlen (OLD_VERSION)),
             .counter = OLD_COUNTER},
        .folder = OLD_VERSION "-before",
        .previous = {.product = "", .version = ""},
        .previous_folder = "",
        .profile = {
            .product = product_name (product),
            .start = command (papers, "start"),
            .stop = command (papers, "stop"),
            .health = health,
            .health_count = 1,
            .health_interval = span_seconds (1),
            .keep_releases = 1}};
}

void papers_open (struct papers *papers, const struct story *story, struct instant start)
{
    struct cast everybody = {0};
    *papers = (struct papers){.story = story, .start = start};
    make_trust (papers, &everybody, start);
    (void)papers_next_fleet (papers, -1, start);
}

void papers_close (struct papers *papers)
{
    free (papers->papers);
    free (papers->index);
    arena_free (&papers->arena);
}
