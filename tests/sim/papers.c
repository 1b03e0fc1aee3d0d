#include "tests/sim/papers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS(count) (INT64_C (86400000) * (count))

static const char *const key_words[KEYS] = {"root-1", "root-2",    "root-3",    "ana",          "luis",
                                            "eva",    "release-1", "release-2", "controller-1", "stranger"};

/* ----------------------------------------------------------------------------------------------------- names
 */

const struct secret_key *key_of (enum key_name name)
{
    static struct secret_key keys[KEYS];
    static bool made;
    for (unsigned i = 0; !made && i < KEYS; i++) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)(i + 1), 'k'};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)(i + 1)};
        secret_key_make (seed, number, &keys[i]);
    }
    made = true;
    return &keys[name];
}

const char *key_word (enum key_name name)
{
    return key_words[name];
}

const struct secret_key *host_key (unsigned host)
{
    static struct secret_key keys[STORY_HOSTS];
    static bool made[STORY_HOSTS];
    assert (host < STORY_HOSTS);
    if (!made[host]) {
        uint8_t seed[KEY_SEED_SIZE] = {(uint8_t)host, (uint8_t)(host >> 8), 'h'};
        uint8_t number[KEY_NUMBER_SIZE] = {(uint8_t)host, (uint8_t)(host >> 8), 1};
        secret_key_make (seed, number, &keys[host]);
        made[host] = true;
    }
    return &keys[host];
}

struct wire_key host_wire (unsigned host)
{
    struct wire_key wire = {{'w', (uint8_t)host, (uint8_t)(host >> 8)}};
    return wire;
}

const char *host_name (unsigned host)
{
    static char names[STORY_HOSTS][8];
    if (names[host][0] == '\0')
        (void)snprintf (names[host], sizeof names[host], "h%04u", host % STORY_HOSTS);
    return names[host];
}

unsigned host_number (const char *name)
{
    return (unsigned)strtoul (name + 1, NULL, 10);
}

const char *product_name (unsigned product)
{
    return product == 0 ? "rstudio-connect" : "rstudio-pm";
}

const char *environment_name (unsigned environment)
{
    return environment == 0 ? "staging" : "production";
}

/* ------------------------------------------------------------------------------------------------- documents
 */

struct digest envelope_digest (const struct envelope *envelope)
{
    return digest_of (envelope->content.data, envelope->content.size);
}

struct envelope papers_sign (
    struct papers *papers, const struct record_type *type, const void *record, const struct secret_key *key,
    struct instant now)
{
    struct envelope envelope;
    struct error error;
    bool good = document_sign (type, record, key, now, &papers->arena, &envelope, &error);
    assert (good);
    return envelope;
}

static void add_signature (
    struct papers *papers, struct envelope *envelope, const struct record_type *type, const void *record,
    const struct secret_key *key, struct instant now)
{
    struct envelope other = papers_sign (papers, type, record, key, now);
    const char **signatures =
        arena_array (&papers->arena, envelope->signatures_count + 1, sizeof *signatures);
    memcpy (signatures, envelope->signatures, envelope->signatures_count * sizeof *signatures);
    signatures[envelope->signatures_count] = other.signatures[0];
    envelope->signatures = signatures;
    envelope->signatures_count++;
}

static struct trust_role role (
    struct papers *papers, const char *name, uint64_t threshold, const enum key_name *keys, size_t count)
{
    const char **names = arena_array (&papers->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = key_words[keys[i]];
    return (struct trust_role){
        .name = name, .environment = "", .threshold = threshold, .keys = names, .keys_count = count};
}

/* Who is gone by now. */
struct cast {
    bool no_release_2;
    bool no_eva;
    bool root_3;
};

static void make_trust (struct papers *papers, const struct cast *cast, struct instant now)
{
    static const enum key_name operators[] = {KEY_ANA, KEY_LUIS};
    static const enum key_name releasers[] = {KEY_RELEASE_1, KEY_RELEASE_2};
    static const enum key_name controllers[] = {KEY_CONTROLLER};
    static const enum key_name people[] = {KEY_ANA, KEY_LUIS, KEY_EVA};
    const enum key_name roots[] = {KEY_ROOT_1, cast->root_3 ? KEY_ROOT_3 : KEY_ROOT_2};
    struct trust_key *keys = arena_array (&papers->arena, KEYS, sizeof *keys);
    struct trust_role *roles = arena_array (&papers->arena, 6, sizeof *roles);
    struct trust *trust = &papers->trust[papers->trust_count];
    size_t count = 0;
    for (unsigned i = 0; i < KEY_STRANGER; i++)
        if (!(i == KEY_RELEASE_2 && cast->no_release_2) && !(i == KEY_EVA && cast->no_eva))
            keys[count++] = (struct trust_key){.name = key_words[i], .key = key_of (i)->public};
    roles[0] = role (papers, ROLE_ROOT, 2, roots, 2);
    roles[1] = role (papers, ROLE_OPERATOR, 1, operators, 2);
    roles[2] = role (papers, ROLE_RELEASER, 1, releasers, cast->no_release_2 ? 1 : 2);
    roles[3] = role (papers, ROLE_CONTROLLER, 1, controllers, 1);
    roles[4] = role (papers, ROLE_TESTERS, 1, people, cast->no_eva ? 2 : 3);
    roles[5] = role (papers, ROLE_MANAGERS, 2, people, cast->no_eva ? 2 : 3);
    *trust = (struct trust){
        .version = papers->trust_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (365)},
        .keys = keys,
        .keys_count = count,
        .roles = roles,
        .roles_count = 6};
    papers->trusts[papers->trust_count] = papers_sign (papers, &trust_type, trust, key_of (KEY_ROOT_1), now);
    add_signature (
        papers, &papers->trusts[papers->trust_count], &trust_type, trust, key_of (KEY_ROOT_2), now);
    if (cast->root_3)
        add_signature (
            papers, &papers->trusts[papers->trust_count], &trust_type, trust, key_of (KEY_ROOT_3), now);
    papers->trust_count++;
}

bool papers_has_key (const struct trust *trust, enum key_name name)
{
    return trust_key_named (trust, key_words[name]) != NULL;
}

bool papers_next_trust (struct papers *papers, unsigned change, struct instant now)
{
    const struct trust *newest = &papers->trust[papers->trust_count - 1];
    struct cast cast = {
        .no_release_2 = !papers_has_key (newest, KEY_RELEASE_2) || change == 0,
        .no_eva = !papers_has_key (newest, KEY_EVA) || change == 1,
        .root_3 = strcmp (newest->roles[0].keys[1], key_words[KEY_ROOT_3]) == 0 || change == 2};
    if (papers->trust_count == TRUSTS)
        return false;
    make_trust (papers, &cast, now);
    return true;
}

bool papers_next_fleet (struct papers *papers, int without, struct instant now)
{
    unsigned all = papers->story->staging + papers->story->production;
    struct fleet_host *hosts = arena_array (&papers->arena, all, sizeof *hosts);
    struct fleet *fleet = &papers->fleet[papers->fleet_count];
    const struct fleet *before = papers->fleet_count > 0 ? fleet - 1 : NULL;
    size_t count = 0;
    if (papers->fleet_count == FLEETS)
        return false;
    for (unsigned i = 0; i < all; i++) {
        const char **products = arena_array (&papers->arena, PRODUCTS, sizeof *products);
        if ((int)i == without || (before != NULL && fleet_host_named (before, host_name (i)) == NULL))
            continue;
        for (unsigned j = 0; j < PRODUCTS; j++)
            products[j] = product_name (j);
        hosts[count++] = (struct fleet_host){
            .name = host_name (i),
            .environment = environment_name (i < papers->story->staging ? 0 : 1),
            .products = products,
            .products_count = PRODUCTS,
            .key = host_key (i)->public,
            .wire = host_wire (i)};
    }
    *fleet = (struct fleet){
        .version = papers->fleet_count + 1,
        .issued = now,
        .expires = {now.ms + DAYS (365)},
        .hosts = hosts,
        .hosts_count = count};
    papers->fleets[papers->fleet_count] = papers_sign (papers, &fleet_type, fleet, key_of (KEY_ANA), now);
    papers->fleet_count++;
    return true;
}

/* --------------------------------------------------------------------------------------- receipts, approvals
 */

static size_t *index_place (const struct papers *papers, const struct digest *digest)
{
    size_t place;
    memcpy (&place, digest->bytes, sizeof place);
    while (papers->index[place %= papers->index_size] != 0 &&
           !digest_equal (&papers->papers[papers->index[place] - 1].digest, digest))
        place++;
    return &papers->index[place];
}

static void grow (struct papers *papers)
{
    papers->paper_capacity = papers->paper_capacity == 0 ? 64 : 2 * papers->paper_capacity;
    papers->papers = realloc (papers->papers, papers->paper_capacity * sizeof *papers->papers);
    free (papers->index);
    papers->index_size = 4 * papers->paper_capacity;
    papers->index = calloc (papers->index_size, sizeof *papers->index);
    assert (papers->papers != NULL && papers->index != NULL);
    for (size_t i = 0; i < papers->paper_count; i++)
        *index_place (papers, &papers->papers[i].digest) = i + 1;
}

struct true_paper *papers_find (const struct papers *papers, const struct digest *digest)
{
    size_t place = papers->index_size > 0 ? *index_place (papers, digest) : 0;
    return place > 0 ? &papers->papers[place - 1] : NULL;
}

static struct true_paper *keep (struct papers *papers, const struct envelope *envelope)
{
    struct digest digest = envelope_digest (envelope);
    struct true_paper *paper;
    if (papers_find (papers, &digest) != NULL)
        return NULL;
    if (papers->paper_count == papers->paper_capacity)
        grow (papers);
    paper = &papers->papers[papers->paper_count++];
    *paper = (struct true_paper){.digest = digest, .envelope = envelope_copy (envelope, &papers->arena)};
    *index_place (papers, &digest) = papers->paper_count;
    return paper;
}

void papers_keep_receipt (struct papers *papers, const struct envelope *envelope)
{
    struct true_paper *paper = keep (papers, envelope);
    struct receipt *receipt;
    bool good;
    if (paper == NULL)
        return;
    receipt = arena_take (&papers->arena, sizeof *receipt);
    good = document_read (&receipt_type, envelope->content, &papers->arena, receipt, NULL);
    assert (good);
    paper->receipt = receipt;
}

void papers_keep_permit (struct papers *papers, const struct envelope *envelope)
{
    (void)keep (papers, envelope);
}

void papers_keep_approval (
    struct papers *papers, const struct envelope *envelope, const struct approval *approval,
    enum key_name key)
{
    struct true_paper *paper = keep (papers, envelope);
    if (paper == NULL)
        return;
    paper->approval = arena_copy (&papers->arena, approval, sizeof *approval);
    paper->key = key;
}

/* ---------------------------------------------------------------------------------------------- open, close
 */

void papers_open (struct papers *papers, const struct story *story, struct instant start)
{
    struct cast everybody = {0};
    *papers = (struct papers){.story = story};
    make_trust (papers, &everybody, start);
    (void)papers_next_fleet (papers, -1, start);
}

void papers_close (struct papers *papers)
{
    free (papers->papers);
    free (papers->index);
    arena_free (&papers->arena);
}
