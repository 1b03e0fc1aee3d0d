/* Trust and fleet documents by those who hold some keys, but not enough: mutated, and signed anew by a random
   choice of keys. What may be taken is told here anew; exactly that is taken. */
#include "siege.h"

enum { SIGNATURES = 6 };

/* Who signed, and how. */
struct seal {
    unsigned signers[SIGNATURES];
    size_t count;
    bool renumbered; /* the first signer signs once more, under another key number */
};

/* ------------------------------------------------------------------------------------ what would be right */

static bool is_name (const char *text)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen (text);
    return size >= 1 && size <= LIMIT_NAME && strspn (text, good) == size && text[0] != '.' && text[0] != '-';
}

static bool is_zero (const uint8_t bytes[PUBLIC_KEY_SIZE])
{
    static const uint8_t zero[PUBLIC_KEY_SIZE];
    return memcmp (bytes, zero, PUBLIC_KEY_SIZE) == 0;
}

static const struct trust_key *key_named (const struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->keys_count; i++)
        if (strcmp (trust->keys[i].name, name) == 0)
            return &trust->keys[i];
    return NULL;
}

/* Named, present, and none of them like one before it. */
static bool are_owners_good (
    const char *const *owners, const uint8_t *const *keys, const uint8_t *const *wires, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_name (owners[i]) || is_zero (keys[i]))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp (owners[i], owners[j]) == 0 || memcmp (keys[i], keys[j], PUBLIC_KEY_SIZE) == 0 ||
                (!is_zero (wires[i]) && memcmp (wires[i], wires[j], WIRE_KEY_SIZE) == 0))
                return false;
    }
    return true;
}

static bool are_keys_good (const struct trust *trust, struct arena *arena)
{
    const char **owners = arena_array (arena, trust->keys_count, sizeof *owners);
    const uint8_t **keys = arena_array (arena, trust->keys_count, sizeof *keys);
    const uint8_t **wires = arena_array (arena, trust->keys_count, sizeof *wires);
    for (size_t i = 0; i < trust->keys_count; i++) {
        owners[i] = trust->keys[i].name;
        keys[i] = trust->keys[i].key.bytes;
        wires[i] = trust->keys[i].wire.bytes;
    }
    return are_owners_good (owners, keys, wires, trust->keys_count);
}

static bool is_everywhere (const char *role)
{
    return strcmp (role, ROLE_ROOT) == 0 || strcmp (role, ROLE_RELEASER) == 0 ||
           strcmp (role, ROLE_CONTROLLER) == 0;
}

static bool is_role_good (const struct trust *trust, const struct trust_role *role)
{
    bool good =
        is_name (role->name) && role->threshold >= 1 && role->threshold <= role->keys_count &&
        (role->environment[0] == '\0' || (is_name (role->environment) && !is_everywhere (role->name)));
    for (size_t i = 0; i < role->keys_count; i++) {
        good = good && key_named (trust, role->keys[i]) != NULL;
        for (size_t j = 0; j < i; j++)
            good = good && strcmp (role->keys[i], role->keys[j]) != 0;
    }
    return good;
}

static const struct trust_role *role_everywhere (const struct trust *trust, const char *name)
{
    for (size_t i = 0; i < trust->roles_count; i++)
        if (strcmp (trust->roles[i].name, name) == 0 && trust->roles[i].environment[0] == '\0')
            return &trust->roles[i];
    return NULL;
}

static bool are_roles_good (const struct trust *trust)
{
    const struct trust_role *controller = role_everywhere (trust, ROLE_CONTROLLER);
    bool good = controller != NULL && role_everywhere (trust, ROLE_ROOT) != NULL &&
                role_everywhere (trust, ROLE_OPERATOR) != NULL &&
                role_everywhere (trust, ROLE_RELEASER) != NULL;
    for (size_t i = 0; i < trust->roles_count && good; i++) {
        const struct trust_role *role = &trust->roles[i];
        good = is_role_good (trust, role);
        for (size_t j = 0; j < i && good; j++)
            good = strcmp (role->name, trust->roles[j].name) != 0 ||
                   strcmp (role->environment, trust->roles[j].environment) != 0;
        for (size_t j = 0; j < role->keys_count && role != controller && good; j++)
            for (size_t k = 0; k < controller->keys_count && good; k++)
                good = strcmp (role->keys[j], controller->keys[k]) != 0;
    }
    return good;
}

static bool has_signed (const struct siege *siege, const struct seal *seal, const struct public_key *key)
{
    for (size_t i = 0; i < seal->count; i++) {
        const struct public_key *signer = &siege->keys[seal->signers[i]].public;
        if (memcmp (signer->bytes, key->bytes, PUBLIC_KEY_SIZE) == 0 &&
            memcmp (signer->number, key->number, KEY_NUMBER_SIZE) == 0)
            return true;
    }
    return false;
}

/* Keys are told apart by are_keys_good, names within a role by is_role_good. */
static bool is_sealed (
    const struct siege *siege, const struct seal *seal, const struct trust *trust, const char *name)
{
    const struct trust_role *role = role_everywhere (trust, name);
    size_t signers = 0;
    for (size_t i = 0; i < role->keys_count; i++)
        signers += has_signed (siege, seal, &key_named (trust, role->keys[i])->key) ? 1 : 0;
    return signers >= role->threshold;
}

static struct trust trust_in_force (struct siege *siege)
{
    struct trust trust;
    assert_true (document_read (&trust_type, siege->trust.content, &siege->round, &trust, NULL));
    return trust;
}

/* An expired one may follow: it is the way to the next. */
static bool may_follow (struct siege *siege, const struct seal *seal, const struct trust *next)
{
    struct trust current = trust_in_force (siege);
    return next->version == 3 && are_keys_good (next, &siege->round) && are_roles_good (next) &&
           is_sealed (siege, seal, &current, ROLE_ROOT) && is_sealed (siege, seal, next, ROLE_ROOT);
}

static bool is_host_good (const struct fleet_host *host)
{
    bool good = is_name (host->environment);
    for (size_t i = 0; i < host->products_count; i++) {
        good = good && is_name (host->products[i]);
        for (size_t j = 0; j < i; j++)
            good = good && strcmp (host->products[i], host->products[j]) != 0;
    }
    for (size_t i = 0; i < host->labels_count; i++)
        for (size_t j = 0; j < i; j++)
            good = good && strcmp (host->labels[i].name, host->labels[j].name) != 0;
    return good;
}

static bool may_be_fleet (struct siege *siege, const struct seal *seal, const struct fleet *fleet)
{
    struct trust current = trust_in_force (siege);
    const char **owners = arena_array (&siege->round, fleet->hosts_count, sizeof *owners);
    const uint8_t **keys = arena_array (&siege->round, fleet->hosts_count, sizeof *keys);
    const uint8_t **wires = arena_array (&siege->round, fleet->hosts_count, sizeof *wires);
    for (size_t i = 0; i < fleet->hosts_count; i++) {
        owners[i] = fleet->hosts[i].name;
        keys[i] = fleet->hosts[i].key.bytes;
        wires[i] = fleet->hosts[i].wire.bytes;
        if (!is_host_good (&fleet->hosts[i]))
            return false;
    }
    return fleet->version >= 2 && fleet->version <= 1 + ACCEPT_RISE &&
           fleet->expires.ms > siege->world->now.ms + TURN_MS &&
           are_owners_good (owners, keys, wires, fleet->hosts_count) &&
           is_sealed (siege, seal, &current, ROLE_OPERATOR);
}

/* ---------------------------------------------------------------------------------------- trust documents */

static void set_role_keys (struct siege *siege, struct trust_role *role, unsigned first, unsigned second)
{
    role->keys = arena_array (&siege->round, 2, sizeof *role->keys);
    role->keys[0] = signer_names[first];
    role->keys[1] = signer_names[second];
    role->keys_count = 2;
}

/* The known bugs of others, and what a thief of one key would try. Keys and roles stand as siege_trust has
 * them. */
static void forge_trust (struct siege *siege, struct trust *trust)
{
    static const uint64_t versions[] = {0, 1, 2, 4, UINT64_MAX};
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    struct mutator *mutator = &siege->mutator;
    struct trust_role *role = &trust->roles[roll (mutator, trust->roles_count)];
    struct trust_role *root = &trust->roles[0];
    switch (roll (mutator, 11)) {
    case 10: /* another controller, which clears the clock */
        trust->roles[3].keys[0] = signer_names[STRANGER];
        trust->issued = (struct instant){times[roll (mutator, 5)]};
        break;
    case 0:
        trust->version = versions[roll (mutator, 5)];
        break;
    case 1:
        role->threshold = 0;
        break;
    case 2: /* one key under two names */
        trust->keys[ROOT_2].key = trust->keys[ROOT].key;
        break;
    case 3: /* and under two numbers */
        trust->keys[ROOT_2].key = trust->keys[ROOT].key;
        trust->keys[ROOT_2].key.number[0] ^= 1;
        break;
    case 4: /* one name twice in a role */
        set_role_keys (siege, root, ROOT, ROOT);
        break;
    case 5: /* the controller's key in another role */
        role->keys[roll (mutator, role->keys_count)] = signer_names[CONTROLLER];
        break;
    case 6: /* the thief makes himself root */
        set_role_keys (siege, root, STRANGER, CONTROLLER);
        break;
    case 7:
        root->threshold = 1;
        break;
    case 8:
        trust->expires = (struct instant){siege->world->now.ms - 1000};
        break;
    default: /* a role less */
        *role = trust->roles[--trust->roles_count];
    }
}

static struct trust next_trust (struct siege *siege)
{
    struct trust made = siege_trust (siege, 3);
    struct buffer content = {0};
    struct trust trust;
    size_t mutations = roll (&siege->mutator, 3);
    assert_true (document_write (&trust_type, &made, &content, NULL));
    assert_true (document_read (&trust_type, buffer_bytes (&content), &siege->round, &trust, NULL));
    buffer_free (&content);
    if (one_in (&siege->mutator, 2))
        forge_trust (siege, &trust);
    for (size_t i = 0; i < mutations; i++)
        mutate_record (&siege->mutator, &trust_type, &trust);
    return trust;
}

/* Mostly those whom it takes: so near, and yet one too few. */
static struct seal seal_make (struct siege *siege, const unsigned *likely, size_t count)
{
    struct mutator *mutator = &siege->mutator;
    struct seal seal = {.count = roll (mutator, SIGNATURES)};
    for (size_t i = 0; i < seal.count; i++)
        seal.signers[i] =
            one_in (mutator, 4) ? (unsigned)roll (mutator, SIGNERS) : likely[roll (mutator, count)];
    seal.renumbered = seal.count > 0 && one_in (mutator, 4);
    return seal;
}

static bool seal_document (
    struct siege *siege, const struct seal *seal, const struct record_type *type, const void *record,
    struct envelope *ret)
{
    struct buffer content = {0};
    bool good = document_write (type, record, &content, NULL);
    if (good) {
        struct bytes kept = {arena_copy (&siege->round, content.data, content.size), content.size};
        *ret = sign_content (siege, kept, seal->signers, seal->count);
    }
    if (good && seal->renumbered) {
        struct secret_key key = siege->keys[seal->signers[0]];
        key.public.number[0] ^= 1;
        add_signature (ret, &key, siege->world->now, &siege->round);
    }
    buffer_free (&content);
    return good;
}

/* ------------------------------------------------------------------------------------------------- tests */

static void assert_same (const struct siege *siege, size_t acts, bool right, const char *what)
{
    if ((acts > 0) != right)
        fail_msg (
            "%s %zu was %s (%s); again with RELEVO_SEED=%llu", what, siege->attacks,
            right ? "good, and not taken" : "taken, and not good", siege->world->detail,
            (unsigned long long)siege->mutator.seed);
}

/* A new tick, by whoever may now be the controller: what was taken must not break what comes next. */
static void go_on (struct siege *siege)
{
    const enum who controller = one_in (&siege->mutator, 2) ? STRANGER : CONTROLLER;
    struct world *world = siege->world;
    struct tick tick = {
        .epoch = 2,
        .sequence = 1,
        .issued = world->now,
        .expires = later (world, 100),
        .trust_version = 3,
        .fleet_version = 1};
    struct heartbeat heartbeat = {.tick = sign (world, &tick_type, &tick, controller)};
    (void)feed_message (siege, &heartbeat_type, &heartbeat);
    (void)feed_time (world, 1000);
}

static void test_trust_by_too_few (void **state)
{
    static const unsigned roots[] = {ROOT, ROOT_2, ROOT_3, ROOT_4};
    size_t rounds = mutations_wanted (4000);
    struct siege siege = siege_new ();
    size_t taken = 0;
    (void)state;
    siege_begin (&siege, HOST_1);
    for (siege.attacks = 1; siege.attacks <= rounds; siege.attacks++) {
        struct seal seal;
        struct trust next;
        struct envelope envelope;
        round_begin (&siege);
        next = next_trust (&siege);
        seal = seal_make (&siege, roots, 4);
        if (seal_document (&siege, &seal, &trust_type, &next, &envelope)) {
            bool right = may_follow (&siege, &seal, &next);
            assert_same (&siege, feed_document (&siege, &envelope), right, "trust document");
            taken += right ? 1 : 0;
            if (right || siege.attacks % 256 == 0) {
                go_on (&siege);
                siege_end (&siege);
                siege_begin (&siege, HOST_1);
            }
        }
        arena_free (&siege.round);
    }
    siege_end (&siege);
    print_message ("trust: %zu documents, of which %zu were good\n", rounds, taken);
    assert_true (taken > 0 && taken < rounds / 2);
}

static struct fleet next_fleet (struct siege *siege)
{
    struct envelope made = make_fleet (siege->world, 2);
    struct mutator *mutator = &siege->mutator;
    size_t mutations = roll (mutator, 3);
    struct fleet fleet;
    assert_true (document_read (&fleet_type, made.content, &siege->round, &fleet, NULL));
    if (one_in (mutator, 6)) /* one host's key for both */
        fleet.hosts[1].key = fleet.hosts[0].key;
    if (one_in (mutator, 6))
        fleet.hosts[1].name = fleet.hosts[0].name;
    for (size_t i = 0; i < mutations; i++)
        mutate_record (mutator, &fleet_type, &fleet);
    return fleet;
}

static void test_fleet_by_too_few (void **state)
{
    static const unsigned operators[] = {OPERATOR, OPERATOR_2};
    size_t rounds = mutations_wanted (4000);
    struct siege siege = siege_new ();
    size_t taken = 0;
    (void)state;
    siege_begin (&siege, HOST_1);
    for (siege.attacks = 1; siege.attacks <= rounds; siege.attacks++) {
        struct seal seal;
        struct fleet next;
        struct envelope envelope;
        round_begin (&siege);
        next = next_fleet (&siege);
        seal = seal_make (&siege, operators, 2);
        if (seal_document (&siege, &seal, &fleet_type, &next, &envelope)) {
            bool right = may_be_fleet (&siege, &seal, &next);
            assert_same (&siege, feed_document (&siege, &envelope), right, "fleet document");
            taken += right ? 1 : 0;
            if (right || siege.attacks % 256 == 0) {
                go_on (&siege);
                siege_end (&siege);
                siege_begin (&siege, HOST_1);
            }
        }
        arena_free (&siege.round);
    }
    siege_end (&siege);
    print_message ("fleet: %zu documents, of which %zu were good\n", rounds, taken);
    assert_true (taken > 0 && taken < rounds / 2);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_trust_by_too_few),
        cmocka_unit_test (test_fleet_by_too_few),
    };
    return cmocka_run_group_tests_name ("agent mutated trust and fleet", tests, NULL, NULL);
}
