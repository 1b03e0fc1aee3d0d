#include "controller/cli/trust_view.h"

#include <inttypes.h>
#include <string.h>

enum { HOSTS_NAMED = 5 };

/* ---------------------------------------------------------------------------------------------- document */

static bool has_wire (const struct trust_key *key)
{
    static const struct wire_key none;
    return memcmp (&key->wire, &none, sizeof none) != 0;
}

/* Of the signing key alone, so that `relevo key list` and a trust document show the same. */
static const char *fingerprint (const struct trust_key *key, char text[FINGERPRINT_TEXT_SIZE])
{
    static const struct wire_key none;
    return key_fingerprint (&key->key, &none, text);
}

static void roles_of (const struct trust *trust, const char *key, struct buffer *out)
{
    struct arena arena = {0};
    for (size_t i = 0; i < trust->roles_count; i++)
        for (size_t j = 0; j < trust->roles[i].keys_count; j++)
            if (strcmp (trust->roles[i].keys[j], key) == 0)
                buffer_print (
                    out, "%s%s", out->size > 0 ? ", " : "", role_name_print (&trust->roles[i], &arena));
    arena_free (&arena);
}

static void print_keys (const struct trust *trust, struct buffer *out)
{
    static const char *const headings[] = {"KEY", "FINGERPRINT", "CONNECTS", "ROLES"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < trust->keys_count; i++) {
        const struct trust_key *key = &trust->keys[i];
        char text[FINGERPRINT_TEXT_SIZE];
        struct buffer roles = {0};
        roles_of (trust, key->name, &roles);
        table_add (
            table, (const char *const[]){
                       key->name, fingerprint (key, text), has_wire (key) ? "yes" : "-",
                       roles.data != NULL ? roles.data : "-"});
        buffer_free (&roles);
    }
    table_print (table, 0, out);
    table_free (&table);
}

static void print_roles (const struct trust *trust, struct buffer *out)
{
    static const char *const headings[] = {"ROLE", "ENVIRONMENT", "NEEDS", "KEYS"};
    struct table *table = table_new (headings, sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < trust->roles_count; i++) {
        const struct trust_role *role = &trust->roles[i];
        struct buffer needs = {0};
        struct buffer keys = {0};
        buffer_print (&needs, "%" PRIu64 " of %zu", role->threshold, role->keys_count);
        for (size_t j = 0; j < role->keys_count; j++)
            buffer_print (&keys, "%s%s", j > 0 ? ", " : "", role->keys[j]);
        table_add (
            table,
            (const char *const[]){
                role->name, role->environment[0] != '\0' ? role->environment : "all", needs.data, keys.data});
        buffer_free (&needs);
        buffer_free (&keys);
    }
    table_print (table, 0, out);
    table_free (&table);
}

void trust_view_document (const struct trust *trust, struct instant now, struct buffer *out)
{
    char issued[TIME_TEXT_SIZE];
    char expires[TIME_TEXT_SIZE];
    char left[TIME_TEXT_SIZE];
    struct span span = instant_between (now, trust->expires);
    buffer_print (
        out, "trust version %" PRIu64 ", issued %s, expires %s", trust->version,
        instant_print (trust->issued, issued), instant_print (trust->expires, expires));
    if (span.ms > 0)
        buffer_print (out, " (in %s)\n\n", span_print (span, left));
    else
        buffer_text (out, " (expired)\n\n");
    print_keys (trust, out);
    buffer_text (out, "\n");
    print_roles (trust, out);
}

/* ---------------------------------------------------------------------------------------------- draft */

static void print_changes (const struct trust *base, const struct trust *draft, struct buffer *out)
{
    struct arena arena = {0};
    struct trust_change *changes;
    size_t count = trust_changes (base, draft, &arena, &changes);
    unsigned width = 0;
    for (size_t i = 0; i < count; i++)
        if (text_columns (changes[i].name) > width)
            width = text_columns (changes[i].name);
    for (size_t i = 0; i < count; i++)
        buffer_print (
            out, "  %c %-6s  %-*s  %s\n", changes[i].sign, changes[i].what, (int)width, changes[i].name,
            changes[i].text);
    if (count == 0)
        buffer_text (out, "  nothing\n");
    arena_free (&arena);
}

static void print_missing (
    const struct trust_signing *signing, bool after, uint64_t version, struct buffer *out)
{
    uint64_t have = after ? signing->have_after : signing->have_before;
    uint64_t need = after ? signing->need_after : signing->need_before;
    const char *between = have >= need ? "; not by " : "; missing from ";
    buffer_print (
        out, "signatures by roots of version %" PRIu64 ": %" PRIu64 " of %" PRIu64, version, have, need);
    for (size_t i = 0; i < signing->count; i++)
        if ((after ? signing->signers[i].after : signing->signers[i].before) &&
            !signing->signers[i].has_signed) {
            buffer_print (out, "%s%s", between, signing->signers[i].name);
            between = ", ";
        }
    buffer_text (out, "\n");
}

void trust_view_draft (
    const struct trust *base, const struct trust *draft, const struct envelope *envelope, struct buffer *out)
{
    struct arena arena = {0};
    struct trust_signing signing;
    trust_signing (base, draft, envelope, &arena, &signing);
    buffer_print (
        out, "version %" PRIu64 " changes against version %" PRIu64 ", which is in force:\n", draft->version,
        base->version);
    print_changes (base, draft, out);
    print_missing (&signing, false, base->version, out);
    print_missing (&signing, true, draft->version, out);
    arena_free (&arena);
}

void trust_view_show (
    const struct cli *cli, const struct trust *base, const struct trust *draft,
    const struct envelope *envelope, FILE *stream)
{
    struct buffer out = {0};
    if (stream == stderr && cli->quiet)
        return;
    trust_view_draft (base, draft, envelope, &out);
    (void)fwrite (out.data, 1, out.size, stream);
    buffer_free (&out);
}

/* ---------------------------------------------------------------------------------------------- hosts */

size_t trust_hosts_have (const struct inventory *raw, uint64_t version)
{
    size_t count = 0;
    for (size_t i = 0; i < raw->hosts_count; i++)
        count += raw->hosts[i].trust_version >= version ? 1 : 0;
    return count;
}

void trust_view_hosts (const struct inventory *raw, uint64_t version, struct buffer *out)
{
    size_t have = trust_hosts_have (raw, version);
    size_t named = 0;
    if (raw->hosts_count == 0)
        return;
    buffer_print (
        out, "%zu of %zu host%s version %" PRIu64, have, raw->hosts_count,
        raw->hosts_count == 1 ? " has" : "s have", version);
    for (size_t i = 0; i < raw->hosts_count; i++) {
        const struct host_row *host = &raw->hosts[i];
        if (host->trust_version >= version)
            continue;
        if (named++ == HOSTS_NAMED) {
            buffer_print (out, " and %zu more", raw->hosts_count - have - HOSTS_NAMED);
            break;
        }
        buffer_text (out, named == 1 ? "; not yet: " : ", ");
        buffer_plain (out, host->name);
        if (!host->connected)
            buffer_text (out, " (away)");
    }
    buffer_text (out, "\n");
}

json_t *trust_view_hosts_json (const struct inventory *raw, uint64_t version)
{
    json_t *missing = json_array ();
    for (size_t i = 0; i < raw->hosts_count; i++)
        if (raw->hosts[i].trust_version < version)
            (void)json_array_append_new (missing, json_string (raw->hosts[i].name));
    return json_pack (
        "{s:I, s:I, s:o}", "have", (json_int_t)trust_hosts_have (raw, version), "all",
        (json_int_t)raw->hosts_count, "missing", missing);
}

/* ---------------------------------------------------------------------------------------------- JSON */

static json_t *changes_json (const struct trust *base, const struct trust *draft)
{
    struct arena arena = {0};
    struct trust_change *changes;
    size_t count = trust_changes (base, draft, &arena, &changes);
    json_t *list = json_array ();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new (
            list, json_pack (
                      "{s:s, s:s, s:s, s:s}", "change",
                      changes[i].sign == '+'   ? "added"
                      : changes[i].sign == '-' ? "removed"
                                               : "changed",
                      "what", changes[i].what, "name", changes[i].name, "text", changes[i].text));
    arena_free (&arena);
    return list;
}

static json_t *count_json (uint64_t have, uint64_t need)
{
    return json_pack ("{s:I, s:I}", "have", (json_int_t)have, "need", (json_int_t)need);
}

static json_t *signing_json (
    const struct trust *base, const struct trust *draft, const struct envelope *envelope)
{
    struct arena arena = {0};
    struct trust_signing signing;
    json_t *list = json_array ();
    json_t *all;
    trust_signing (base, draft, envelope, &arena, &signing);
    for (size_t i = 0; i < signing.count; i++)
        (void)json_array_append_new (
            list, json_pack (
                      "{s:s, s:b, s:b, s:b}", "key", signing.signers[i].name, "signed",
                      (int)signing.signers[i].has_signed, "before", (int)signing.signers[i].before, "after",
                      (int)signing.signers[i].after));
    all = json_pack (
        "{s:b, s:o, s:o, s:o}", "complete", (int)trust_signing_is_done (&signing), "before",
        count_json (signing.have_before, signing.need_before), "after",
        count_json (signing.have_after, signing.need_after), "roots", list);
    arena_free (&arena);
    return all;
}

json_t *trust_view_json (const struct trust *base, const struct trust *trust, const struct envelope *envelope)
{
    json_t *all = output_envelope ("trust", record_json (&trust_type, trust));
    struct digest digest = digest_of (envelope->content.data, envelope->content.size);
    char text[DIGEST_TEXT_SIZE];
    (void)json_object_set_new (all, "digest", json_string (digest_print (&digest, text)));
    if (base != NULL) {
        (void)json_object_set_new (all, "changes", changes_json (base, trust));
        (void)json_object_set_new (all, "signatures", signing_json (base, trust, envelope));
    }
    return all;
}
