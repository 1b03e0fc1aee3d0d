/* Row 1, arbitrary software: bytes that the releasers did not sign by the threshold of their role. */
#include "tests/attacks/world.h"

enum { STRIDE = 127, SIGNATURE_STRIDE = 11, PUBLICATIONS = 100 };

#define FIRST_LINE "relevo plan 1\n"
#define TOO_FEW_RELEASERS "signatures that the role releaser needs are valid"

/* The controller's own key opens whatever it likes: only the plan's signatures stand in the way. */
static void open_forged (struct world *world, const struct plan *plan, struct envelope envelope)
{
    struct release forged = realm_release_signed (&world->realm, plan, envelope);
    world_open (world, &forged, 1);
}

static void refuse_signers (struct world *world, const struct plan *plan, struct envelope envelope)
{
    open_forged (world, plan, envelope);
    world_refuses (world, TOO_FEW_RELEASERS);
}

static void test_plan_signed_by_the_controller_alone (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release honest = realm_release_of (realm, &plan);
    refuse_signers (world, &plan, SIGNED (realm, &plan_type, &plan, CONTROLLER));
    refuse_signers (world, &plan, SIGNED (realm, &plan_type, &plan, CONTROLLER, CONTROLLER));
    refuse_signers (world, &plan, SIGNED (realm, &plan_type, &plan, CONTROLLER, RELEASER_1));
    world_obeys (world, &honest);
}

static void test_plan_signed_by_keys_of_other_roles (void **state)
{
    static const enum who others[] = {ROOT_1, OPERATOR, ANA, LUIS, EVA, P1, P2, STRANGER};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct envelope all = realm_sign (realm, &plan_type, &plan, others, sizeof others / sizeof *others);
    struct release honest = realm_release_of (realm, &plan);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refuse_signers (world, &plan, SIGNED (realm, &plan_type, &plan, others[i], CONTROLLER));
    refuse_signers (world, &plan, all);
    refuse_signers (world, &plan, envelope_join (realm, all, SIGNED (realm, &plan_type, &plan, RELEASER_3)));
    world_obeys (world, &honest);
}

static void test_plan_without_a_signature (void **state)
{
    struct world *world = *state;
    struct release honest = realm_release (&world->realm, "2.0", 20);
    struct envelope bare = {.content = honest.envelope.content};
    refuse_signers (world, &honest.plan, bare);
    world_obeys (world, &honest);
}

/* Publications may be lost, above all before the subscription has arrived: so it is said until there is an
 * answer. */
static void publish_until_heard (struct world *world, const struct envelope *envelope)
{
    struct offer offer = {.document = *envelope};
    size_t said = world->said_count;
    for (int tries = 0; tries < PUBLICATIONS && world->said_count == said; tries++) {
        world_publish (world, &offer_type, &offer);
        world_serve (world, (struct span){100});
    }
}

static void test_plan_that_is_published_to_all (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct plan plan = draft_plan (realm, "2.0", 20);
    struct release honest = realm_release_of (realm, &plan);
    struct envelope forged = SIGNED (realm, &plan_type, &plan, CONTROLLER, RELEASER_1);
    publish_until_heard (world, &forged);
    world_refuses (world, TOO_FEW_RELEASERS);
    world_obeys (world, &honest);
}

/* A sample of the plan's bits, and every bit of the line that says what it is. */
static void test_plan_with_a_flipped_bit (void **state)
{
    struct world *world = *state;
    struct release honest = realm_release (&world->realm, "2.0", 20);
    size_t first = strlen (FIRST_LINE) * 8;
    for (size_t bit = 0; bit < first; bit++) {
        struct envelope flipped = envelope_flip (&world->realm, &honest.envelope, bit);
        world_offer (world, &flipped);
        world_says_as (world, ACTIVITY_WAITING, "");
    }
    world_unchanged (world);
    for (size_t bit = first; bit < honest.envelope.content.size * 8; bit += STRIDE) {
        open_forged (world, &honest.plan, envelope_flip (&world->realm, &honest.envelope, bit));
        world_says (world, TOO_FEW_RELEASERS);
    }
    world_unchanged (world);
    world_obeys (world, &honest);
}

/* Another letter at that place of the first signature's lines 2 (over the content) and 4 (over that and its
 * comment). */
static struct envelope damage_signature (struct realm *realm, const struct envelope *envelope, size_t place)
{
    const char **signatures =
        arena_array (&realm->arena, envelope->signatures_count, sizeof *envelope->signatures);
    char *text = arena_text (&realm->arena, envelope->signatures[0]);
    text[place] = text[place] == 'A' ? 'B' : 'A';
    for (size_t i = 0; i < envelope->signatures_count; i++)
        signatures[i] = i == 0 ? text : envelope->signatures[i];
    return (struct envelope){envelope->content, signatures, envelope->signatures_count};
}

static void test_plan_with_a_damaged_signature (void **state)
{
    struct world *world = *state;
    struct release honest = realm_release (&world->realm, "2.0", 20);
    const char *text = honest.envelope.signatures[0];
    const char *second = strchr (text, '\n') + 1;
    const char *third = strchr (second, '\n') + 1;
    const char *fourth = strchr (third, '\n') + 1;
    for (const char *at = second; *at != '\0'; at += SIGNATURE_STRIDE) {
        if ((at >= third && at < fourth) || *at == '\n' || *at == '=')
            continue;
        open_forged (
            world, &honest.plan, damage_signature (&world->realm, &honest.envelope, (size_t)(at - text)));
        world_says (world, TOO_FEW_RELEASERS);
    }
    world_unchanged (world);
    world_obeys (world, &honest);
}

static void test_permit_with_a_flipped_bit (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release honest = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &honest, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &honest, DEPLOY_P2, 1, &evidence);
    struct envelope envelope = SIGNED (realm, &permit_type, &permit, CONTROLLER);
    world_offer (world, &honest.envelope);
    for (size_t bit = 0; bit < envelope.content.size * 8; bit += STRIDE / 2) {
        struct envelope flipped = envelope_flip (realm, &envelope, bit);
        world_permit_envelope (world, &flipped, &evidence);
        world_says (world, "signatures that the role controller needs are valid");
    }
    world_unchanged (world);
    world_permit_envelope (world, &envelope, &evidence);
    world_reports (world, &honest, DEPLOY_P2, OUTCOME_KEPT, "");
}

/* The hostile controller lists the flipped evidence in a permit of its own, or still the true one. */
static void test_evidence_with_a_flipped_bit (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release honest = realm_release (realm, "2.0", 20);
    struct evidence evidence = realm_evidence (realm, &honest, DEPLOY_P2, 1);
    struct permit permit = draft_permit (realm, &honest, DEPLOY_P2, 1, &evidence);
    world_offer (world, &honest.envelope);
    for (size_t i = 0; i < evidence.count; i++) {
        struct evidence forged = evidence;
        struct permit listing = permit;
        forged.items[i] = envelope_flip (realm, &evidence.items[i], evidence.items[i].content.size * 4);
        permit_list (realm, &listing, &forged);
        world_permit (world, &permit, &forged);
        world_says (world, "the evidence is not what the permit lists");
        world_permit (world, &listing, &forged);
        world_says (
            world, i < SIGNOFF - 1 ? "the receipt is signed by no host of the fleet"
                                   : "the approval is signed by no key of the trust document");
    }
    world_unchanged (world);
    world_obeys (world, &honest);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_plan_signed_by_the_controller_alone),
        ATTACK (test_plan_signed_by_keys_of_other_roles),
        ATTACK (test_plan_without_a_signature),
        ATTACK (test_plan_that_is_published_to_all),
        ATTACK (test_plan_with_a_flipped_bit),
        ATTACK (test_plan_with_a_damaged_signature),
        ATTACK (test_permit_with_a_flipped_bit),
        ATTACK (test_evidence_with_a_flipped_bit),
    };
    return WORLD_RUN (tests);
}
