/* A host that asks to become one, and what it is answered. */
#include <sodium.h>

#include "tests/attacks/world.h"

enum { SECRET_SIZE = 32, TOKEN_TEXT = 4096 };

static const char *make_token (struct world *world)
{
    static const uint8_t secret[SECRET_SIZE] = {1};
    struct token token = {
        .connection =
            {.agents = wire_endpoint (world->agents),
             .publish = wire_endpoint (world->publish),
             .server = world->pair.public,
             .trust = digest_of_envelope (&world->realm.trust)},
        .secret = {secret, sizeof secret},
        .expires = realm_in (&world->realm, 600)};
    struct buffer bytes = {0};
    char text[TOKEN_TEXT];
    struct error error;
    if (!codec_encode (&token_type, &token, &bytes, &error))
        world_fail (world, "%s", error.text);
    (void)sodium_bin2base64 (
        text, sizeof text, (const unsigned char *)bytes.data, bytes.size,
        sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buffer_free (&bytes);
    return arena_format (&world->realm.arena, "relevo1.%s", text);
}

void world_ask (struct world *world)
{
    size_t messages = world->messages;
    agent_spawn (world, "enrol", make_token (world));
    world_until (world, &world->messages, messages, "a request to enrol");
}

void world_enrol (struct world *world, const struct enrolment *answer)
{
    world_ask (world);
    world_send (world, &enrolment_type, answer);
}

void world_learn_keys (struct world *world)
{
    struct enrolment rejected = {.state = ENROLMENT_REJECTED, .cause = "not yet"};
    struct error error;
    world_enrol (world, &rejected);
    (void)agent_wait (world);
    if (!state_key (&world->paths, false, &world->realm.keys[P2], &error) ||
        !state_wire (&world->paths, false, &world->realm.wires[P2 - S1], &error))
        world_fail (world, "%s", error.text);
}
