/* A session that never stops talking, with documents by keys that count, of plans and permits without end:
   the installer begins nothing, its memory does not grow, and the true permit still goes through. */
#include "siege.h"

#include <malloc.h>

enum { PLENTY = 96, WARM_UP = 500, SLACK = 256 * 1024 };

/* Of AddressSanitizer, where a program is built with it. */
size_t __sanitizer_get_current_allocated_bytes (void) __attribute__ ((weak));

static size_t allocated (void)
{
    struct mallinfo2 info;
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes ();
    info = mallinfo2 ();
    return info.uordblks + info.hblkhd;
}

static bool can_measure (void)
{
    size_t before = allocated ();
    void *block = malloc (SLACK / 2);
    bool seen;
    assert_non_null (block);
    memset (block, 1, SLACK / 2);
    seen = allocated () >= before + SLACK / 4;
    free (block);
    return seen;
}

struct flood {
    struct siege siege;
    struct envelope plans[PLENTY];
    struct envelope permits[PLENTY]; /* of step 2 without the receipt of step 1, of plans known and unknown */
};

static void flood_begin (struct flood *flood)
{
    struct siege *siege = &flood->siege;
    siege_begin (siege, HOST_1);
    round_begin (siege);
    for (size_t i = 0; i < PLENTY; i++) {
        struct release release = siege_release (siege, "4.0", 10 + i);
        struct permit permit = make_permit (siege->world, &release, 2, 1 + i % 3);
        if (i % 2 == 0)
            permit.plan.bytes[0] ^= 1;
        permit.expires = later (siege->world, 100000);
        flood->plans[i] = release.plan;
        flood->permits[i] = sign (siege->world, &permit_type, &permit, CONTROLLER);
    }
}

static size_t flood_permit (struct flood *flood)
{
    struct siege *siege = &flood->siege;
    struct envelope evidence[8];
    struct permit_offer message = {
        .permit = flood->permits[roll (&siege->mutator, PLENTY)],
        .evidence = evidence,
        .evidence_count = roll (&siege->mutator, 9)};
    for (size_t i = 0; i < message.evidence_count; i++)
        evidence[i] = siege->evidence[roll (&siege->mutator, EVIDENCE)];
    return feed_message (siege, &permit_offer_type, &message);
}

/* Whatever else a session may say. */
static size_t flood_anything (struct flood *flood)
{
    struct siege *siege = &flood->siege;
    const struct record_type *type;
    void *record;
    do
        type = record_types[roll (&siege->mutator, record_type_count)];
    while (type->class != MESSAGE || (type->senders & FROM_SESSION) == 0);
    record = arena_take (&siege->round, type->size);
    fill_record (&siege->mutator, type, record);
    return feed_message (siege, type, record);
}

static void flood_once (struct flood *flood)
{
    struct siege *siege = &flood->siege;
    size_t way = roll (&siege->mutator, 4);
    size_t acts = way == 0   ? feed_document (siege, &flood->plans[roll (&siege->mutator, PLENTY)])
                  : way == 1 ? flood_permit (flood)
                             : flood_anything (flood);
    round_end (siege, acts, "flood");
}

static void test_flood (void **state)
{
    struct flood flood = {.siege = siege_new ()};
    struct siege *siege = &flood.siege;
    size_t rounds = mutations_wanted (6000);
    size_t before;
    size_t after;
    bool measured = can_measure ();
    (void)state;
    flood_begin (&flood);
    for (size_t i = 0; i < WARM_UP; i++)
        flood_once (&flood);
    before = allocated ();
    for (size_t i = 0; i < rounds; i++)
        flood_once (&flood);
    after = allocated ();
    deploy (siege->world, &siege->release);
    assert_runs (siege->world, siege->release.folder);
    siege_end (siege);
    siege_report (siege, "flood");
    if (after > before + SLACK)
        fail_msg ("%zu bytes more than after the first %d messages", after - before, WARM_UP);
    if (!measured) {
        print_message ("this build's memory cannot be measured\n");
        skip ();
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (test_flood)};
    return cmocka_run_group_tests_name ("agent flood", tests, NULL, NULL);
}
