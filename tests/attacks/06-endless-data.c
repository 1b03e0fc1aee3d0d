/* Row 6, endless data: more bytes, messages or items than were signed or are allowed. */
#include <unistd.h>

#include "common/io/wire_part.h"
#include "tests/attacks/world.h"

enum { MEMORY_MOST_KB = 256 * 1024, HEADER = 5 };

/* ------------------------------------------------------------------------------------------ contents */

/* One byte beyond what the plan says. */
static void answer_longer (struct world *world, const struct chunk_wanted *wanted)
{
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    uint8_t *data = arena_take (&world->realm.arena, wanted->size + 1);
    chunk.data = (struct bytes){data, wanted->size + 1};
    world_send (world, &chunk_type, &chunk);
}

/* All that was asked for, and then more and more. */
static void answer_without_end (struct world *world, const struct chunk_wanted *wanted)
{
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk chunk = {.content = wanted->content};
    uint8_t *data = arena_take (&world->realm.arena, LIMIT_CHUNK);
    assert_non_null (content);
    chunk.data = *content;
    world_send (world, &chunk_type, &chunk);
    chunk.data = (struct bytes){data, LIMIT_CHUNK};
    for (int i = 0; i < 40; i++) {
        chunk.offset = content->size + (uint64_t)i * LIMIT_CHUNK;
        world_send (world, &chunk_type, &chunk);
    }
}

static void test_content_longer_than_was_signed (void **state)
{
    struct world *world = *state;
    struct plan plan = draft_plan (&world->realm, "2.0", 20);
    struct release release;
    plan_hasten (&plan);
    release = realm_release_of (&world->realm, &plan);
    world->answer = answer_longer;
    world_open (world, &release, 1);
    world_reports (
        world, &release, DEPLOY_P2, OUTCOME_FAILED,
        "the session says: what arrived is not of the length that the plan says");
    world_same_service (world);
    world->answer = NULL;
    world_obeys_attempt (world, &release, 2);
}

static void test_chunks_without_end (void **state)
{
    struct world *world = *state;
    struct release release = realm_release (&world->realm, "2.0", 20);
    struct arena arena = {0};
    const char *spool = path_join (&arena, world->paths.folder, "spool");
    world->answer = answer_without_end;
    world_obeys (world, &release); /* what was signed was among it, and nothing else counts */
    world_settle (world);
    assert_int_equal (rmdir (spool), 0); /* nothing of it has stayed */
    arena_free (&arena);
}

/* ------------------------------------------------------------------------ messages over their bounds */

static long memory_kb (const struct world *world)
{
    char path[64];
    char line[256];
    long most = 0;
    FILE *file;
    (void)snprintf (path, sizeof path, "/proc/%d/status", (int)world->agent);
    file = fopen (path, "re");
    while (file != NULL && fgets (line, sizeof line, file) != NULL)
        if (strncmp (line, "VmHWM:", 6) == 0)
            most = strtol (line + 6, NULL, 10);
    if (file != NULL)
        (void)fclose (file);
    return most;
}

static struct buffer offer_of (const struct envelope *envelope)
{
    struct offer offer = {.document = *envelope};
    struct buffer body = {0};
    assert_true (message_encode (&offer_type, &offer, &body, NULL));
    return body;
}

/* Where the only list or byte string with these four bytes of size begins. */
static char *header_of (struct buffer *body, uint8_t kind, uint32_t size)
{
    const uint8_t header[HEADER] = {
        kind, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    char *place = memmem (body->data, body->size, header, sizeof header);
    assert_non_null (place);
    return place;
}

/* A document as long as the cap is judged (and refused for what it is); one byte more is not even decoded. */
static void test_document_over_the_cap (void **state)
{
    struct world *world = *state;
    uint8_t *data = arena_take (&world->realm.arena, LIMIT_DOCUMENT);
    struct envelope envelope = {.content = {data, LIMIT_DOCUMENT}};
    struct release next = realm_release (&world->realm, "2.0", 20);
    struct buffer body;
    struct buffer longer = {0};
    size_t place;
    char *header;
    (void)memset (data, 'x', LIMIT_DOCUMENT);
    world_offer (world, &envelope);
    world_refuses (world, "not a relevo document");
    body = offer_of (&envelope);
    header = header_of (&body, 0xc6, LIMIT_DOCUMENT);
    header[4] = 1;
    place = (size_t)(header - body.data) + HEADER;
    buffer_append (&longer, body.data, place);
    buffer_append (&longer, "x", 1);
    buffer_append (&longer, body.data + place, body.size - place);
    world_send_bytes (world, buffer_bytes (&longer));
    world_logs (world, "a message is dropped: ");
    world_logs (world, "content");
    world_unchanged (world);
    buffer_free (&body);
    buffer_free (&longer);
    world_obeys (world, &next);
}

/* Five bytes that claim four thousand million items, or bytes: nothing is taken for them. */
static void test_claims_of_sizes_that_are_not_there (void **state)
{
    static const struct {
        uint8_t kind;
        const char *field;
    } claims[] = {{0xdd, "signatures"}, {0xdb, "signatures"}, {0xc6, "content"}, {0xdf, "document"}};
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "2.0", 20);
    struct buffer body = offer_of (&next.envelope);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        static const char most[] = {'\xff', '\xff', '\xff', '\xff'};
        char *place = memmem (body.data, body.size, claims[i].field, strlen (claims[i].field));
        struct buffer claim = {0};
        assert_non_null (place);
        buffer_append (&claim, body.data, (size_t)(place - body.data) + strlen (claims[i].field));
        buffer_append (&claim, &claims[i].kind, 1);
        buffer_append (&claim, most, sizeof most);
        buffer_append (&claim, body.data, body.size);
        world_send_bytes (world, buffer_bytes (&claim));
        buffer_free (&claim);
    }
    world_logs (world, "a message is dropped: ");
    world_unchanged (world);
    assert_true (memory_kb (world) < MEMORY_MOST_KB);
    buffer_free (&body);
    world_obeys (world, &next);
}

/* A document that is truly signed, and says so once too often. */
static void test_lists_over_their_bounds (void **state)
{
    static const uint8_t full[] = {0xdc, 0, LIMIT_SIGNATURES};
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct release next = realm_release (realm, "2.0", 20);
    struct envelope envelope = next.envelope;
    struct buffer body;
    char *list;
    envelope.signatures = arena_array (&realm->arena, LIMIT_SIGNATURES, sizeof *envelope.signatures);
    envelope.signatures_count = LIMIT_SIGNATURES;
    for (size_t i = 0; i < LIMIT_SIGNATURES; i++)
        envelope.signatures[i] = next.envelope.signatures[i % 2];
    body = offer_of (&envelope);
    list = memmem (body.data, body.size, full, sizeof full);
    assert_non_null (list);
    list[2] = LIMIT_SIGNATURES + 1;
    buffer_append (&body, "\xa1x", 2);
    world_send_bytes (world, buffer_bytes (&body));
    buffer_free (&body);
    world_logs (world, "a message is dropped: offer: document: signatures: 33 is over the limit of 32");
    world_unchanged (world);
    world_obeys (world, &next);
}

/* The connection ends by it, and the agent comes back by another. */
static void test_message_over_the_limit (void **state)
{
    struct world *world = *state;
    struct release next = realm_release (&world->realm, "2.0", 20);
    size_t size = (size_t)LIMIT_MESSAGE * 2;
    uint8_t *data = arena_take (&world->realm.arena, size);
    uint8_t route[WIRE_ROUTE_SIZE];
    (void)memcpy (route, world->route, sizeof route);
    assert_true (zmq_send (world->agents->zmq, world->route, world->route_size, ZMQ_SNDMORE) >= 0);
    assert_true (zmq_send (world->agents->zmq, data, size, 0) >= 0);
    while (memcmp (route, world->route, sizeof route) == 0)
        world_until (world, &world->messages, world->messages, "the agent that comes back");
    world_unchanged (world);
    assert_true (memory_kb (world) < MEMORY_MOST_KB);
    world_obeys (world, &next);
}

/* ------------------------------------------------------------------------------- a chain without end */

/* Trust 1 to LIMIT_PAGE, and one more: each truly signed. */
static struct envelope *long_chain (struct realm *realm)
{
    struct envelope *chain = arena_array (&realm->arena, LIMIT_PAGE + 1, sizeof *chain);
    chain[0] = realm->trust;
    for (uint64_t version = 2; version <= LIMIT_PAGE + 1; version++) {
        struct trust trust = draft_trust (realm, version);
        chain[version - 1] = SIGNED (realm, &trust_type, &trust, ROOT_1);
    }
    return chain;
}

/* As message_encode would not write it: one more than is allowed, in the place of the whole list. */
static struct buffer too_many_hops (struct enrolment *answer)
{
    static const uint8_t full[] = {0xdc, LIMIT_PAGE >> 8, LIMIT_PAGE & 0xff};
    struct buffer body = {0};
    char *list;
    assert_true (message_encode (&enrolment_type, answer, &body, NULL));
    list = memmem (body.data, body.size, full, sizeof full);
    assert_non_null (list);
    list[2]++;
    return body;
}

/* While a host enrols, which is when it takes a whole chain: it goes on asking. */
static void test_too_many_hops_of_trust (void **state)
{
    struct world *world = *state;
    struct realm *realm = &world->realm;
    struct enrolment answer = {.state = ENROLMENT_ACCEPTED, .trusts_count = LIMIT_PAGE};
    struct buffer body;
    struct fleet fleet;
    answer.trusts = long_chain (realm);
    world_learn_keys (world);
    fleet = draft_fleet (realm, 1);
    answer.fleet = SIGNED (realm, &fleet_type, &fleet, OPERATOR);
    body = too_many_hops (&answer);
    world_ask (world);
    world_send_bytes (world, buffer_bytes (&body));
    buffer_free (&body);
    world_until (world, &world->messages, world->messages, "the same request again");
    assert_false (file_exists (world->paths.connection));
    world_send (world, &enrolment_type, &answer);
    assert_int_equal (agent_wait (world), 0);
    assert_true (file_exists (world->paths.connection));
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        ATTACK (test_content_longer_than_was_signed),  ATTACK (test_chunks_without_end),
        ATTACK (test_document_over_the_cap),           ATTACK (test_claims_of_sizes_that_are_not_there),
        ATTACK (test_lists_over_their_bounds),         ATTACK (test_message_over_the_limit),
        ATTACK_STRANGER (test_too_many_hops_of_trust),
    };
    return WORLD_RUN (tests);
}
