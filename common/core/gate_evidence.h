/* Looking things up in a gate case. For the gate's own sources. */
#ifndef RELEVO_COMMON_CORE_GATE_EVIDENCE_H
#define RELEVO_COMMON_CORE_GATE_EVIDENCE_H

#include "common/core/gate.h"

/* NULL outside the plan. */
const struct step *gate_step (const struct gate_case *gate, uint64_t number);

/* The receipts of one host about one step: `*ret` is the first of the number that is returned. */
size_t gate_receipts_of (
    const struct gate_case *gate, uint64_t number, const char *host, const struct gate_receipt **ret);

/* The host's place in the step's list; step->hosts_count where it is not there. */
size_t gate_host_index (const struct step *step, const char *host);

#endif
