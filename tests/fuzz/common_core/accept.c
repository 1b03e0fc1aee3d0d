/* What comes behind the signatures: content of any kind, signed by the very keys that its purpose wants, must
   still hold what the accept functions promise; and without one of those signatures it is refused. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

static struct instant now;
static struct trust trust;
static struct fleet fleet;
static struct plan plan;
static struct digest plan_digest;

static void make_world (void)
{
    static struct arena arena;
    if (arena.blocks != NULL)
        return;
    now = instant_add (noon, span_seconds (60));
    trust = world_trust (&arena);
    fleet = world_fleet (&arena);
    plan = world_plan (&arena);
    plan_digest = world_plan_digest ();
}

static bool accept_trust_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct digest pin = digest_of (envelope->content.data, envelope->content.size);
    struct trust first;
    struct trust next;
    bool good = accept_first_trust (envelope, &pin, now, arena, &first, error);
    if (good) {
        assert (trust_check (&first, NULL));
        assert (instant_before (now, first.expires));
        pin.bytes[0] ^= 1;
        assert (!accept_first_trust (envelope, &pin, now, arena, &first, NULL));
    }
    if (accept_next_trust (&trust, envelope, now, arena, &next, good ? NULL : error)) {
        assert (next.version == trust.version + 1);
        assert (trust_check (&next, NULL));
        assert (!accept_next_trust (&next, envelope, now, arena, &next, NULL));
        return true;
    }
    return good;
}

static bool accept_fleet_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct fleet got;
    if (!accept_fleet (&trust, 0, envelope, now, arena, &got, error))
        return false;
    assert (fleet_check (&got, NULL));
    assert (instant_before (now, got.expires) && got.version <= ACCEPT_FIRST);
    assert (
        got.version == UINT64_MAX ||
        !accept_fleet (&trust, got.version + 1, envelope, now, arena, &got, NULL));
    return true;
}

/* A good plan opens nothing by itself but its first step. */
static void check_gate (const struct plan *of, const struct digest *digest)
{
    struct gate_case gate = {.plan = of, .plan_digest = *digest, .attempt = 1, .now = now};
    for (uint64_t number = 1; number <= of->steps_count; number++) {
        struct error why = {0};
        (void)gate_evidence_digest (&gate, number);
        (void)plan_environment (of, number);
        if (!gate_step_open (&gate, number, NULL, &why))
            check_error (&why);
        else
            for (uint64_t before = 1; before < number; before++)
                assert (gate_step_done (&gate, before, NULL));
    }
    assert (!gate_return_open (&gate, NULL));
}

static bool accept_plan_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    struct plan got;
    if (!accept_plan (&trust, envelope, now, arena, &got, error))
        return false;
    assert (plan_check (&got, NULL));
    assert (instant_before (now, got.expires) && got.trust_version <= trust.version);
    (void)accept_counter (&got, 6, NULL);
    assert (!accept_counter (&got, got.counter, NULL));
    check_gate (&got, &digest);
    return true;
}

static bool accept_permit_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct permit got;
    if (!accept_permit (&trust, envelope, now, arena, &got, error))
        return false;
    assert (got.hosts_count > 0 && got.attempt > 0 && !digest_is_none (&got.plan));
    assert ((got.kind == PERMIT_RETURN) == (got.step == 0));
    assert (instant_before (now, got.expires));
    return true;
}

static bool accept_tick_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct tick got;
    if (!accept_tick (&trust, envelope, now, arena, &got, error))
        return false;
    assert (instant_before (now, got.expires));
    return true;
}

/* As evidence in a case about the plan of the world; then every question to the gate has an answer. */
static void add_to_gate (const struct envelope *envelope, struct arena *arena)
{
    struct gate_case gate = {.plan = &plan, .plan_digest = plan_digest, .attempt = 1, .now = now};
    struct error error = {0};
    size_t window[8];
    if (!gate_add (&gate, &trust, &fleet, envelope, arena, &error)) {
        check_error (&error);
        return;
    }
    assert (gate_add (&gate, &trust, &fleet, envelope, arena, &error));
    assert (gate.receipt_count + gate.approval_count == 1);
    for (uint64_t number = 1; number <= STEPS; number++) {
        (void)gate_step_open (&gate, number, "p1", NULL);
        (void)gate_deploy_window (&gate, number, window);
        (void)gate_pause_end (&gate, number);
        assert (number == STAGING || number == STAGING_TEST || !gate_step_open (&gate, number, "p1", NULL));
    }
    if (gate_return_open (&gate, NULL))
        assert (gate_is_closed (&gate, &error));
}

static bool accept_receipt_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct receipt got;
    if (!accept_receipt (&fleet, envelope, arena, &got, error))
        return false;
    assert (fleet_host_named (&fleet, got.host) != NULL && got.counter > 0 && got.attempt > 0);
    add_to_gate (envelope, arena);
    return true;
}

static bool accept_approval_of (const struct envelope *envelope, struct arena *arena, struct error *error)
{
    struct approval got;
    struct public_key key;
    bool good = accept_approval (&trust, "production", envelope, now, arena, &got, &key, error);
    if (good) {
        assert (trust_key_named (&trust, got.name) == trust_key_of (&trust, &key));
        assert (trust_role_has (&trust, trust_role_for (&trust, got.role, "production"), &key));
        assert (got.decision != DECISION_SKIP || got.comment[0] != '\0');
    }
    (void)accept_plan_approval (&trust, &plan, envelope, now, arena, &got, &key, NULL);
    add_to_gate (envelope, arena);
    return good;
}

static bool accept (
    const struct record_type *type, const struct envelope *envelope, struct arena *arena, struct error *error)
{
    return type == &trust_type      ? accept_trust_of (envelope, arena, error)
           : type == &fleet_type    ? accept_fleet_of (envelope, arena, error)
           : type == &plan_type     ? accept_plan_of (envelope, arena, error)
           : type == &permit_type   ? accept_permit_of (envelope, arena, error)
           : type == &tick_type     ? accept_tick_of (envelope, arena, error)
           : type == &receipt_type  ? accept_receipt_of (envelope, arena, error)
           : type == &approval_type ? accept_approval_of (envelope, arena, error)
                                    : error_set (error, ERROR_REFUSED, "no purpose that can be accepted");
}

/* One signature of those that are needed is missing, or is somebody else's. A first trust document says
   itself how many those are. */
static void check_signatures (
    const struct record_type *type, const struct envelope *good, struct arena *arena)
{
    static const char *const stranger[] = {"p9"};
    struct envelope other = *good;
    other.signatures_count--;
    assert (type == &trust_type || !accept (type, &other, arena, NULL));
    other = sign_content (good->content, stranger, 1, arena);
    assert (type == &receipt_type || !accept (type, &other, arena, NULL));
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct envelope envelope;
    const struct record_type *type;
    bool good = false;
    make_world ();
    if (document_type (input, &type, NULL)) {
        envelope = sign_as_wanted (input, &arena);
        good = accept (type, &envelope, &arena, &error);
        if (good)
            check_signatures (type, &envelope, &arena);
        else
            check_error (&error);
    }
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    struct arena arena = {0};
    struct world_document documents[WORLD_DOCUMENTS];
    size_t count = world_documents (&arena, documents);
    for (size_t i = 0; i < count; i++)
        seed_good (documents[i].name, documents[i].content);
    arena_free (&arena);
}

size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutate_document (data, size, most, seed);
}

const struct fuzz_target fuzz_target = {.most = 16384, .run = run, .seed = seed};
