#include "agent/io/order.h"

#include <assert.h>

/* The codec knows every record's parts; so it also copies them. */
static void record_copy (
    const struct record_type *type, const void *record, struct arena *arena, void *ret_copy)
{
    struct buffer encoded = {0};
    bool good = codec_encode (type, record, &encoded, NULL) &&
                codec_decode (type, buffer_bytes (&encoded), arena, ret_copy, NULL);
    assert (good); /* it came from a verified document, by the same codec */
    buffer_free (&encoded);
}

static const char *text_copy (const char *text, struct arena *arena)
{
    return arena_text (arena, text != NULL ? text : "");
}

static void copy_texts (const struct act_order *order, struct arena *arena, struct act_order *copy)
{
    const char **keep = arena_array (arena, order->keep_count, sizeof *keep);
    size_t i;
    copy->product = text_copy (order->product, arena);
    copy->version = text_copy (order->version, arena);
    copy->folder = text_copy (order->folder, arena);
    copy->previous = text_copy (order->previous, arena);
    copy->environment = text_copy (order->environment, arena);
    for (i = 0; i < order->keep_count; i++)
        keep[i] = text_copy (order->keep[i], arena);
    copy->keep = (const char *const *)keep;
}

const struct act_order *order_copy (const struct act_order *order, struct arena *arena)
{
    struct act_order *copy = arena_take (arena, sizeof *copy);
    struct artifact *artifacts = arena_array (arena, order->artifact_count, sizeof *artifacts);
    struct test *tests = arena_array (arena, order->test_count, sizeof *tests);
    size_t i;
    *copy = *order;
    copy_texts (order, arena, copy);
    for (i = 0; i < order->artifact_count; i++)
        record_copy (&artifact_type, &order->artifacts[i], arena, &artifacts[i]);
    for (i = 0; i < order->test_count; i++)
        record_copy (&test_type, &order->tests[i], arena, &tests[i]);
    copy->artifacts = artifacts;
    copy->tests = tests;
    if (order->command != NULL) {
        struct command *command = arena_take (arena, sizeof *command);
        record_copy (&command_type, order->command, arena, command);
        copy->command = command;
    }
    return copy;
}
