#include "proto/message.h"

#include <assert.h>
#include <msgpack.h>

static const struct {
    unsigned sender;
    const char *name;
} senders[] = {
    {FROM_STRANGER, "a stranger"}, {FROM_AGENT, "an agent"},         {FROM_CONTROLLER, "the controller"},
    {FROM_SESSION, "a session"},   {FROM_INSTALLER, "an installer"}, {FROM_FACE, "relevod's face"},
    {FROM_COURIER, "the courier"}, {FROM_OPERATOR, "an operator"},   {FROM_RELEASER, "a releaser"},
    {FROM_PERSON, "a person"},
};

const char *sender_name (unsigned sender)
{
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++)
        if ((senders[i].sender & sender) != 0)
            return senders[i].name;
    return "nobody known";
}

/* "an operator or a releaser" */
static void name_senders (unsigned wanted, struct buffer *out)
{
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++)
        if ((senders[i].sender & wanted) != 0)
            buffer_print (out, "%s%s", out->size > 0 ? " or " : "", senders[i].name);
}

static bool wrong_sender (const struct record_type *type, unsigned sender, struct error *error)
{
    struct buffer names = {0};
    name_senders (type->senders, &names);
    (void)error_set (
        error, ERROR_REFUSED, "%s must not come from %s: it takes %s", type->name, sender_name (sender),
        names.data);
    buffer_free (&names);
    return false;
}

static int buffer_write (void *data, const char *bytes, size_t size)
{
    buffer_append (data, bytes, size);
    return 0;
}

bool message_encode (
    const struct record_type *type, const void *record, struct buffer *out, struct error *error)
{
    size_t before = out->size;
    msgpack_packer packer;
    assert (type->class == MESSAGE || type->class == ENTRY);
    msgpack_packer_init (&packer, out, buffer_write);
    (void)msgpack_pack_array (&packer, 3);
    (void)msgpack_pack_uint64 (&packer, PROTOCOL_VERSION);
    (void)msgpack_pack_uint64 (&packer, type->number);
    if (!codec_encode (type, record, out, error)) {
        out->size = before;
        return false;
    }
    if (out->size - before > LIMIT_MESSAGE) {
        size_t size = out->size - before;
        out->size = before;
        return error_set (
            error, ERROR_LIMIT, "%s: %zu bytes are more than one message holds", type->name, size);
    }
    return true;
}

/* A small unsigned number in its shortest form: all that versions and message numbers need. */
static size_t read_number (struct bytes input, unsigned *ret)
{
    if (input.size >= 1 && input.data[0] < 0x80) {
        *ret = input.data[0];
        return 1;
    }
    if (input.size >= 2 && input.data[0] == 0xCC && input.data[1] >= 0x80) {
        *ret = input.data[1];
        return 2;
    }
    return 0;
}

static struct bytes rest_of (struct bytes input, size_t from)
{
    return (struct bytes){input.data + from, input.size - from};
}

bool message_decode (
    enum record_class class, unsigned sender, struct bytes input, struct arena *arena, struct message *ret,
    struct error *error)
{
    unsigned version = 0;
    unsigned number = 0;
    size_t used;
    const struct record_type *type;
    void *record;
    if (input.size > LIMIT_MESSAGE)
        return error_set (error, ERROR_LIMIT, "a message of %zu bytes, over %d", input.size, LIMIT_MESSAGE);
    if (input.size < 3 || input.data[0] != 0x93)
        return error_set (error, ERROR_INPUT, "not a relevo message");
    input = rest_of (input, 1);
    used = read_number (input, &version);
    if (used == 0 || version != PROTOCOL_VERSION)
        return error_set (
            error, ERROR_REFUSED, "protocol version %u, this side speaks %d: upgrade the %s side", version,
            PROTOCOL_VERSION, version > PROTOCOL_VERSION ? "receiving" : "sending");
    input = rest_of (input, used);
    used = read_number (input, &number);
    type = used > 0 ? record_type_find (class, number) : NULL;
    if (type == NULL)
        return error_set (
            error, ERROR_REFUSED, "message number %u is unknown here: the sender may be newer", number);
    if (class == MESSAGE && (type->senders & sender) == 0)
        return wrong_sender (type, sender, error);
    record = arena_take (arena, type->size);
    if (!codec_decode (type, rest_of (input, used), arena, record, error))
        return false;
    *ret = (struct message){type, record};
    return true;
}
