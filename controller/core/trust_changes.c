/* What differs between one trust document and the next, whether the next can stand, and who has to sign it.
 */
#include <inttypes.h>
#include <string.h>

#include "controller/core/trust_edit.h"

/* ---------------------------------------------------------------------------------------------- checking */

static const struct trust_role *roots (const struct trust *trust)
{
    return trust_role_for (trust, ROLE_ROOT, "");
}

static bool is_zero (const struct wire_key *wire)
{
    static const struct wire_key none;
    return memcmp (wire, &none, sizeof none) == 0;
}

static bool share_a_key (const struct trust *first, const struct trust *second)
{
    for (size_t i = 0; i < first->keys_count; i++)
        if (trust_key_of (second, &first->keys[i].key) != NULL)
            return true;
    return false;
}

/* Who signs for both versions at once counts once: the fewest people who can do it. */
static uint64_t fewest_signers (const struct trust *base, const struct trust *next)
{
    const struct trust_role *before = roots (base);
    const struct trust_role *after = roots (next);
    uint64_t both = 0;
    uint64_t least;
    for (size_t i = 0; i < before->keys_count; i++) {
        const struct trust_key *key = trust_key_named (base, before->keys[i]);
        both += key != NULL && trust_role_has (next, after, &key->key) ? 1 : 0;
    }
    least = before->threshold < after->threshold ? before->threshold : after->threshold;
    return before->threshold + after->threshold - (both < least ? both : least);
}

bool trust_edit_check (
    const struct trust *base, const struct trust *next, struct instant now, struct error *error)
{
    char time[TIME_TEXT_SIZE];
    if (!trust_check (next, error))
        return false;
    if (next->version != base->version + 1)
        return error_set (
            error, ERROR_CONFLICT, "it is of version %" PRIu64 ", and version %" PRIu64 " is in force",
            next->version, base->version);
    if (!share_a_key (base, next))
        return error_set (
            error, ERROR_REFUSED,
            "it has not one key in common with the document in force: it is of another fleet");
    if (!instant_before (now, next->expires))
        return error_set (
            error, ERROR_EXPIRED, "it expires at %s, which is past: give it a new expiry with --for 365d",
            instant_print (next->expires, time));
    if (fewest_signers (base, next) > LIMIT_SIGNATURES)
        return error_set (
            error, ERROR_LIMIT,
            "the roots of version %" PRIu64 " and of version %" PRIu64 " would have to give %" PRIu64
            " signatures, and a document carries at most %d: change fewer root keys at once",
            base->version, next->version, fewest_signers (base, next), LIMIT_SIGNATURES);
    return true;
}

/* ---------------------------------------------------------------------------------------------- differing */

struct changes {
    struct trust_change *items;
    size_t count;
    struct arena *arena;
};

static void change (struct changes *changes, char sign, const char *what, const char *name, const char *text)
{
    changes->items[changes->count++] = (struct trust_change){sign, what, name, text};
}

static const char *roles_of (const struct trust *trust, const char *key, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < trust->roles_count; i++)
        for (size_t j = 0; j < trust->roles[i].keys_count; j++)
            if (strcmp (trust->roles[i].keys[j], key) == 0)
                text = arena_format (
                    arena, "%s%s%s", text, text[0] != '\0' ? ", " : "",
                    role_name_print (&trust->roles[i], arena));
    return text;
}

static const char *print_key (const struct trust_key *key, struct arena *arena)
{
    static const struct wire_key none;
    char text[FINGERPRINT_TEXT_SIZE];
    return arena_text (arena, key_fingerprint (&key->key, &none, text));
}

static void compare_key (
    struct changes *changes, const struct trust_key *before, const struct trust_key *after)
{
    struct arena *arena = changes->arena;
    if (!public_key_equal (&before->key, &after->key))
        change (
            changes, '~', "key", after->name,
            arena_format (
                arena, "another key: %s, was %s%s", print_key (after, arena), print_key (before, arena),
                !is_zero (&after->wire) && memcmp (&before->wire, &after->wire, sizeof after->wire) == 0
                    ? "; it connects by the remote door with the same wire key as before"
                    : ""));
    if (memcmp (&before->wire, &after->wire, sizeof before->wire) != 0)
        change (
            changes, '~', "key", after->name,
            is_zero (&before->wire)  ? "may connect by the remote door"
            : is_zero (&after->wire) ? "may not connect by the remote door any more"
                                     : "connects by the remote door with another wire key");
}

static void compare_keys (struct changes *changes, const struct trust *before, const struct trust *after)
{
    struct arena *arena = changes->arena;
    for (size_t i = 0; i < after->keys_count; i++) {
        const struct trust_key *key = &after->keys[i];
        const struct trust_key *old = trust_key_named (before, key->name);
        if (old != NULL)
            compare_key (changes, old, key);
        else
            change (
                changes, '+', "key", key->name,
                arena_format (
                    arena, "%s, in %s%s", print_key (key, arena), roles_of (after, key->name, arena),
                    is_zero (&key->wire) ? "" : "; may connect by the remote door"));
    }
    for (size_t i = 0; i < before->keys_count; i++)
        if (trust_key_named (after, before->keys[i].name) == NULL)
            change (
                changes, '-', "key", before->keys[i].name,
                arena_format (
                    arena, "%s, was in %s", print_key (&before->keys[i], arena),
                    roles_of (before, before->keys[i].name, arena)));
}

static const char *print_role (const struct trust_role *role, struct arena *arena)
{
    const char *text = arena_format (arena, "%" PRIu64 " of ", role->threshold);
    for (size_t i = 0; i < role->keys_count; i++)
        text = arena_format (arena, "%s%s%s", text, i > 0 ? ", " : "", role->keys[i]);
    return text;
}

static const struct trust_role *same_role (const struct trust *trust, const struct trust_role *wanted)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, wanted->name) == 0 &&
            strcmp (trust->roles[i].environment, wanted->environment) == 0)
            return &trust->roles[i];
    return NULL;
}

static void compare_roles (struct changes *changes, const struct trust *before, const struct trust *after)
{
    struct arena *arena = changes->arena;
    for (size_t i = 0; i < after->roles_count; i++) {
        const struct trust_role *role = &after->roles[i];
        const struct trust_role *old = same_role (before, role);
        const char *name = role_name_print (role, arena);
        const char *now = print_role (role, arena);
        const char *then = old != NULL ? print_role (old, arena) : NULL;
        if (then == NULL)
            change (changes, '+', "role", name, arena_format (arena, "%s (a new role)", now));
        else if (strcmp (then, now) != 0)
            change (changes, '~', "role", name, arena_format (arena, "%s (was %s)", now, then));
    }
    for (size_t i = 0; i < before->roles_count; i++)
        if (same_role (after, &before->roles[i]) == NULL)
            change (
                changes, '-', "role", role_name_print (&before->roles[i], arena),
                arena_format (arena, "was %s", print_role (&before->roles[i], arena)));
}

size_t trust_changes (
    const struct trust *before, const struct trust *after, struct arena *arena, struct trust_change **ret)
{
    size_t most = 1 + 2 * (before->keys_count + after->keys_count) + before->roles_count + after->roles_count;
    struct changes changes = {.items = arena_array (arena, most, sizeof *changes.items), .arena = arena};
    char now[TIME_TEXT_SIZE];
    char then[TIME_TEXT_SIZE];
    compare_keys (&changes, before, after);
    compare_roles (&changes, before, after);
    if (before->expires.ms != after->expires.ms)
        change (
            &changes, '~', "expiry", "",
            arena_format (
                arena, "%s (was %s)", instant_print (after->expires, now),
                instant_print (before->expires, then)));
    *ret = changes.items;
    return changes.count;
}

/* ---------------------------------------------------------------------------------------------- signing */

static void add_signers (
    struct trust_signing *signing, const struct trust *trust, bool after, const struct envelope *envelope,
    struct public_key *keys)
{
    const struct trust_role *role = roots (trust);
    for (size_t i = 0; role != NULL && i < role->keys_count; i++) {
        const struct trust_key *key = trust_key_named (trust, role->keys[i]);
        size_t place = 0;
        if (key == NULL)
            continue;
        while (place < signing->count && !public_key_equal (&keys[place], &key->key))
            place++;
        if (place == signing->count) {
            keys[place] = key->key;
            signing->signers[signing->count++].has_signed =
                document_signers (envelope, &key->key, 1, NULL) > 0;
        }
        signing->signers[place].name = key->name;
        signing->signers[place].before = signing->signers[place].before || !after;
        signing->signers[place].after = signing->signers[place].after || after;
    }
}

void trust_signing (
    const struct trust *before, const struct trust *after, const struct envelope *envelope,
    struct arena *arena, struct trust_signing *ret)
{
    const size_t most = (size_t)2 * LIMIT_ROLE_KEYS;
    struct public_key *keys = arena_array (arena, most, sizeof *keys);
    struct trust_signing signing = {.signers = arena_array (arena, most, sizeof *signing.signers)};
    add_signers (&signing, before, false, envelope, keys);
    add_signers (&signing, after, true, envelope, keys);
    signing.need_before = roots (before)->threshold;
    signing.need_after = roots (after)->threshold;
    for (size_t i = 0; i < signing.count; i++) {
        const struct trust_signer *signer = &signing.signers[i];
        signing.have_before += signer->before && signer->has_signed ? 1 : 0;
        signing.have_after += signer->after && signer->has_signed ? 1 : 0;
    }
    *ret = signing;
}

bool trust_signing_is_done (const struct trust_signing *signing)
{
    return signing->have_before >= signing->need_before && signing->have_after >= signing->need_after;
}
