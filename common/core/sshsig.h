/* OpenSSH's Ed25519 public keys, and signatures as `ssh-keygen -Y sign` writes them (PROTOCOL.sshsig in
   OpenSSH's sources; strings and key as in RFC 4251, section 5, and RFC 8709). Each value has one text: the
   one that ssh-keygen writes. */
#ifndef RELEVO_COMMON_CORE_SSHSIG_H
#define RELEVO_COMMON_CORE_SSHSIG_H

#include "common/core/key.h"

enum { SSHSIG_NAMESPACE_MOST = 64, SSHSIG_SIZE = 64 };

struct sshsig {
    struct public_key key; /* that is said to have made it; the number is all zero, as in all SSH keys */
    char namespace[SSHSIG_NAMESPACE_MOST + 1]; /* printable, not empty */
    bool is_sha256;                            /* the content's hash; else SHA-512, ssh-keygen's default */
    uint8_t bytes[SSHSIG_SIZE];
};

/* The text begins as an SSH signature does. */
bool sshsig_is (const char *text);

/* ERROR_INPUT where the text is not exactly an SSH signature, one LF behind its last line, by an Ed25519 key
   (other kinds are named). */
bool sshsig_parse (const char *text, struct sshsig *ret, struct error *error);

/* The signature is by this key, for this namespace, and over this content; otherwise ERROR_REFUSED. */
bool sshsig_check (
    const struct sshsig *signature, const struct public_key *key, const char *namespace, struct bytes content,
    struct error *error);

/* The file begins as one of OpenSSH's key files does, of whatever kind, public or secret. */
bool ssh_key_is (struct bytes file);

/* "ssh-ed25519 BASE64 COMMENT", the line of a NAME.pub. The comment may be missing, is printable, and means
   nothing. Another kind of key is ERROR_INPUT, and named. */
bool ssh_key_parse (struct bytes file, struct public_key *ret, struct error *error);

/* Minisign's keys have a number by chance, an SSH key has none. */
bool public_key_is_ssh (const struct public_key *key);

#endif
