/* Mistakes that others have made in systems like this one. That rollback is checked for every kind of
   document is in 02-rollback. */
#include <sodium.h>

#include "tests/attacks/world.h"

/* ------------------------------------------------------------------------------- keys and thresholds */

static void refuse_trust (struct world *world, const struct trust *trust, const char *words)
{
    struct envelope envelope = SIGNED (&world->realm, &trust_type, trust, ROOT_1);
    world_offer (world, &envelope);
    world_refuses (world, words);
}

static void take_honest_trust (struct world *world)
{
    struct trust trust = draft_trust (&world->realm, 2);
    world_new_trust (world, SIGNED (&world->realm, &trust_type, &trust, ROOT_1), 2);
    world_knows (world, 2, 1);
}

/* By mistake, truly signed by the roots: one person's key would count as two. */
static void test_same_key_under_two_names (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust = draft_trust (realm, 2);
    struct trust_role *role = role_named (&trust, ROLE_RELEASER);
    struct fleet fleet = draft_fleet (realm, 2);
    struct envelope envelope;
    trust.keys[0] = (struct trust_key){.name = "releaser-4", .key = realm->keys[RELEASER_1].public};
    trust.keys[trust.keys_count - 1].name = who_name (ROOT_1); /* so that the roots still have a key */
    role->keys[1] = "releaser-4";
    refuse_trust (world, &trust, "is listed for more than one key");
    sodium_increment (
        trust.keys[0].key.number, KEY_NUMBER_SIZE); /* the same key with another number is the same */
    refuse_trust (world, &trust, "is listed for more than one key");
    trust = draft_trust (realm, 2);
    role = role_named (&trust, ROLE_RELEASER);
    role->keys[1] = role->keys[0];
    refuse_trust (world, &trust, "role releaser: the key releaser-1 is listed twice");
    fleet.hosts[P1 - S1].key = fleet.hosts[S1 - S1].key;
    envelope = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    world_offer (world, &envelope);
    world_refuses (world, "is listed for more than one host");
    take_honest_trust (world);
}

/* One releaser signs often: two signatures, and one that is said twice. */
static void test_same_key_signing_twice (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct envelope once = SIGNED (realm, &plan_type, &plan, RELEASER_1);
    struct release honest = realm_release_of (realm, &plan);
    struct release forged = realm_release_signed (realm, &plan, envelope_join (realm, once, once));
    world_open (world, &forged, 1);
    world_refuses (world, "1 of 2 signatures that the role releaser needs are valid (releaser-1)");
    realm->ahead = span_seconds (1); /* another comment, so another signature */
    forged = realm_release_signed (
        realm, &plan, envelope_join (realm, once, SIGNED (realm, &plan_type, &plan, RELEASER_1)));
    realm->ahead = span_seconds (0);
    world_open (world, &forged, 1);
    world_refuses (world, "1 of 2 signatures that the role releaser needs are valid (releaser-1)");
    world_obeys (world, &honest);
}

/* By which anybody would do; and thresholds and roles that nobody could ever fulfil. */
static void test_threshold_of_nothing (void **state)
{
    static const char *const roles[] = {ROLE_ROOT, ROLE_OPERATOR, ROLE_RELEASER, ROLE_CONTROLLER, "testers"};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct trust trust;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        trust = draft_trust (realm, 2);
        role_named (&trust, roles[i])->threshold = 0;
        refuse_trust (world, &trust, "the threshold is 0, by which anybody would do");
        role_named (&trust, roles[i])->threshold = 60;
        refuse_trust (world, &trust, "the threshold 60 can't be reached");
        role_named (&trust, roles[i])->threshold = 1;
        role_named (&trust, roles[i])->keys_count = 0;
        refuse_trust (world, &trust, "the threshold 1 can't be reached with 0 keys");
    }
    trust = draft_trust (realm, 2);
    ROLE_SET (realm, &trust, ROLE_RELEASER, 1, RELEASER_1, CONTROLLER);
    refuse_trust (world, &trust, "the controller's key controller-1 is also in the role releaser");
    take_honest_trust (world);
}

/* A signoff that asks for nobody, or for fewer than the role's own threshold. */
static void test_plan_that_asks_for_too_few (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release honest = realm_release_of (realm, &plan);
    struct envelope envelope;
    plan = draft_plan (realm, "2.0", 20);
    plan.steps[SIGNOFF - 1].approvals = 0;
    envelope = SIGNED (realm, &plan_type, &plan, RELEASER_1, RELEASER_2);
    world_offer (world, &envelope);
    world_refuses (world, "it needs at least 1 approval");
    plan.steps[SIGNOFF - 1].approvals = 1;
    envelope = SIGNED (realm, &plan_type, &plan, RELEASER_1, RELEASER_2);
    world_offer (world, &envelope);
    world_refuses (world, "1 approvals are asked for, and the role release-managers needs 2");
    plan.steps[SIGNOFF - 1].role = ROLE_CONTROLLER;
    envelope = SIGNED (realm, &plan_type, &plan, RELEASER_1, RELEASER_2);
    world_offer (world, &envelope);
    world_refuses (world, "the role controller has a meaning of its own and approves nothing");
    world_obeys (world, &honest);
}

/* A key that bears a releaser's number is still another key. */
static void test_key_numbers_prove_nothing (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release honest = realm_release_of (realm, &plan);
    struct release forged;
    (void)memcpy (
        realm->keys[STRANGER].public.number, realm->keys[RELEASER_1].public.number, KEY_NUMBER_SIZE);
    (void)memcpy (
        realm->keys[CONTROLLER_2].public.number, realm->keys[RELEASER_2].public.number, KEY_NUMBER_SIZE);
    forged = realm_release_signed (realm, &plan, SIGNED (realm, &plan_type, &plan, STRANGER, CONTROLLER_2));
    world_open (world, &forged, 1);
    world_refuses (world, "0 of 2 signatures that the role releaser needs are valid (none)");
    world_obeys (world, &honest);
}

/* ------------------------------------------------------------------------------- garbage as metadata */

static struct envelope garbage (struct realm *realm, size_t size)
{
    uint8_t *data = arena_take (&realm->arena, size + 1);
    randombytes_buf (data, size);
    return (struct envelope){.content = {data, size}};
}

/* Signed by everybody: what cannot be read is refused all the same, after the signatures were found good. */
static struct envelope sign_bytes (struct realm *realm, struct bytes content)
{
    const char **signatures = arena_array (&realm->arena, P2 + 1, sizeof *signatures);
    for (enum who who = ROOT_1; who <= P2; who++) {
        struct buffer signature = {0};
        assert_true (signature_make (&realm->keys[who], content, "garbage", &signature, NULL));
        signatures[who] = arena_text (&realm->arena, signature.data);
        buffer_free (&signature);
    }
    return (struct envelope){content, signatures, P2 + 1};
}

static void send_everywhere (struct world *world, struct envelope envelope)
{
    struct offer offer = {.document = envelope};
    struct heartbeat heartbeat = {envelope};
    struct permit_offer permit = {.permit = envelope, .evidence = &envelope, .evidence_count = 1};
    world_send (world, &offer_type, &offer);
    world_send (world, &heartbeat_type, &heartbeat);
    world_send (world, &permit_offer_type, &permit);
}

static void test_garbage_before_the_signatures (void **state)
{
    static const char *const purposes[] = {"trust", "fleet", "plan", "permit", "receipt", "approval", "tick"};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    for (size_t size = 0; size < 200; size += 7)
        send_everywhere (world, garbage (realm, size));
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        for (size_t size = 0; size < 100; size += 33) {
            struct envelope envelope = garbage (realm, size);
            struct buffer text = {0};
            buffer_print (&text, "relevo %s 1\n", purposes[i]);
            buffer_append (&text, envelope.content.data, envelope.content.size);
            envelope.content = (struct bytes){arena_copy (&realm->arena, text.data, text.size), text.size};
            buffer_free (&text);
            send_everywhere (world, envelope);
        }
    for (size_t size = 0; size < 300; size += 11)
        world_send_bytes (world, garbage (realm, size).content);
    world_unchanged (world);
    world_obeys (world, &next);
}

static void test_garbage_after_the_signatures (void **state)
{
    static const char *const purposes[] = {"trust", "fleet", "plan", "permit", "tick"};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        for (size_t size = 0; size < 80; size += 13) {
            struct envelope envelope = garbage (realm, size);
            struct buffer text = {0};
            buffer_print (&text, "relevo %s 1\n", purposes[i]);
            buffer_append (&text, envelope.content.data, envelope.content.size);
            send_everywhere (
                world,
                sign_bytes (
                    realm, (struct bytes){arena_copy (&realm->arena, text.data, text.size), text.size}));
            buffer_free (&text);
        }
    world_unchanged (world);
    world_obeys (world, &next);
}

/* A true plan that ends early or goes on too long, truly signed so. */
static void test_documents_cut_short_and_with_trailing_bytes (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct bytes whole = next.envelope.content;
    uint8_t *longer = arena_take (&realm->arena, whole.size + 1);
    struct envelope envelope;
    for (size_t size = 0; size < whole.size; size += whole.size / 23) {
        envelope = sign_bytes (realm, (struct bytes){whole.data, size});
        world_offer (world, &envelope);
        world_says_as (world, ACTIVITY_WAITING, "");
    }
    (void)memcpy (longer, whole.data, whole.size);
    envelope = sign_bytes (realm, (struct bytes){longer, whole.size + 1});
    world_offer (world, &envelope);
    world_refuses (world, "an offered plan was not taken");
    world_obeys (world, &next);
}

/* --------------------------------------------------------------------------------- confused purposes */

/* Every document, truly signed by every key that there is: it passes for no other kind. */
static void test_one_purpose_for_another (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    struct receipt receipt = draft_receipt (realm, &next, DEPLOY_P1, 1, P1, OUTCOME_KEPT);
    struct approval approval = draft_approval (realm, &next, &evidence, SIGNOFF, 1, ANA, DECISION_APPROVE);
    struct tick tick = draft_tick (realm, 1, 1000);
    const struct {
        const struct record_type *type;
        const void *record;
    } kinds[] = {
        {&permit_type, &permit},
        {&receipt_type, &receipt},
        {&approval_type, &approval},
        {&tick_type, &tick},
        {&plan_type, &next.plan}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *name = kinds[i].type->name;
        struct buffer content = {0};
        struct envelope envelope;
        struct evidence lie = {.count = 1};
        struct permit opening;
        assert_true (document_write (kinds[i].type, kinds[i].record, &content, NULL));
        envelope = sign_bytes (
            realm, (struct bytes){arena_copy (&realm->arena, content.data, content.size), content.size});
        buffer_free (&content);
        if (kinds[i].type != &plan_type) {
            world_offer (world, &envelope);
            world_says (world, arena_format (&realm->arena, "a %s is no document that is offered", name));
        }
        if (kinds[i].type != &permit_type) {
            world_permit_envelope (world, &envelope, &evidence);
            world_says (world, arena_format (&realm->arena, "a %s document where a permit is wanted", name));
        }
        if (kinds[i].type != &tick_type) {
            struct heartbeat heartbeat = {envelope};
            world_send (world, &heartbeat_type, &heartbeat);
            world_says (world, arena_format (&realm->arena, "a %s document where a tick is wanted", name));
        }
        if (kinds[i].type != &receipt_type && kinds[i].type != &approval_type) {
            lie.items[0] = envelope;
            opening = draft_permit (realm, &next, DEPLOY_P2, 1, &lie);
            world_offer (world, &next.envelope);
            world_permit (world, &opening, &lie);
            world_says (world, arena_format (&realm->arena, "a %s document proves nothing here", name));
        }
    }
    world_unchanged (world);
    world_obeys (world, &next);
}

/* The fields of a permit under the first line of a plan, and so on: not even the right purpose helps. */
static void test_fields_of_another_purpose (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &next, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &next, DEPLOY_P2, 1, &evidence);
    struct buffer content = {0};
    struct envelope envelope;
    buffer_text (&content, "relevo plan 1\n");
    assert_true (codec_encode (&permit_type, &permit, &content, NULL));
    envelope = sign_bytes (
        realm, (struct bytes){arena_copy (&realm->arena, content.data, content.size), content.size});
    buffer_free (&content);
    world_offer (world, &envelope);
    world_refuses (world, "an offered plan was not taken: plan");
    world_obeys (world, &next);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_same_key_under_two_names),     ATTACK (test_same_key_signing_twice),
        ATTACK (test_threshold_of_nothing),         ATTACK (test_plan_that_asks_for_too_few),
        ATTACK (test_key_numbers_prove_nothing),    ATTACK (test_garbage_before_the_signatures),
        ATTACK (test_garbage_after_the_signatures), ATTACK (test_documents_cut_short_and_with_trailing_bytes),
        ATTACK (test_one_purpose_for_another),      ATTACK (test_fields_of_another_purpose),
    };
    return WORLD_RUN (tests);
}
