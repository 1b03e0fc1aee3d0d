/* Trust documents as people and programs see them. */
#ifndef RELEVO_CONTROLLER_CLI_TRUST_VIEW_H
#define RELEVO_CONTROLLER_CLI_TRUST_VIEW_H

#include "controller/cli/output.h"
#include "controller/cli/trust_file.h"

/* Version, times, keys and roles. Appends. */
void trust_view_document (const struct trust *trust, struct instant now, struct buffer *out);
/* What `draft` changes against `base`, a line each, and which signatures it still needs. Appends. */
void trust_view_draft (
    const struct trust *base, const struct trust *draft, const struct envelope *envelope, struct buffer *out);
/* Which hosts have the document. Appends nothing where the controller knows no host. */
void trust_view_hosts (const struct inventory *raw, uint64_t version, struct buffer *out);

/* New references. `base` may be NULL: then without "changes" and "signatures". */
json_t *trust_view_json (
    const struct trust *base, const struct trust *trust, const struct envelope *envelope);
json_t *trust_view_hosts_json (const struct inventory *raw, uint64_t version);

/* Prints the draft's changes and signatures: on stdout, or, for commands that ask then, on stderr. */
void trust_view_show (
    const struct cli *cli, const struct trust *base, const struct trust *draft,
    const struct envelope *envelope, FILE *stream);

/* How many hosts told that they have at least this version. */
size_t trust_hosts_have (const struct inventory *raw, uint64_t version);

#endif
