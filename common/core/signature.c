#include "common/core/signature.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/core/document.h"
#include "common/core/key_file.h"

enum { PREHASH_SIZE = 64, SIGNATURE_LINE_SIZE = 101, GLOBAL_LINE_SIZE = 89 };

/* The second line as it lies in the file. */
struct minisign_form {
    uint8_t algorithm[2];
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t content[SIGNATURE_SIZE];
};

static_assert (sizeof (struct minisign_form) == 74, "minisign's signature");
static_assert ((sizeof (struct minisign_form) + 2) / 3 * 4 + 1 == SIGNATURE_LINE_SIZE, "base64, and a NUL");
static_assert ((SIGNATURE_SIZE + 2) / 3 * 4 + 1 == GLOBAL_LINE_SIZE, "base64, and a NUL");
static_assert (SIGNATURE_SIZE == crypto_sign_BYTES, "an Ed25519 signature");

static void prehash (struct bytes content, uint8_t hash[PREHASH_SIZE])
{
    int failed = crypto_generichash (hash, PREHASH_SIZE, content.data, content.size, NULL, 0);
    assert (failed == 0);
}

/* minisign's own comments hold tabs; nothing else that a terminal would act on may stand there. */
static bool comment_is_printable (struct bytes comment)
{
    const char *text = (const char *)comment.data;
    size_t from = 0;
    for (size_t i = 0; i <= comment.size; i++)
        if (i == comment.size || text[i] == '\t') {
            if (!text_is_printable (text + from, i - from))
                return false;
            from = i + 1;
        }
    return true;
}

/* What the second signature covers: the first, and the trusted comment. */
static void global_content (const uint8_t content[SIGNATURE_SIZE], struct bytes comment, struct buffer *out)
{
    buffer_append (out, content, SIGNATURE_SIZE);
    buffer_append (out, comment.data, comment.size);
}

static void sign (const struct secret_key *key, struct bytes content, uint8_t signature[SIGNATURE_SIZE])
{
    int failed = crypto_sign_detached (signature, NULL, content.data, content.size, key->bytes);
    assert (failed == 0);
}

bool signature_make (
    const struct secret_key *key, struct bytes content, const char *comment, struct buffer *out,
    struct error *error)
{
    struct minisign_form form = {.algorithm = {'E', 'D'}};
    struct buffer covered = {0};
    uint8_t hash[PREHASH_SIZE];
    uint8_t global[SIGNATURE_SIZE];
    char form_line[SIGNATURE_LINE_SIZE];
    char global_line[GLOBAL_LINE_SIZE];
    if (strlen (comment) > TRUSTED_COMMENT_MOST || !comment_is_printable (bytes_of_text (comment)))
        return error_set (
            error, ERROR_INPUT, "a signature's comment is one printable line of at most %d bytes",
            TRUSTED_COMMENT_MOST);
    (void)memcpy (form.number, key->public.number, sizeof form.number);
    prehash (content, hash);
    sign (key, (struct bytes){hash, sizeof hash}, form.content);
    global_content (form.content, bytes_of_text (comment), &covered);
    sign (key, buffer_bytes (&covered), global);
    buffer_free (&covered);
    (void)sodium_bin2base64 (
        form_line, sizeof form_line, (const unsigned char *)&form, sizeof form,
        sodium_base64_VARIANT_ORIGINAL);
    (void)sodium_bin2base64 (
        global_line, sizeof global_line, global, sizeof global, sodium_base64_VARIANT_ORIGINAL);
    buffer_print (
        out, UNTRUSTED_COMMENT "signature from relevo\n%s\n" TRUSTED_COMMENT "%s\n%s\n", form_line, comment,
        global_line);
    return true;
}

void signature_comment (struct instant now, const char *name, struct buffer *out)
{
    buffer_print (out, "timestamp:%lld\tfile:%s\thashed", (long long)(now.ms / 1000), name);
}

static bool malformed (const char *what, struct error *error)
{
    return error_set (error, ERROR_INPUT, "not a minisign signature: %s", what);
}

static bool minisign_parse (const char *text, struct signature *ret, struct error *error)
{
    struct signature signature = {0};
    struct minisign_form form;
    struct bytes rest = bytes_of_text (text);
    struct bytes line;
    struct bytes ignored;
    bool ended = false;
    if (!key_file_line (&rest, &line, NULL) ||
        !key_file_comment (line, UNTRUSTED_COMMENT, UNTRUSTED_COMMENT_MOST, &ignored))
        return malformed ("line 1 is no untrusted comment", error);
    if (!key_file_line (&rest, &line, NULL) || !key_file_decode (line, (uint8_t *)&form, sizeof form))
        return malformed ("line 2 is no base64 of 74 bytes", error);
    if (form.algorithm[0] != 'E' || (form.algorithm[1] != 'D' && form.algorithm[1] != 'd'))
        return malformed ("another algorithm than Ed25519", error);
    if (!key_file_line (&rest, &line, NULL) ||
        !key_file_comment (line, TRUSTED_COMMENT, TRUSTED_COMMENT_MOST, &signature.comment) ||
        !comment_is_printable (signature.comment))
        return malformed ("line 3 is no trusted comment of printable text", error);
    if (!key_file_line (&rest, &line, &ended) || !ended ||
        !key_file_decode (line, signature.global, sizeof signature.global))
        return malformed ("line 4 is no base64 of 64 bytes", error);
    if (rest.size != 0)
        return malformed ("more than four lines", error);
    signature.form = form.algorithm[1] == 'D' ? SIGNATURE_PREHASHED : SIGNATURE_LEGACY;
    (void)memcpy (signature.number, form.number, sizeof signature.number);
    (void)memcpy (signature.content, form.content, sizeof signature.content);
    *ret = signature;
    return true;
}

bool signature_parse (const char *text, struct signature *ret, struct error *error)
{
    struct signature signature = {.form = SIGNATURE_SSH};
    if (!sshsig_is (text))
        return minisign_parse (text, ret, error);
    if (!sshsig_parse (text, &signature.ssh, error))
        return false;
    *ret = signature;
    return true;
}

bool signature_key_number (const char *text, uint8_t ret[KEY_NUMBER_SIZE], struct error *error)
{
    struct signature signature;
    if (!minisign_parse (text, &signature, error))
        return false;
    (void)memcpy (ret, signature.number, sizeof signature.number);
    return true;
}

static bool is_signed (
    const uint8_t signature[SIGNATURE_SIZE], const struct public_key *key, struct bytes content)
{
    return crypto_sign_verify_detached (signature, content.data, content.size, key->bytes) == 0;
}

static bool minisign_check (
    const struct signature *signature, const struct public_key *key, struct bytes content,
    struct error *error)
{
    uint8_t hash[PREHASH_SIZE];
    struct buffer covered = {0};
    bool good;
    /* The number proves nothing; that it fits is required because it is not covered by any signature. */
    if (memcmp (signature->number, key->number, sizeof key->number) != 0)
        return error_set (error, ERROR_REFUSED, "the signature is by a key with another number");
    if (public_key_is_ssh (key))
        return error_set (error, ERROR_REFUSED, "an SSH key signs by ssh-keygen, not in minisign's form");
    global_content (signature->content, signature->comment, &covered);
    good = is_signed (signature->global, key, buffer_bytes (&covered));
    buffer_free (&covered);
    if (!good)
        return error_set (error, ERROR_REFUSED, "the signature of the trusted comment is not by this key");
    if (signature->form == SIGNATURE_PREHASHED) {
        prehash (content, hash);
        content = (struct bytes){hash, sizeof hash};
    }
    return is_signed (signature->content, key, content) ||
           error_set (error, ERROR_REFUSED, "the signature does not fit the content and this key");
}

static bool ssh_check (
    const struct sshsig *signature, const struct public_key *key, struct bytes content, struct error *error)
{
    const struct record_type *type;
    if (!public_key_is_ssh (key))
        return error_set (error, ERROR_REFUSED, "an SSH signature, and the key is one of minisign's");
    if (!document_type (content, &type, NULL) || type != &approval_type)
        return error_set (
            error, ERROR_REFUSED, "an SSH signature counts for an approval, and for nothing else");
    return sshsig_check (signature, key, SIGNATURE_SSH_NAMESPACE, content, error);
}

bool signature_check (
    const struct signature *signature, const struct public_key *key, struct bytes content,
    struct error *error)
{
    return signature->form == SIGNATURE_SSH ? ssh_check (&signature->ssh, key, content, error)
                                            : minisign_check (signature, key, content, error);
}

bool signature_verify (
    const char *text, const struct public_key *key, struct bytes content, struct error *error)
{
    struct signature signature;
    return signature_parse (text, &signature, error) && signature_check (&signature, key, content, error);
}
