#include "common/core/document.h"

#include <stdio.h>
#include <string.h>

#include "common/core/signature.h"

#define FIRST_WORD "relevo "

/* Longer than any first line can be: the first word, the longest purpose, a version. */
enum { FIRST_LINE_MOST = 64 };

static size_t first_line (const struct record_type *type, char line[FIRST_LINE_MOST])
{
    int size = snprintf (line, FIRST_LINE_MOST, FIRST_WORD "%s %u\n", type->name, type->number);
    return size > 0 && size < FIRST_LINE_MOST ? (size_t)size : 0;
}

bool document_write (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error)
{
    size_t before = out->size;
    char line[FIRST_LINE_MOST];
    buffer_append (out, line, first_line (type, line));
    if (!codec_encode (type, record, out, error)) {
        out->size = before;
        return false;
    }
    if (out->size - before > LIMIT_DOCUMENT) {
        size_t size = out->size - before;
        out->size = before;
        return error_set (
            error, ERROR_LIMIT, "the %s takes %zu bytes, over the limit of %d for one document", type->name,
            size, LIMIT_DOCUMENT);
    }
    return true;
}

/* The purpose and the version in a first line, as text of `line` that ends in NUL. */
static bool split_line (struct bytes content, char line[FIRST_LINE_MOST], char **ret_version)
{
    size_t most = content.size < FIRST_LINE_MOST ? content.size : FIRST_LINE_MOST - 1;
    const uint8_t *end = most > 0 ? memchr (content.data, '\n', most) : NULL;
    size_t size = end != NULL ? (size_t)(end - content.data) : 0;
    char *space;
    if (size <= strlen (FIRST_WORD) || memcmp (content.data, FIRST_WORD, strlen (FIRST_WORD)) != 0 ||
        !text_is_printable ((const char *)content.data, size))
        return false;
    size -= strlen (FIRST_WORD);
    (void)memcpy (line, content.data + strlen (FIRST_WORD), size);
    line[size] = '\0';
    space = strchr (line, ' ');
    if (space == NULL)
        return false;
    *space = '\0';
    *ret_version = space + 1;
    return true;
}

bool document_type (struct bytes content, const struct record_type **ret, struct error *error)
{
    char line[FIRST_LINE_MOST];
    char version_here[FIRST_LINE_MOST];
    char *version = NULL;
    const struct record_type *type;
    if (!split_line (content, line, &version))
        return error_set (
            error, ERROR_INPUT, "not a relevo document: its first line must be \"relevo PURPOSE VERSION\"");
    type = record_type_named (DOCUMENT, line);
    if (type == NULL)
        return error_set (error, ERROR_REFUSED, "a document of the unknown purpose '%s'", line);
    (void)snprintf (version_here, sizeof version_here, "%u", type->number);
    if (strcmp (version, version_here) != 0)
        return error_set (
            error, ERROR_REFUSED,
            "a %s document of version %s, and this program knows version %u: use programs of one release",
            line, version, type->number);
    *ret = type;
    return true;
}

bool document_read (
    const struct record_type *type, struct bytes content, struct arena *arena, void *ret_record,
    struct error *error)
{
    const struct record_type *found;
    char line[FIRST_LINE_MOST];
    size_t size;
    if (content.size > LIMIT_DOCUMENT)
        return error_set (
            error, ERROR_LIMIT, "a document of %zu bytes, over the limit of %d", content.size,
            LIMIT_DOCUMENT);
    if (!document_type (content, &found, error))
        return false;
    if (found != type)
        return error_set (
            error, ERROR_REFUSED, "a %s document where a %s is wanted", found->name, type->name);
    size = first_line (type, line);
    return codec_decode (
        type, (struct bytes){content.data + size, content.size - size}, arena, ret_record, error);
}

static bool is_counted (
    const struct public_key *keys, const bool *signed_by, size_t before, const struct public_key *key)
{
    for (size_t i = 0; i < before; i++)
        if (signed_by[i] && public_key_equal (&keys[i], key))
            return true;
    return false;
}

size_t document_signers (
    const struct envelope *envelope, const struct public_key *keys, size_t count, bool *ret_signed)
{
    struct arena arena = {0};
    bool *signed_by = arena_array (&arena, count, sizeof *signed_by);
    size_t different = 0;
    for (size_t i = 0; i < envelope->signatures_count && i < LIMIT_SIGNATURES; i++) {
        struct signature signature;
        if (!signature_parse (envelope->signatures[i], &signature, NULL))
            continue;
        for (size_t j = 0; j < count; j++)
            signed_by[j] = signed_by[j] || signature_check (&signature, &keys[j], envelope->content, NULL);
    }
    for (size_t j = 0; j < count; j++)
        if (signed_by[j] && !is_counted (keys, signed_by, j, &keys[j]))
            different++;
    if (ret_signed != NULL && count > 0)
        (void)memcpy (ret_signed, signed_by, count * sizeof *signed_by);
    arena_free (&arena);
    return different;
}

bool document_sign (
    const struct record_type *type, const void *record, const struct secret_key *key, struct instant now,
    struct arena *arena, struct envelope *ret, struct error *error)
{
    struct buffer content = {0};
    struct buffer comment = {0};
    struct buffer signature = {0};
    bool good = document_write (type, record, &content, error);
    if (good) {
        signature_comment (now, type->name, &comment);
        good = signature_make (key, buffer_bytes (&content), comment.data, &signature, error);
    }
    if (good) {
        const char **signatures = arena_array (arena, 1, sizeof *signatures);
        signatures[0] = arena_text (arena, signature.data);
        *ret = (struct envelope){
            .content = {arena_copy (arena, content.data, content.size), content.size},
            .signatures = signatures,
            .signatures_count = 1};
    }
    buffer_free (&content);
    buffer_free (&comment);
    buffer_free (&signature);
    return good;
}

struct envelope envelope_copy (const struct envelope *envelope, struct arena *arena)
{
    const char **signatures = arena_array (arena, envelope->signatures_count, sizeof *signatures);
    for (size_t i = 0; i < envelope->signatures_count; i++)
        signatures[i] = arena_text (arena, envelope->signatures[i]);
    return (struct envelope){
        .content =
            {arena_copy (arena, envelope->content.data, envelope->content.size), envelope->content.size},
        .signatures = signatures,
        .signatures_count = envelope->signatures_count};
}
