/* The trust document in force and the draft of the next one, as the commands of `relevo trust` find them. */
#ifndef RELEVO_CONTROLLER_CLI_TRUST_FILE_H
#define RELEVO_CONTROLLER_CLI_TRUST_FILE_H

#include "controller/cli/client.h"
#include "controller/core/trust_edit.h"

#define TRUST_DRAFT "trust.next"

/* The document that a draft follows. */
struct trust_base {
    struct trust trust;
    const struct envelope *document;
    const struct inventory *raw; /* NULL where it came from a file */
};

/* From the controller, verified from the pinned first document on; or, where `current` names a signed file
   (as `relevo trust show --save` writes it), from that, verified by its own roots. It may have expired: that
   is said, and its successor can still be made. Memory is of cli->arena. */
bool trust_base_load (struct cli *cli, const char *current, struct trust_base *ret, struct error *error);
bool trust_base_of_client (
    struct cli *cli, struct client *client, struct trust_base *ret, struct error *error);

/* A trust document with whatever signatures lie beside it, decoded but NOT verified. */
bool trust_draft_read (
    struct cli *cli, const char *path, struct envelope *ret_envelope, struct trust *ret, struct error *error);
/* It is the version after `base`. The error says what to do with a stale one. */
bool trust_draft_follows (
    const struct trust_base *base, const char *path, const struct envelope *envelope,
    const struct trust *draft, struct error *error);
/* The same, and trust_edit_check. */
bool trust_draft_check (
    const struct trust_base *base, const char *path, const struct envelope *envelope,
    const struct trust *draft, struct error *error);
/* Writes the draft without signatures; those that lie beside an older one at that path are removed. */
bool trust_draft_write (const char *path, const struct trust *draft, struct error *error);

#endif
