/* Row 1, arbitrary software: bytes that the releasers did not sign by the threshold of their role. */
#include "tests/attacks/world.h"

/* The controller's own key opens whatever it likes: only the plan's signatures stand in the way. */
static void open_forged (struct world *world, const struct plan *plan, struct envelope envelope)
{
    struct release forged = realm_release_signed (&world->realm, plan, envelope);
    world_open (world, &forged, 1);
}

static void refuse_signers (struct world *world, const struct plan *plan, struct envelope envelope)
{
    open_forged (world, plan, envelope);
    world_refuses (world, "signatures that the role releaser needs are valid");
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

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_plan_signed_by_the_controller_alone),
    };
    return WORLD_RUN (tests);
}
