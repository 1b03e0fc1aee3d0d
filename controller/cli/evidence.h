/* What a person sees before deciding: the receipts so far, who has decided what, and where hosts differ. */
#ifndef RELEVO_CONTROLLER_CLI_EVIDENCE_H
#define RELEVO_CONTROLLER_CLI_EVIDENCE_H

#include "common/core/gate.h"
#include "common/core/text.h"

/* Appends a table of the receipts, a line for each decision, and the differences. The case was verified. */
void evidence_print (const struct gate_case *gate, struct buffer *out);

/* Appends a line for each way in which the hosts of the case differ: what ran before, what a test said here
   and there, a test that took three times as long, and at least a second longer, on one host than on another,
   and tests that ran in one environment alone. Nothing where they agree. */
void evidence_differences (const struct gate_case *gate, struct buffer *out);

#endif
