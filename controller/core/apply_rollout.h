/* The entries that are about one rollout, for the table in apply.c. Each changes nothing on failure. */
#ifndef RELEVO_CONTROLLER_CORE_APPLY_ROLLOUT_H
#define RELEVO_CONTROLLER_CORE_APPLY_ROLLOUT_H

#include "controller/core/state.h"

bool apply_rollout (struct controller *controller, const void *record, struct error *error);
bool apply_step (struct controller *controller, const void *record, struct error *error);
bool apply_permit (struct controller *controller, const void *record, struct error *error);
bool apply_receipt (struct controller *controller, const void *record, struct error *error);
bool apply_approval (struct controller *controller, const void *record, struct error *error);
bool apply_phase (struct controller *controller, const void *record, struct error *error);
bool apply_notice (struct controller *controller, const void *record, struct error *error);

/* A new trust document is in force: what rollouts stand on is looked at anew. */
void apply_trust_to_rollouts (struct controller *controller);

#endif
