/* The whole history, judged again from its first row, believing nobody but the pinned first trust document:
   the hash chain of the journal, each trust and fleet document, plans, permits with the gate that had to be
   open for every host they name, receipts with each host's own chain, approvals, and that what is called
   Healthy is proven. No files, no network: rows come from whoever calls. */
#ifndef RELEVO_CONTROLLER_CLI_AUDIT_H
#define RELEVO_CONTROLLER_CLI_AUDIT_H

#include "common/core/gate.h"
#include "proto/message.h"

struct audit;

struct audit_counts {
    uint64_t rows;
    uint64_t trusts;
    uint64_t fleets;
    uint64_t rollouts;
    uint64_t permits;
    uint64_t receipts;
    uint64_t approvals;
    struct digest head; /* the last chain value: whoever noted it notices if history is exchanged */
};

struct audit *audit_new (const struct digest *pin);
void audit_free (struct audit **audit);
/* The next row. An error names the row and what does not hold; nothing more can be judged after it. */
bool audit_judge (struct audit *audit, const struct audit_row *row, struct error *error);
/* After the last row: what can be judged only when all is there. */
bool audit_finish (struct audit *audit, struct error *error);
struct audit_counts audit_counts (const struct audit *audit);

#endif
