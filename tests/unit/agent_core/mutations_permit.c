/* A controller with its true key, and genuine evidence of two plans and two attempts: it may sign whatever
   permit it likes, over any choice of that evidence. What would be right is told here anew, in a few lines,
   and everything else must lead to nothing. */
#include "siege.h"

enum { BATCH = 40, RELEASES = 2, ATTEMPTS = 2, PICKS = 8, PIECES = 64 };

enum kind {
    P1_KEPT,
    P1_PASSED,
    ANA_SAID_YES,
    LUIS_SAID_YES,
    RETRIED,
    FAILED,
    ABORTED,
    REJECTED,
    WENT_BACK,
    ALIEN
};

struct piece {
    struct envelope envelope;
    size_t release;
    uint64_t attempt;
    enum kind kind;
};

/* Where the attack is made. */
enum situation {
    FRESH,        /* p2, which has begun nothing; step 4 is its first */
    HAS_KEPT,     /* p1 has kept the first release */
    HAS_RETURNED, /* p1 kept the first release, and went back in attempt 1 */
    HAS_RETRIED,  /* p1 has kept the first release in attempt 1, and again in attempt 2 */
    HAS_NEWER,    /* p1 has kept the second release */
    FLEET_OVER,   /* p2, and the fleet document has expired */
    SITUATIONS
};

struct theatre {
    struct siege *siege;
    enum situation situation;
    struct release releases[RELEASES];
    struct piece pieces[PIECES];
    size_t count;
};

/* One attack. */
struct move {
    struct permit permit;
    const struct piece *picks[PICKS];
    size_t count;
};

/* ---------------------------------------------------------------------------------------- what there is */

static void add_piece (
    struct theatre *theatre, size_t release, uint64_t attempt, enum kind kind, struct envelope envelope)
{
    assert_true (theatre->count < PIECES);
    theatre->pieces[theatre->count++] = (struct piece){envelope, release, attempt, kind};
}

static void add_pieces (struct theatre *theatre, size_t which, uint64_t attempt)
{
    static const struct receipt failed = {.step = 2, .outcome = OUTCOME_FAILED};
    static const struct receipt back = {.kind = PERMIT_RETURN, .outcome = OUTCOME_RETURNED};
    struct siege *siege = theatre->siege;
    struct world *world = siege->world;
    const struct release *release = &theatre->releases[which];
    struct receipt receipts[] = {failed, back};
    struct envelope evidence[EVIDENCE];
    struct digest seen;
    make_evidence (siege, release, attempt, evidence);
    seen = what_people_saw (release, &evidence[KEPT], &evidence[PASSED]);
    for (size_t i = 0; i < EVIDENCE; i++)
        add_piece (theatre, which, attempt, (enum kind)i, evidence[i]);
    for (size_t i = 0; i < 2; i++) {
        receipts[i].attempt = attempt;
        add_piece (
            theatre, which, attempt, i == 0 ? FAILED : WENT_BACK,
            siege_receipt (siege, release, receipts[i]));
    }
    if (attempt > 1)
        add_piece (
            theatre, which, attempt, RETRIED,
            make_approval (world, release, 0, attempt, DECISION_RETRY, OPERATOR, (struct digest){{0}}));
    add_piece (
        theatre, which, attempt, ABORTED,
        make_approval (world, release, 0, attempt, DECISION_ABORT, OPERATOR, (struct digest){{0}}));
    add_piece (
        theatre, which, attempt, REJECTED,
        make_approval (world, release, 3, attempt, DECISION_REJECT, LUIS, seen));
}

static const struct piece *piece_of (
    const struct theatre *theatre, size_t release, uint64_t attempt, enum kind kind)
{
    for (size_t i = 0; i < theatre->count; i++)
        if (theatre->pieces[i].release == release && theatre->pieces[i].attempt == attempt &&
            theatre->pieces[i].kind == kind)
            return &theatre->pieces[i];
    fail_msg ("no such piece");
    return NULL;
}

static void order_back (struct theatre *theatre, size_t release)
{
    struct world *world = theatre->siege->world;
    struct envelope reason = piece_of (theatre, release, 1, ABORTED)->envelope;
    offer (world, &theatre->releases[release].plan);
    offer_permit (world, make_permit (world, &theatre->releases[release], 0, 1), &reason, 1);
    assert_int_equal (world->receipt.outcome, OUTCOME_RETURNED);
}

static void pick (struct move *move, const struct piece *piece)
{
    if (move->count < PICKS)
        move->picks[move->count++] = piece;
}

/* All that the step needs. */
static void pick_honestly (
    const struct theatre *theatre, struct move *move, size_t release, uint64_t step, uint64_t attempt)
{
    size_t needed = step == 4 ? EVIDENCE : step == 2 ? 1 : 0;
    for (size_t i = 0; i < needed; i++)
        pick (move, piece_of (theatre, release, attempt, (enum kind)i));
    if (attempt > 1)
        pick (move, piece_of (theatre, release, attempt, RETRIED));
}

static void obey (struct theatre *theatre, size_t release, uint64_t step, uint64_t attempt)
{
    struct siege *siege = theatre->siege;
    struct world *world = siege->world;
    struct envelope evidence[PICKS];
    struct move move = {.count = 0};
    size_t receipts = world->receipts;
    if (step == 0)
        pick (&move, piece_of (theatre, release, attempt, ABORTED));
    else
        pick_honestly (theatre, &move, release, step, attempt);
    for (size_t i = 0; i < move.count; i++)
        evidence[i] = move.picks[i]->envelope;
    offer (world, &theatre->releases[release].plan);
    offer_permit (
        world, make_permit (world, &theatre->releases[release], step, attempt), evidence, move.count);
    assert_int_equal (world->receipts, receipts + 1);
    assert_int_equal (world->receipt.step, step);
    assert_int_equal (
        world->receipt.outcome, step == 0   ? OUTCOME_RETURNED
                                : step == 2 ? OUTCOME_PASSED
                                            : OUTCOME_KEPT);
}

static void theatre_begin (struct theatre *theatre, struct siege *siege, enum situation situation)
{
    bool second = situation == FRESH || situation == FLEET_OVER;
    siege_begin (siege, second ? HOST_2 : HOST_1);
    if (situation == FLEET_OVER)
        siege->world->now = later (siege->world, 200000);
    *theatre = (struct theatre){.siege = siege, .situation = situation};
    for (size_t i = 0; i < RELEASES; i++)
        theatre->releases[i] = siege_release (siege, i == 0 ? "2.0" : "3.0", 2 + i);
    for (size_t i = 0; i < RELEASES; i++)
        for (uint64_t attempt = 1; attempt <= ATTEMPTS; attempt++)
            add_pieces (theatre, i, attempt);
    add_piece (theatre, RELEASES, 0, ALIEN, siege->trust);
    add_piece (theatre, RELEASES, 0, ALIEN, theatre->releases[0].plan);
    if (!second) {
        deploy (siege->world, &theatre->releases[situation == HAS_NEWER ? 1 : 0]);
        assert_int_equal (siege->world->receipt.outcome, OUTCOME_KEPT);
    }
    if (situation == HAS_RETURNED)
        order_back (theatre, 0);
    if (situation == HAS_RETRIED)
        obey (theatre, 0, 1, 2);
}

/* ------------------------------------------------------------------------------------ what would be right */

static bool has_kind (const struct move *move, enum kind kind)
{
    for (size_t i = 0; i < move->count; i++)
        if (move->picks[i]->kind == kind)
            return true;
    return false;
}

static bool is_closed (const struct move *move)
{
    return has_kind (move, FAILED) || has_kind (move, ABORTED) || has_kind (move, REJECTED) ||
           has_kind (move, WENT_BACK);
}

static size_t release_of (const struct theatre *theatre, const struct digest *plan)
{
    size_t which = 0;
    while (which < RELEASES && !digest_equal (&theatre->releases[which].digest, plan))
        which++;
    return which;
}

/* Every pick is about this permit's plan and attempt, and the list in the permit is that of the picks. */
static bool is_listed (const struct theatre *theatre, const struct move *move)
{
    const struct permit *permit = &move->permit;
    bool used[PICKS] = {false};
    bool good = permit->evidence_count == move->count;
    for (size_t i = 0; i < move->count && good; i++) {
        const struct piece *pick = move->picks[i];
        struct digest digest = content_digest (&pick->envelope);
        size_t place = 0;
        while (place < move->count && (used[place] || !digest_equal (&permit->evidence[place], &digest)))
            place++;
        good = place < move->count && pick->attempt == permit->attempt &&
               pick->release == release_of (theatre, &permit->plan);
        if (good)
            used[place] = true;
    }
    return good;
}

static bool is_forbidden_here (const struct theatre *theatre, const struct move *move, size_t release)
{
    const struct permit *permit = &move->permit;
    bool first = release == 0 && permit->attempt == 1;
    switch (theatre->situation) {
    case HAS_KEPT: /* done already */
        return first && permit->step == 1;
    case HAS_RETURNED: /* over */
        return first;
    case HAS_RETRIED:
        return first || (release == 0 && permit->attempt == 2 && permit->step == 1);
    case HAS_NEWER:
        return release == 0 || (permit->attempt == 1 && permit->step == 1);
    case FLEET_OVER:
        return permit->kind == PERMIT_STEP;
    case FRESH:
    case SITUATIONS:
        break;
    }
    return false;
}

static bool is_step_open (const struct theatre *theatre, const struct move *move)
{
    const struct permit *permit = &move->permit;
    bool opened = permit->attempt == 1 || has_kind (move, RETRIED);
    bool kept = has_kind (move, P1_KEPT);
    if (!opened || is_closed (move))
        return false;
    if (theatre->siege->world->host == HOST_1)
        return permit->step == 1 || (permit->step == 2 && kept);
    return permit->step == 4 && kept && has_kind (move, P1_PASSED) && has_kind (move, ANA_SAID_YES) &&
           has_kind (move, LUIS_SAID_YES);
}

static bool would_be_right (const struct theatre *theatre, const struct move *move)
{
    const struct world *world = theatre->siege->world;
    const struct permit *permit = &move->permit;
    size_t release = release_of (theatre, &permit->plan);
    bool named = false;
    for (size_t i = 0; i < permit->hosts_count; i++)
        named = named || strcmp (permit->hosts[i], names[world->host]) == 0;
    if (!named || release == RELEASES || permit->attempt == 0 || permit->expires.ms <= world->now.ms ||
        !is_listed (theatre, move) || is_forbidden_here (theatre, move, release))
        return false;
    return permit->kind == PERMIT_RETURN ? permit->step == 0 && is_closed (move)
                                         : permit->kind == PERMIT_STEP && is_step_open (theatre, move);
}

/* -------------------------------------------------------------------------------------------------- moves */

static const struct piece *any_piece (struct theatre *theatre)
{
    return &theatre->pieces[roll (&theatre->siege->mutator, theatre->count)];
}

static void spoil_picks (struct theatre *theatre, struct move *move)
{
    struct mutator *mutator = &theatre->siege->mutator;
    size_t which = move->count > 0 ? roll (mutator, move->count) : 0;
    size_t other = move->count > 0 ? roll (mutator, move->count) : 0;
    const struct piece *kept = move->picks[which];
    size_t release = roll (mutator, RELEASES);
    uint64_t attempt = 1 + roll (mutator, ATTEMPTS);
    switch (roll (mutator, 6)) {
    case 0:
        if (move->count > 0)
            move->picks[which] = move->picks[--move->count];
        break;
    case 1:
        if (move->count > 0)
            pick (move, kept);
        break;
    case 2:
        if (move->count > 0)
            move->picks[which] = any_piece (theatre);
        break;
    case 3: /* the same of another plan or attempt */
        if (move->count > 0 && kept->kind <= LUIS_SAID_YES)
            move->picks[which] = piece_of (theatre, release, attempt, kept->kind);
        break;
    case 4:
        pick (move, any_piece (theatre));
        break;
    default:
        move->picks[which] = move->picks[other];
        move->picks[other] = kept;
    }
}

static void list_picks (struct theatre *theatre, struct move *move)
{
    struct permit *permit = &move->permit;
    permit->evidence = arena_array (&theatre->siege->round, PICKS, sizeof *permit->evidence);
    permit->evidence_count = move->count;
    for (size_t i = 0; i < move->count; i++)
        permit->evidence[i] = content_digest (&move->picks[i]->envelope);
}

/* Near to an honest one, or wild. */
static struct move move_make (struct theatre *theatre)
{
    static const uint64_t steps[] = {1, 2, 4, 5, 0, 0};
    struct siege *siege = theatre->siege;
    struct mutator *mutator = &siege->mutator;
    size_t release = roll (mutator, RELEASES);
    uint64_t step = steps[roll (mutator, sizeof steps / sizeof steps[0])];
    uint64_t attempt = 1 + roll (mutator, ATTEMPTS);
    size_t spoilt = roll (mutator, 3);
    size_t mutated = roll (mutator, 3);
    struct move move = {.count = 0};
    if (siege->world->host == HOST_2 && step != 0 && !one_in (mutator, 4))
        step = 4;
    move.permit = make_permit (siege->world, &theatre->releases[release], step, attempt);
    pick_honestly (theatre, &move, release, step, attempt);
    if (step == 0 || one_in (mutator, 4))
        pick (&move, any_piece (theatre));
    for (size_t i = 0; i < spoilt; i++)
        spoil_picks (theatre, &move);
    list_picks (theatre, &move);
    for (size_t i = 0; i < mutated; i++)
        mutate_record (mutator, &permit_type, &move.permit);
    return move;
}

/* ------------------------------------------------------------------------------------------------ attacks */

/* What may happen between two messages. */
static size_t something_else (struct theatre *theatre)
{
    struct siege *siege = theatre->siege;
    struct world *world = siege->world;
    switch (roll (&siege->mutator, 8)) {
    case 0:
        return feed_time (world, (int64_t)roll (&siege->mutator, 2000));
    case 1:
        return feed (world, (struct installer_event){.kind = INSTALLER_SESSION});
    case 2:
        return feed_restart (world);
    case 3:
        return feed_document (siege, &siege->trust) + feed_document (siege, &world->fleet);
    default:
        return feed_document (siege, &theatre->releases[roll (&siege->mutator, RELEASES)].plan);
    }
}

static void attack (struct theatre *theatre)
{
    struct siege *siege = theatre->siege;
    struct envelope evidence[PICKS];
    struct permit_offer message = {.evidence = evidence};
    const unsigned controller = CONTROLLER;
    struct buffer content = {0};
    struct move move = move_make (theatre);
    size_t acts = something_else (theatre);
    if (would_be_right (theatre, &move) || !document_write (&permit_type, &move.permit, &content, NULL)) {
        buffer_free (&content);
        if (acts == 0)
            round_void (siege);
        else
            round_end (siege, acts, "something else");
        return;
    }
    for (size_t i = 0; i < move.count; i++)
        evidence[i] = move.picks[i]->envelope;
    message.evidence_count = move.count;
    message.permit = sign_content (siege, buffer_bytes (&content), &controller, 1);
    acts += feed_message (siege, &permit_offer_type, &message);
    acts += something_else (theatre);
    buffer_free (&content);
    round_end (siege, acts, "permit");
}

/* ------------------------------------------------------------------------------------------------ control */

/* With the missing piece added, or for what is open here: the same installer obeys. */
static void assert_obeys (struct theatre *theatre)
{
    switch (theatre->situation) {
    case FRESH:
        obey (theatre, 0, 4, 1);
        break;
    case HAS_KEPT:
        obey (theatre, 0, 2, 1);
        break;
    case HAS_RETURNED:
        obey (theatre, 0, 1, 2);
        break;
    case HAS_RETRIED:
        obey (theatre, 0, 2, 2);
        break;
    case HAS_NEWER:
        obey (theatre, 1, 2, 1);
        break;
    default:
        obey (theatre, 0, 0, 1);
    }
}

/* ------------------------------------------------------------------------------------------------- tests */

static void besiege (enum situation situation, const char *name)
{
    struct siege siege = siege_new ();
    struct theatre theatre;
    for (size_t left = mutations_wanted (1500); left > 0;) {
        struct digest digests[RELEASES + PIECES];
        theatre_begin (&theatre, &siege, situation);
        round_begin (&siege);
        for (size_t i = 0; i < RELEASES; i++)
            digests[i] = theatre.releases[i].digest;
        for (size_t i = 0; i < theatre.count; i++)
            digests[RELEASES + i] = content_digest (&theatre.pieces[i].envelope);
        siege.mutator.digests = digests;
        siege.mutator.digest_count = RELEASES + theatre.count;
        siege.mutator.texts = names;
        siege.mutator.text_count = KEYS;
        for (size_t i = 0; i < BATCH && left > 0; i++, left--)
            attack (&theatre);
        assert_obeys (&theatre);
        siege_end (&siege);
    }
    siege_report (&siege, name);
}

static void test_host_that_has_begun_nothing (void **state)
{
    (void)state;
    besiege (FRESH, "nothing begun");
}

static void test_host_that_has_kept (void **state)
{
    (void)state;
    besiege (HAS_KEPT, "kept");
}

static void test_host_that_has_returned (void **state)
{
    (void)state;
    besiege (HAS_RETURNED, "returned");
}

static void test_host_that_has_retried (void **state)
{
    (void)state;
    besiege (HAS_RETRIED, "retried");
}

static void test_host_that_has_a_newer_release (void **state)
{
    (void)state;
    besiege (HAS_NEWER, "newer release");
}

static void test_host_whose_fleet_has_expired (void **state)
{
    (void)state;
    besiege (FLEET_OVER, "expired fleet");
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_host_that_has_begun_nothing),
        cmocka_unit_test (test_host_that_has_kept),
        cmocka_unit_test (test_host_that_has_returned),
        cmocka_unit_test (test_host_that_has_retried),
        cmocka_unit_test (test_host_that_has_a_newer_release),
        cmocka_unit_test (test_host_whose_fleet_has_expired),
    };
    return cmocka_run_group_tests_name ("agent mutated permits", tests, NULL, NULL);
}
