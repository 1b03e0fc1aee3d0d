/* A signature's text taken apart: for those who try many keys, and need to read the text only once. It is a
   file of minisign's, or, for approvals, what `ssh-keygen -Y sign -n relevo-approval` writes. */
#ifndef RELEVO_COMMON_CORE_SIGNATURE_H
#define RELEVO_COMMON_CORE_SIGNATURE_H

#include "common/core/sshsig.h"

#define SIGNATURE_SSH_NAMESPACE "relevo-approval"

enum { SIGNATURE_SIZE = 64 };

enum signature_form { SIGNATURE_PREHASHED, SIGNATURE_LEGACY, SIGNATURE_SSH };

/* `comment` points into the text that was parsed. */
struct signature {
    enum signature_form form;
    struct sshsig ssh; /* where it is one; else what follows */
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t content[SIGNATURE_SIZE]; /* over the content, or over its BLAKE2b-512 */
    uint8_t global[SIGNATURE_SIZE];  /* over the one before, and the trusted comment */
    struct bytes comment;            /* trusted, once `global` is verified */
};

/* ERROR_INPUT where the text is not exactly a signature. */
bool signature_parse (const char *text, struct signature *ret, struct error *error);

/* As signature_verify. Costs nothing where the key number is another. An SSH key (its number is all zero)
   signs in SSH's form alone, and that form counts for an approval alone: such a key can approve, whatever
   role it is given, and nothing that it signed for another use of SSH counts here. */
bool signature_check (
    const struct signature *signature, const struct public_key *key, struct bytes content,
    struct error *error);

#endif
