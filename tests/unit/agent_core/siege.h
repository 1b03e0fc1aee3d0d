/* An installer under attack by mutated documents: a world whose roles need two of three keys, the genuine
   documents, and a watch for acts. */
#ifndef RELEVO_TESTS_UNIT_AGENT_CORE_SIEGE_H
#define RELEVO_TESTS_UNIT_AGENT_CORE_SIEGE_H

#include "tests/unit/mutate.h"
#include "world.h"

/* Everybody who has a key here: those of the world first, in its order. */
enum {
    ROOT_2 = KEYS,
    ROOT_3,
    ROOT_4, /* of the next trust document alone */
    OPERATOR_2,
    RELEASER_2,
    RELEASER_3,
    EVA,
    BO,
    SIGNERS
};

static const char *const signer_names[SIGNERS] = {
    "root-1", "operator-1", "releaser-1", "controller-1", "ana",        "luis",       "stranger", "p1", "p2",
    "root-2", "root-3",     "root-4",     "operator-2",   "releaser-2", "releaser-3", "eva",      "bo"};

enum { EVIDENCE = 4, TURN_MS = 10 };

/* What step 4 needs: p1 kept, p1 passed, and two sign-offs. */
enum evidence { KEPT, PASSED, ANA_APPROVES, LUIS_APPROVES };

static const struct record_type *const evidence_types[EVIDENCE] = {
    &receipt_type, &receipt_type, &approval_type, &approval_type};

struct siege {
    struct world *world;
    struct mutator mutator;
    struct arena round; /* forgotten after each mutation */
    struct secret_key keys[SIGNERS];
    struct envelope trust; /* in force: version 2 */
    struct release release;
    struct envelope evidence[EVIDENCE];
    size_t attacks;
    size_t harmless; /* mutations that changed nothing that counts */
};

/* ------------------------------------------------------------------------------------------------ signing */

/* One more signature. */
static inline void add_signature (
    struct envelope *envelope, const struct secret_key *key, struct instant now, struct arena *arena)
{
    const char **all = arena_array (arena, envelope->signatures_count + 1, sizeof *all);
    struct buffer comment = {0};
    struct buffer text = {0};
    for (size_t i = 0; i < envelope->signatures_count; i++)
        all[i] = envelope->signatures[i];
    signature_comment (now, "siege", &comment);
    assert_true (signature_make (key, envelope->content, comment.data, &text, NULL));
    all[envelope->signatures_count++] = arena_text (arena, text.data);
    envelope->signatures = all;
    buffer_free (&comment);
    buffer_free (&text);
}

static inline void sign_too (struct siege *siege, struct envelope *envelope, unsigned signer)
{
    add_signature (envelope, &siege->keys[signer], siege->world->now, &siege->world->arena);
}

/* Content without signatures, signed by whom the attacker likes; memory of this round. */
static inline struct envelope sign_content (
    struct siege *siege, struct bytes content, const unsigned *signers, size_t count)
{
    struct envelope envelope = {.content = content};
    for (size_t i = 0; i < count; i++)
        add_signature (&envelope, &siege->keys[signers[i]], siege->world->now, &siege->round);
    return envelope;
}

/* ---------------------------------------------------------------------------------------- genuine documents
 */

static inline struct trust_role role_of (
    struct world *world, const char *name, const char *environment, uint64_t threshold, unsigned first,
    unsigned second, unsigned third)
{
    const unsigned keys[] = {first, second, third};
    struct trust_role role = {.name = name, .environment = environment, .threshold = threshold};
    role.keys = arena_array (&world->arena, 3, sizeof *role.keys);
    for (size_t i = 0; i < 3; i++)
        if (i == 0 || keys[i] != keys[0])
            role.keys[role.keys_count++] = signer_names[keys[i]];
    return role;
}

/* The same signer three times stands for a role of one. */
static inline struct trust siege_trust (struct siege *siege, uint64_t version)
{
    struct world *world = siege->world;
    struct trust_role roles[] = {
        role_of (world, ROLE_ROOT, "", 2, ROOT, ROOT_2, version < 3 ? ROOT_3 : ROOT_4),
        role_of (world, ROLE_OPERATOR, "", 2, OPERATOR, OPERATOR_2, OPERATOR),
        role_of (world, ROLE_RELEASER, "", 2, RELEASER, RELEASER_2, RELEASER_3),
        role_of (world, ROLE_CONTROLLER, "", 1, CONTROLLER, CONTROLLER, CONTROLLER),
        role_of (world, "release-managers", "", 2, ANA, LUIS, EVA),
        role_of (world, "release-managers", "staging", 1, BO, BO, BO),
        role_of (world, "testers", "", 1, BO, BO, BO),
    };
    struct trust trust = {
        .version = version, .issued = world->now, .expires = later (world, 5000000), .keys_count = SIGNERS};
    trust.keys = arena_array (&world->arena, SIGNERS, sizeof *trust.keys);
    for (size_t i = 0; i < SIGNERS; i++)
        trust.keys[i] = (struct trust_key){.name = signer_names[i], .key = siege->keys[i].public};
    trust.roles_count = sizeof roles / sizeof roles[0];
    trust.roles = arena_copy (&world->arena, roles, sizeof roles);
    return trust;
}

static inline struct release siege_release (struct siege *siege, const char *version, uint64_t counter)
{
    struct release release = make_plan (siege->world, version, counter, RELEASER);
    sign_too (siege, &release.plan, RELEASER_2);
    return release;
}

static inline struct envelope siege_receipt (
    struct siege *siege, const struct release *release, struct receipt receipt)
{
    struct test_result results[] = {
        {.name = "login", .verdict = VERDICT_PASSED}, {.name = "publish", .verdict = VERDICT_PASSED}};
    receipt.host = "p1";
    receipt.plan = release->digest;
    receipt.version = release->version;
    receipt.tests = results;
    receipt.tests_count = receipt.step == 2 ? 2 : 0;
    receipt.started = siege->world->now;
    receipt.finished = siege->world->now;
    receipt.counter = receipt.step + 1;
    return sign (siege->world, &receipt_type, &receipt, HOST_1);
}

/* What a person sees who decides on step 3. Made here anew, not by the gate that is under attack. */
static inline struct digest what_people_saw (
    const struct release *release, const struct envelope *kept, const struct envelope *passed)
{
    const struct digest parts[] = {release->digest, content_digest (kept), content_digest (passed)};
    return digest_of (parts, sizeof parts);
}

/* All that step 4 needs, in the order of enum evidence. */
static inline void make_evidence (
    struct siege *siege, const struct release *release, uint64_t attempt, struct envelope ret[EVIDENCE])
{
    static const struct receipt kept = {.step = 1, .outcome = OUTCOME_KEPT};
    static const struct receipt passed = {.step = 2, .outcome = OUTCOME_PASSED};
    struct receipt receipts[] = {kept, passed};
    struct digest seen;
    for (size_t i = 0; i < 2; i++) {
        receipts[i].attempt = attempt;
        ret[i] = siege_receipt (siege, release, receipts[i]);
    }
    seen = what_people_saw (release, &ret[KEPT], &ret[PASSED]);
    ret[ANA_APPROVES] = make_approval (siege->world, release, 3, attempt, DECISION_APPROVE, ANA, seen);
    ret[LUIS_APPROVES] = make_approval (siege->world, release, 3, attempt, DECISION_APPROVE, LUIS, seen);
}

/* Trust version 2 in force, taken as any installer takes it. */
static inline void siege_begin (struct siege *siege, enum who host)
{
    struct trust trust;
    siege->world = world_new (host);
    for (unsigned i = 0; i < SIGNERS; i++)
        siege->keys[i] = make_key (i);
    trust = siege_trust (siege, 2);
    siege->trust = sign (siege->world, &trust_type, &trust, ROOT);
    sign_too (siege, &siege->trust, ROOT_2);
    offer (siege->world, &siege->trust);
    assert_int_equal (siege->world->note_count, 3);
    siege->release = siege_release (siege, "2.0", 2);
    make_evidence (siege, &siege->release, 1, siege->evidence);
}

static inline void siege_end (struct siege *siege)
{
    world_free (siege->world);
    siege->world = NULL;
}

/* --------------------------------------------------------------------------------------------------- acts */

/* Whatever lasts or changes the host, but the clock. */
static inline bool is_act (const struct installer_effect *effect)
{
    if (effect->kind == INSTALLER_SEND)
        return false;
    return effect->kind != INSTALLER_RECORD || effect->type != &note_clock_type;
}

/* How many acts follow. They are not carried out: who lets one through is at the end. */
static inline size_t feed (struct world *world, struct installer_event event)
{
    struct installer_effects effects = {0};
    size_t acts = 0;
    world->now.ms += TURN_MS;
    event.now = world->now;
    installer_step (world->installer, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        if (is_act (&effects.items[i]))
            acts++;
        else
            perform (world, &effects.items[i]);
    installer_effects_free (&effects);
    return acts;
}

/* As it comes from the session: what the codec refuses does not arrive. */
static inline size_t feed_bytes (struct siege *siege, struct bytes bytes)
{
    struct installer_event event = {.kind = INSTALLER_MESSAGE};
    if (!message_decode (MESSAGE, FROM_SESSION, bytes, &siege->round, &event.message, NULL))
        return 0;
    return feed (siege->world, event);
}

static inline size_t feed_message (struct siege *siege, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    size_t acts = 0;
    if (message_encode (type, record, &bytes, NULL))
        acts = feed_bytes (siege, buffer_bytes (&bytes));
    buffer_free (&bytes);
    return acts;
}

static inline size_t feed_document (struct siege *siege, const struct envelope *document)
{
    struct offer message = {.document = *document};
    return feed_message (siege, &offer_type, &message);
}

/* A restart: what the journal says is no act of the attacker's. */
static inline size_t feed_restart (struct world *world)
{
    size_t notes = world->note_count;
    boot (world);
    return world->note_count - notes;
}

static inline size_t feed_time (struct world *world, int64_t ms)
{
    world->now.ms += ms;
    return feed (world, (struct installer_event){.kind = INSTALLER_TIME});
}

/* ------------------------------------------------------------------------------------------------- rounds */

static inline struct siege siege_new (void)
{
    return (struct siege){.mutator = mutator_new (NULL)};
}

static inline void round_begin (struct siege *siege)
{
    siege->mutator.arena = &siege->round;
}

static inline void round_end (struct siege *siege, size_t acts, const char *what)
{
    arena_free (&siege->round);
    siege->attacks++;
    if (acts > 0)
        fail_msg (
            "attack %zu (%s) led to %zu acts; again with RELEVO_SEED=%llu", siege->attacks, what, acts,
            (unsigned long long)siege->mutator.seed);
}

/* Nothing was attacked. */
static inline void round_void (struct siege *siege)
{
    arena_free (&siege->round);
    siege->harmless++;
}

static inline void siege_report (const struct siege *siege, const char *what)
{
    print_message ("%s: %zu attacks, %zu mutations without effect\n", what, siege->attacks, siege->harmless);
}

#endif
