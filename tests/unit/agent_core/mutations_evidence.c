/* Forged receipts and approvals in an otherwise honest permit: fields changed, signed anew by other hosts,
   the controller, other roles, or by the right key but about something else. The gate opens for none of them.
 */
#include "siege.h"

enum { BATCH = 50, REASONS = 3, SOURCES = 2 * EVIDENCE + REASONS };

/* Where the forged piece stands. */
enum scene {
    BEFORE_STEP_4, /* p2: one of the four pieces that it needs */
    BEFORE_STEP_2, /* p1: the receipt that it kept, which is all that step 2 needs */
    BEFORE_RETURN, /* p2: the reason to go back */
};

struct forgery {
    const struct record_type *type;
    struct receipt receipt;
    struct approval approval;
    struct envelope envelope;
    unsigned signers[2];
    size_t count;
};

struct theatre {
    struct siege *siege;
    enum scene scene;
    struct release other;
    struct envelope
        sources[SOURCES]; /* what forgeries begin from: this plan's, then the reasons, then another's */
};

static void theatre_begin (struct theatre *theatre, struct siege *siege, enum scene scene)
{
    static const struct receipt failed = {.step = 2, .attempt = 1, .outcome = OUTCOME_FAILED};
    struct release *release = &siege->release;
    struct digest seen;
    siege_begin (siege, scene == BEFORE_STEP_2 ? HOST_1 : HOST_2);
    *theatre = (struct theatre){.siege = siege, .scene = scene, .other = siege_release (siege, "3.0", 3)};
    memcpy (theatre->sources, siege->evidence, sizeof siege->evidence);
    seen = what_people_saw (release, &siege->evidence[KEPT], &siege->evidence[PASSED]);
    theatre->sources[EVIDENCE] = siege_receipt (siege, release, failed);
    theatre->sources[EVIDENCE + 1] =
        make_approval (siege->world, release, 0, 1, DECISION_ABORT, OPERATOR, (struct digest){{0}});
    theatre->sources[EVIDENCE + 2] = make_approval (siege->world, release, 3, 1, DECISION_REJECT, LUIS, seen);
    make_evidence (siege, &theatre->other, 2, theatre->sources + EVIDENCE + REASONS);
}

/* ---------------------------------------------------------------------------------------------- forgeries */

/* A stranger to all of this where the name is nobody's. */
static unsigned signer_named (const char *name)
{
    for (unsigned i = 0; i < SIGNERS; i++)
        if (strcmp (signer_names[i], name) == 0)
            return i;
    return STRANGER;
}

/* Half of them by the one whom it speaks for. */
static void choose_signers (struct siege *siege, struct forgery *forgery)
{
    const char *speaker = forgery->type == &receipt_type ? forgery->receipt.host : forgery->approval.name;
    struct mutator *mutator = &siege->mutator;
    forgery->count = 1 + roll (mutator, 2);
    for (size_t i = 0; i < forgery->count; i++)
        forgery->signers[i] =
            one_in (mutator, 2) ? (unsigned)roll (mutator, SIGNERS) : signer_named (speaker);
}

static bool forge (struct theatre *theatre, const struct envelope *source, struct forgery *ret)
{
    struct siege *siege = theatre->siege;
    size_t mutations = roll (&siege->mutator, 4);
    struct buffer content = {0};
    void *record;
    bool good;
    *ret = (struct forgery){.count = 0};
    assert_true (document_type (source->content, &ret->type, NULL));
    record = ret->type == &receipt_type ? (void *)&ret->receipt : &ret->approval;
    assert_true (document_read (ret->type, source->content, &siege->round, record, NULL));
    for (size_t i = 0; i < mutations; i++)
        mutate_record (&siege->mutator, ret->type, record);
    choose_signers (siege, ret);
    good = document_write (ret->type, record, &content, NULL);
    if (good)
        ret->envelope = sign_content (
            siege, (struct bytes){arena_copy (&siege->round, content.data, content.size), content.size},
            ret->signers, ret->count);
    buffer_free (&content);
    return good;
}

/* ------------------------------------------------------------------------------------ what would be right */

static bool is_by (const struct forgery *forgery, const char *name)
{
    for (size_t i = 0; i < forgery->count; i++)
        if (strcmp (signer_names[forgery->signers[i]], name) == 0)
            return true;
    return false;
}

static bool is_one_of (const char *name, const char *first, const char *second, const char *third)
{
    return strcmp (name, first) == 0 || strcmp (name, second) == 0 || strcmp (name, third) == 0;
}

/* Another sign-off is as good, by whoever has not signed off yet. */
static bool is_sign_off (const struct theatre *theatre, const struct forgery *forgery, size_t place)
{
    const struct siege *siege = theatre->siege;
    const struct approval *approval = &forgery->approval;
    const struct digest seen =
        what_people_saw (&siege->release, &siege->evidence[KEPT], &siege->evidence[PASSED]);
    const char *already = place == ANA_APPROVES ? "luis" : "ana";
    return forgery->type == &approval_type && digest_equal (&approval->plan, &siege->release.digest) &&
           approval->step == 3 && approval->attempt == 1 && approval->decision == DECISION_APPROVE &&
           strcmp (approval->role, "release-managers") == 0 &&
           is_one_of (approval->name, "ana", "luis", "eva") && strcmp (approval->name, already) != 0 &&
           is_by (forgery, approval->name) && digest_equal (&approval->evidence, &seen) &&
           approval->expires.ms > siege->world->now.ms;
}

static bool is_kept_by_p1 (const struct theatre *theatre, const struct forgery *forgery)
{
    const struct receipt *receipt = &forgery->receipt;
    return forgery->type == &receipt_type && is_by (forgery, "p1") && strcmp (receipt->host, "p1") == 0 &&
           digest_equal (&receipt->plan, &theatre->siege->release.digest) && receipt->kind == PERMIT_STEP &&
           receipt->step == 1 && receipt->attempt == 1 && receipt->outcome == OUTCOME_KEPT &&
           receipt->counter > 0;
}

/* In step 2 "passed" takes the results of both tests; elsewhere there is nothing to prove. */
static bool has_passed_all (const struct receipt *receipt)
{
    return receipt->step != 2 ||
           (receipt->tests_count == 2 && strcmp (receipt->tests[0].name, "login") == 0 &&
            strcmp (receipt->tests[1].name, "publish") == 0 && receipt->tests[0].verdict == VERDICT_PASSED &&
            receipt->tests[1].verdict == VERDICT_PASSED);
}

/* Whoever has a say in this plan says no. */
static bool is_reason (const struct theatre *theatre, const struct forgery *forgery)
{
    const struct digest *plan = &theatre->siege->release.digest;
    const struct receipt *receipt = &forgery->receipt;
    const struct approval *approval = &forgery->approval;
    if (forgery->type == &receipt_type)
        return is_by (forgery, receipt->host) && is_one_of (receipt->host, "p1", "p2", "p2") &&
               digest_equal (&receipt->plan, plan) && receipt->attempt == 1 && receipt->counter > 0 &&
               (receipt->kind == PERMIT_RETURN ||
                (receipt->outcome != OUTCOME_KEPT &&
                 (receipt->outcome != OUTCOME_PASSED || !has_passed_all (receipt))));
    if (!is_by (forgery, approval->name) || !digest_equal (&approval->plan, plan) || approval->attempt != 1 ||
        approval->expires.ms <= theatre->siege->world->now.ms)
        return false;
    if (approval->decision == DECISION_REJECT)
        return approval->step == 3 && is_one_of (approval->name, "ana", "luis", "eva") &&
               strcmp (approval->role, "release-managers") == 0;
    return (approval->decision == DECISION_ABORT || approval->decision == DECISION_UNDO) &&
           approval->step == 0 && is_one_of (approval->name, "operator-1", "operator-2", "operator-2") &&
           strcmp (approval->role, ROLE_OPERATOR) == 0;
}

/* A receipt is part of what people saw: not one byte of it may change. */
static bool is_right (const struct theatre *theatre, const struct forgery *forgery, size_t place)
{
    switch (theatre->scene) {
    case BEFORE_STEP_2:
        return is_kept_by_p1 (theatre, forgery);
    case BEFORE_RETURN:
        return is_reason (theatre, forgery);
    case BEFORE_STEP_4:
        break;
    }
    if (place >= ANA_APPROVES)
        return is_sign_off (theatre, forgery, place);
    return is_by (forgery, "p1") &&
           bytes_equal (forgery->envelope.content, theatre->siege->evidence[place].content);
}

/* ------------------------------------------------------------------------------------------------ attacks */

static size_t feed_permit (struct theatre *theatre, struct envelope *evidence, size_t count)
{
    static const uint64_t steps[] = {4, 2, 0};
    struct siege *siege = theatre->siege;
    struct permit permit = make_permit (siege->world, &siege->release, steps[theatre->scene], 1);
    struct permit_offer message = {.evidence = evidence, .evidence_count = count};
    const unsigned controller = CONTROLLER;
    struct buffer content = {0};
    size_t acts;
    permit.evidence = arena_array (&siege->round, count, sizeof *permit.evidence);
    permit.evidence_count = count;
    for (size_t i = 0; i < count; i++)
        permit.evidence[i] = content_digest (&evidence[i]);
    assert_true (document_write (&permit_type, &permit, &content, NULL));
    message.permit = sign_content (siege, buffer_bytes (&content), &controller, 1);
    acts = feed_message (siege, &permit_offer_type, &message);
    buffer_free (&content);
    return acts;
}

/* What the forgery begins from: mostly the piece whose place it takes. */
static const struct envelope *source_for (struct theatre *theatre, size_t place)
{
    struct mutator *mutator = &theatre->siege->mutator;
    if (one_in (mutator, 3))
        return &theatre->sources[roll (mutator, SOURCES)];
    if (theatre->scene == BEFORE_RETURN)
        return &theatre->sources[EVIDENCE + roll (mutator, REASONS)];
    if (place >= ANA_APPROVES && one_in (mutator, 3)) /* the same person a second time */
        return &theatre->sources[place == ANA_APPROVES ? LUIS_APPROVES : ANA_APPROVES];
    return &theatre->sources[place];
}

static void attack (struct theatre *theatre)
{
    struct siege *siege = theatre->siege;
    size_t count = theatre->scene == BEFORE_STEP_4 ? EVIDENCE : 1;
    size_t place = roll (&siege->mutator, count);
    struct envelope evidence[EVIDENCE];
    struct forgery forgery;
    memcpy (evidence, siege->evidence, sizeof evidence);
    if (!forge (theatre, source_for (theatre, place), &forgery) || is_right (theatre, &forgery, place)) {
        round_void (siege);
        return;
    }
    evidence[place] = forgery.envelope;
    round_end (siege, feed_permit (theatre, evidence, count), forgery.type->name);
}

/* The genuine evidence opens the gate of the same installer. */
static void assert_opens (struct theatre *theatre)
{
    struct siege *siege = theatre->siege;
    struct envelope evidence[EVIDENCE];
    memcpy (evidence, siege->evidence, sizeof evidence);
    if (theatre->scene == BEFORE_RETURN)
        evidence[0] = theatre->sources[EVIDENCE + roll (&siege->mutator, REASONS)];
    assert_true (feed_permit (theatre, evidence, theatre->scene == BEFORE_STEP_4 ? EVIDENCE : 1) > 0);
    arena_free (&siege->round);
}

/* ------------------------------------------------------------------------------------------------- tests */

static void besiege (enum scene scene, const char *name)
{
    struct siege siege = siege_new ();
    struct theatre theatre;
    for (size_t left = mutations_wanted (3000); left > 0;) {
        struct digest digests[2 + SOURCES];
        theatre_begin (&theatre, &siege, scene);
        round_begin (&siege);
        digests[0] = siege.release.digest;
        digests[1] = theatre.other.digest;
        for (size_t i = 0; i < SOURCES; i++)
            digests[2 + i] = content_digest (&theatre.sources[i]);
        siege.mutator.digests = digests;
        siege.mutator.digest_count = 2 + SOURCES;
        siege.mutator.texts = signer_names;
        siege.mutator.text_count = SIGNERS;
        offer (siege.world, &siege.release.plan);
        for (size_t i = 0; i < BATCH && left > 0; i++, left--)
            attack (&theatre);
        assert_opens (&theatre);
        siege_end (&siege);
    }
    siege_report (&siege, name);
}

static void test_forged_step_4 (void **state)
{
    (void)state;
    besiege (BEFORE_STEP_4, "before step 4");
}

static void test_forged_step_2 (void **state)
{
    (void)state;
    besiege (BEFORE_STEP_2, "before step 2");
}

static void test_forged_reason (void **state)
{
    (void)state;
    besiege (BEFORE_RETURN, "before a return");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_forged_step_4),
        cmocka_unit_test (test_forged_step_2),
        cmocka_unit_test (test_forged_reason),
    };
    return cmocka_run_group_tests_name ("agent forged evidence", tests, NULL, NULL);
}
