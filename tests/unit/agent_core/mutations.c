/* Whoever holds no key that counts: mutations of documents that an installer would obey. Each batch ends with
   the genuine ones, obeyed by the installer that has just been attacked. */
#include "siege.h"

#include <sodium.h>

enum { BATCH = 64, HASH_SIZE = 64, GENUINE = 10 };

enum target { TRUST, FLEET, PLAN, PERMIT, PIECE };

struct genuine {
    const struct record_type *type;
    struct envelope envelope;
    size_t threshold;
    unsigned rightful[3]; /* whose signatures count; one of one: three times the same */
};

/* All genuine documents of one siege. The first three would be taken wherever they are offered. */
struct court {
    struct siege *siege;
    struct genuine documents[GENUINE];
};

static struct genuine genuine_of (
    const struct record_type *type, struct envelope envelope, size_t threshold, unsigned first,
    unsigned second, unsigned third)
{
    return (struct genuine){type, envelope, threshold, {first, second, third}};
}

/* Lists what it came with, as the controller does. */
static struct envelope genuine_permit (struct siege *siege, uint64_t step, size_t evidence)
{
    struct permit permit = make_permit (siege->world, &siege->release, step, 1);
    permit.evidence = arena_array (&siege->world->arena, EVIDENCE, sizeof *permit.evidence);
    permit.evidence_count = evidence;
    for (size_t i = 0; i < evidence; i++)
        permit.evidence[i] = content_digest (&siege->evidence[i]);
    return sign (siege->world, &permit_type, &permit, CONTROLLER);
}

static struct envelope genuine_tick (struct siege *siege)
{
    struct world *world = siege->world;
    struct tick tick = {
        .epoch = 1,
        .sequence = 1,
        .issued = world->now,
        .expires = later (world, 100),
        .trust_version = 2,
        .fleet_version = 1};
    return sign (world, &tick_type, &tick, CONTROLLER);
}

static void court_begin (struct court *court, struct siege *siege, enum who host)
{
    struct genuine *documents = court->documents;
    struct trust next;
    struct envelope envelope;
    siege_begin (siege, host);
    court->siege = siege;
    next = siege_trust (siege, 3);
    envelope = sign (siege->world, &trust_type, &next, ROOT);
    sign_too (siege, &envelope, ROOT_2);
    documents[TRUST] = genuine_of (&trust_type, envelope, 2, ROOT, ROOT_2, ROOT_3);
    envelope = make_fleet (siege->world, 2);
    sign_too (siege, &envelope, OPERATOR_2);
    documents[FLEET] = genuine_of (&fleet_type, envelope, 2, OPERATOR, OPERATOR_2, OPERATOR);
    documents[PLAN] = genuine_of (&plan_type, siege->release.plan, 2, RELEASER, RELEASER_2, RELEASER_3);
    envelope = genuine_permit (siege, host == HOST_2 ? 4 : 1, host == HOST_2 ? EVIDENCE : 0);
    documents[PERMIT] = genuine_of (&permit_type, envelope, 1, CONTROLLER, CONTROLLER, CONTROLLER);
    for (size_t i = 0; i < EVIDENCE; i++)
        documents[PIECE + i] = i < ANA_APPROVES
                                   ? genuine_of (&receipt_type, siege->evidence[i], 1, HOST_1, HOST_1, HOST_1)
                                   : genuine_of (&approval_type, siege->evidence[i], 1, ANA, LUIS, EVA);
    documents[PIECE + EVIDENCE] = genuine_of (&trust_type, siege->trust, 2, ROOT, ROOT_2, ROOT_3);
    documents[PIECE + EVIDENCE + 1] =
        genuine_of (&tick_type, genuine_tick (siege), 1, CONTROLLER, CONTROLLER, CONTROLLER);
    static_assert (PIECE + EVIDENCE + 2 == GENUINE, "each has its place");
}

/* ------------------------------------------------------------------------------- what is no attack after all
 */

/* The same bytes, signed by as many of the rightful keys as it takes: whoever holds those needs no attack. */
static bool is_right (
    const struct court *court, const struct genuine *genuine, const struct envelope *envelope)
{
    struct public_key keys[3];
    for (size_t i = 0; i < 3; i++)
        keys[i] = court->siege->keys[genuine->rightful[i]].public;
    return bytes_equal (genuine->envelope.content, envelope->content) &&
           document_signers (envelope, keys, 3, NULL) >= genuine->threshold;
}

static bool is_offerable (const struct court *court, const struct envelope *envelope)
{
    return is_right (court, &court->documents[TRUST], envelope) ||
           is_right (court, &court->documents[FLEET], envelope) ||
           is_right (court, &court->documents[PLAN], envelope);
}

/* The genuine permit, with each of the genuine pieces once, in any order. */
static bool is_right_offer (const struct court *court, const struct permit_offer *offer)
{
    bool right =
        is_right (court, &court->documents[PERMIT], &offer->permit) && offer->evidence_count == EVIDENCE;
    for (size_t i = 0; i < EVIDENCE && right; i++) {
        right = false;
        for (size_t j = 0; j < EVIDENCE; j++)
            right = right || is_right (court, &court->documents[PIECE + i], &offer->evidence[j]);
    }
    return right;
}

/* ---------------------------------------------------------------------------------------------- mutations */

static const struct genuine *any_document (struct court *court)
{
    return &court->documents[roll (&court->siege->mutator, GENUINE)];
}

/* One to three keys that together have no right to sign this. */
static size_t wrong_signers (struct court *court, const struct genuine *genuine, unsigned ret[3])
{
    struct mutator *mutator = &court->siege->mutator;
    size_t count = 1 + roll (mutator, 3);
    size_t rightful = 0;
    for (size_t i = 0; i < count;) {
        unsigned signer = (unsigned)roll (mutator, SIGNERS);
        bool counts = signer == genuine->rightful[0] || signer == genuine->rightful[1] ||
                      signer == genuine->rightful[2];
        if (counts && rightful + 1 >= genuine->threshold)
            continue;
        rightful += counts ? 1 : 0;
        ret[i++] = signer;
    }
    return count;
}

/* Signed by a stranger whose key bears the rightful key's number. */
static void sign_by_namesake (struct court *court, const struct genuine *genuine, struct envelope *envelope)
{
    struct siege *siege = court->siege;
    struct secret_key key = siege->keys[STRANGER];
    memcpy (key.public.number, siege->keys[genuine->rightful[0]].public.number, KEY_NUMBER_SIZE);
    add_signature (envelope, &key, siege->world->now, &siege->round);
}

/* A signature covers the hash of the content: does it pass for one over the hash itself, in the older form?
 */
static void claim_hash (struct court *court, struct envelope *envelope)
{
    struct arena *arena = &court->siege->round;
    uint8_t *hash = arena_take (arena, HASH_SIZE);
    const char **all = arena_array (arena, envelope->signatures_count, sizeof *all);
    crypto_generichash (hash, HASH_SIZE, envelope->content.data, envelope->content.size, NULL, 0);
    for (size_t i = 0; i < envelope->signatures_count; i++) {
        char *text = arena_text (arena, envelope->signatures[i]);
        char *form = strchr (text, '\n');
        assert_non_null (form);
        assert_memory_equal (form + 1, "RU", 2); /* base64 of "ED…" */
        form[2] = 'W';                           /* of "Ed…" */
        all[i] = text;
    }
    envelope->signatures = all;
    if (one_in (&court->siege->mutator, 2))
        envelope->content = (struct bytes){hash, HASH_SIZE};
}

static void mutate_content (
    struct court *court, const struct genuine *genuine, const struct genuine *other,
    struct envelope *envelope)
{
    struct mutator *mutator = &court->siege->mutator;
    struct bytes content = envelope->content;
    if (one_in (mutator, 2) || !mutate_document (mutator, genuine->type, content, &envelope->content))
        envelope->content = mutate_bytes (mutator, content, other->envelope.content);
}

static void mutate_signatures (struct court *court, const struct genuine *other, struct envelope *envelope)
{
    struct mutator *mutator = &court->siege->mutator;
    const char **all = arena_array (mutator->arena, envelope->signatures_count + 1, sizeof *all);
    size_t which = roll (mutator, envelope->signatures_count);
    struct bytes changed;
    for (size_t i = 0; i < envelope->signatures_count; i++)
        all[i] = envelope->signatures[i];
    envelope->signatures = all;
    switch (roll (mutator, 6)) {
    case 0:
        envelope->signatures_count = 0;
        break;
    case 1: /* one is dropped */
        all[which] = all[--envelope->signatures_count];
        break;
    case 2: /* one stands in place of all */
        for (size_t i = 0; i < envelope->signatures_count; i++)
            all[i] = all[which];
        break;
    case 3:
        envelope->signatures = other->envelope.signatures;
        envelope->signatures_count = other->envelope.signatures_count;
        break;
    default:
        changed =
            mutate_bytes (mutator, bytes_of_text (all[which]), bytes_of_text (other->envelope.signatures[0]));
        all[which] = arena_text_of (mutator->arena, (const char *)changed.data, changed.size);
    }
}

static struct envelope mutate_envelope (struct court *court, const struct genuine *genuine)
{
    struct siege *siege = court->siege;
    const struct genuine *other = any_document (court);
    struct envelope envelope = genuine->envelope;
    unsigned signers[3];
    size_t count = wrong_signers (court, genuine, signers);
    switch (roll (&siege->mutator, 12)) {
    case 0:
        return other->envelope;
    case 1: /* the genuine words, by the wrong people */
        return sign_content (siege, envelope.content, signers, count);
    case 2:
    case 3: /* new words, by the wrong people */
        mutate_content (court, genuine, other, &envelope);
        return sign_content (siege, envelope.content, signers, count);
    case 4:
        mutate_content (court, genuine, other, &envelope);
        sign_by_namesake (court, genuine, &envelope);
        return envelope;
    case 5:
        claim_hash (court, &envelope);
        return envelope;
    case 6:
    case 7:
    case 8:
        mutate_signatures (court, other, &envelope);
        return envelope;
    default:
        mutate_content (court, genuine, other, &envelope);
        return envelope;
    }
}

/* ------------------------------------------------------------------------------------------------ attacks */

static void attack_by_offer (struct court *court, enum target target)
{
    struct siege *siege = court->siege;
    struct envelope envelope = mutate_envelope (court, &court->documents[target]);
    size_t acts;
    if (is_offerable (court, &envelope)) {
        round_void (siege);
        return;
    }
    acts = feed_document (siege, &envelope);
    round_end (siege, acts, court->documents[target].type->name);
}

/* The controller's true permit for whatever plan this is: only the plan's own signatures stand in the way. */
static void attack_by_plan (struct court *court)
{
    struct siege *siege = court->siege;
    struct envelope plan = mutate_envelope (court, &court->documents[PLAN]);
    struct permit permit = make_permit (siege->world, &siege->release, 1, 1);
    struct permit_offer message = {.epoch = 0};
    const unsigned controller = CONTROLLER;
    struct buffer content = {0};
    size_t acts = 0;
    if (is_offerable (court, &plan)) {
        round_void (siege);
        return;
    }
    permit.plan = content_digest (&plan);
    assert_true (document_write (&permit_type, &permit, &content, NULL));
    message.permit = sign_content (siege, buffer_bytes (&content), &controller, 1);
    if (one_in (&siege->mutator, 2))
        acts += feed_message (siege, &permit_offer_type, &message);
    acts += feed_document (siege, &plan);
    acts += feed_message (siege, &permit_offer_type, &message);
    buffer_free (&content);
    round_end (siege, acts, "plan");
}

/* One document of an offer that would be obeyed. */
static void attack_by_permit (struct court *court, enum target target)
{
    struct siege *siege = court->siege;
    struct envelope evidence[EVIDENCE];
    struct permit_offer message = {
        .permit = court->documents[PERMIT].envelope, .evidence = evidence, .evidence_count = EVIDENCE};
    size_t which = roll (&siege->mutator, EVIDENCE);
    size_t acts;
    memcpy (evidence, siege->evidence, sizeof evidence);
    if (target == PERMIT)
        message.permit = mutate_envelope (court, &court->documents[PERMIT]);
    else
        evidence[which] = mutate_envelope (court, &court->documents[PIECE + which]);
    if (is_right_offer (court, &message)) {
        round_void (siege);
        return;
    }
    acts = feed_message (siege, &permit_offer_type, &message);
    round_end (siege, acts, target == PERMIT ? "permit" : "evidence");
}

/* Any byte of the whole message. */
static void attack_by_bytes (struct court *court)
{
    struct siege *siege = court->siege;
    struct permit_offer genuine = {
        .permit = court->documents[PERMIT].envelope, .evidence = siege->evidence, .evidence_count = EVIDENCE};
    struct heartbeat heartbeat = {.tick = court->documents[GENUINE - 1].envelope};
    struct buffer bytes = {0};
    struct buffer other = {0};
    struct bytes changed;
    struct message message;
    size_t acts;
    assert_true (message_encode (&permit_offer_type, &genuine, &bytes, NULL));
    assert_true (message_encode (&heartbeat_type, &heartbeat, &other, NULL));
    changed = mutate_bytes (&siege->mutator, buffer_bytes (&bytes), buffer_bytes (&other));
    buffer_free (&bytes);
    buffer_free (&other);
    if (message_decode (MESSAGE, FROM_SESSION, changed, &siege->round, &message, NULL) &&
        message.type == &permit_offer_type && is_right_offer (court, message.record)) {
        round_void (siege);
        return;
    }
    acts = feed_bytes (siege, changed);
    round_end (siege, acts, "message");
}

/* ---------------------------------------------------------------------------------------------- controls */

/* After all that: the genuine document is taken, by the same installer. */
static void assert_taken (struct court *court, enum target target)
{
    struct siege *siege = court->siege;
    assert_int_equal (feed_document (siege, &court->documents[target].envelope), 1);
    arena_free (&siege->round);
    siege_end (siege);
}

static void assert_obeyed (struct court *court, size_t evidence)
{
    struct siege *siege = court->siege;
    struct world *world = siege->world;
    struct permit_offer message = {
        .permit = court->documents[PERMIT].envelope, .evidence = siege->evidence, .evidence_count = evidence};
    offer (world, &siege->release.plan);
    enqueue_message (world, &permit_offer_type, &message);
    run (world);
    assert_int_equal (world->receipts, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_KEPT);
    assert_runs (world, siege->release.folder);
    siege_end (siege);
}

/* ------------------------------------------------------------------------------------------------- tests */

static void besiege_by_offers (enum target target, const char *name)
{
    struct siege siege = siege_new ();
    struct court court;
    for (size_t left = mutations_wanted (3000); left > 0;) {
        court_begin (&court, &siege, HOST_1);
        round_begin (&siege);
        for (size_t i = 0; i < BATCH && left > 0; i++, left--)
            if (target == PLAN)
                attack_by_plan (&court);
            else
                attack_by_offer (&court, target);
        if (target == PLAN)
            assert_obeyed (&court, 0);
        else
            assert_taken (&court, target);
    }
    siege_report (&siege, name);
}

static void test_mutated_trust (void **state)
{
    (void)state;
    besiege_by_offers (TRUST, "trust");
}

static void test_mutated_fleet (void **state)
{
    (void)state;
    besiege_by_offers (FLEET, "fleet");
}

static void test_mutated_plan (void **state)
{
    (void)state;
    besiege_by_offers (PLAN, "plan");
}

/* NULL: the whole message, byte by byte. */
static void besiege_by_permits (const enum target *target, const char *name)
{
    struct siege siege = siege_new ();
    struct court court;
    for (size_t left = mutations_wanted (3000); left > 0;) {
        court_begin (&court, &siege, HOST_2);
        round_begin (&siege);
        offer (siege.world, &siege.release.plan);
        for (size_t i = 0; i < BATCH && left > 0; i++, left--)
            if (target != NULL)
                attack_by_permit (&court, *target);
            else
                attack_by_bytes (&court);
        assert_obeyed (&court, EVIDENCE);
    }
    siege_report (&siege, name);
}

static void test_mutated_permit (void **state)
{
    const enum target target = PERMIT;
    (void)state;
    besiege_by_permits (&target, "permit");
}

static void test_mutated_evidence (void **state)
{
    const enum target target = PIECE;
    (void)state;
    besiege_by_permits (&target, "evidence");
}

static void test_mutated_message (void **state)
{
    (void)state;
    besiege_by_permits (NULL, "message");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_mutated_trust),    cmocka_unit_test (test_mutated_fleet),
        cmocka_unit_test (test_mutated_plan),     cmocka_unit_test (test_mutated_permit),
        cmocka_unit_test (test_mutated_evidence), cmocka_unit_test (test_mutated_message),
    };
    return cmocka_run_group_tests_name ("agent mutations", tests, NULL, NULL);
}
