/* Whatever the network sends: a session says only what the table lets a session and an agent say, hands on
   what came and nothing of its own but the state of contents, and writes no byte beyond what was signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/core/session.h"
#include "tests/unit/mutate.h"

enum {
    CONTENTS = 6,
    LENGTH = 3 * LIMIT_CHUNK / 2,
    BATCH = 500,
    QUEUE = 64,
    EFFECTS_MOST = 64, /* of one event */
};

struct spooled {
    struct digest content;
    bool opened;
    uint64_t have;
    bool complete; /* and the session was told */
};

struct stage {
    struct session *session;
    struct mutator mutator;
    struct arena round;
    struct instant now;
    struct digest digests[CONTENTS];
    struct spooled spool[CONTENTS];
    struct session_event news[QUEUE]; /* from the spool */
    size_t news_count;
    struct chunk_wanted wanted[QUEUE]; /* the newest */
    size_t wanted_count;
    uint64_t ping;
    bool noisy;   /* some of what the controller says arrives as other bytes */
    bool damaged; /* the spool finds the bytes to be wrong */
    size_t messages;
    size_t refused; /* by the codec, before the session */
    size_t handed;
    size_t here; /* content_here */
};

static const uint8_t filler[LIMIT_CHUNK];

static struct spooled *spooled_of (struct stage *stage, const struct digest *content)
{
    for (size_t i = 0; i < CONTENTS; i++)
        if (digest_equal (&stage->spool[i].content, content))
            return &stage->spool[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ effects */

static void tell_spool (struct stage *stage, struct spooled *spooled)
{
    struct session_event event = {
        .kind = SESSION_SPOOL,
        .content = spooled->content,
        .have = spooled->have,
        .complete = spooled->have == LENGTH};
    assert_true (stage->news_count < QUEUE);
    if (event.complete && stage->damaged) {
        event.complete = false;
        event.bad = true;
        spooled->have = 0;
    }
    spooled->complete = event.complete;
    stage->news[stage->news_count++] = event;
}

static void write_spool (struct stage *stage, const struct session_effect *effect)
{
    struct spooled *spooled = spooled_of (stage, &effect->content);
    assert_true (spooled != NULL && spooled->opened);
    assert_true (effect->offset == spooled->have && effect->data.size > 0);
    assert_true (effect->data.size <= LENGTH - effect->offset);
    spooled->have += effect->data.size;
    tell_spool (stage, spooled);
}

/* Its own words are about contents that are really there; all else is what has just come, unchanged. */
static void see_handed (
    struct stage *stage, const struct session_effect *effect, const struct session_event *event)
{
    assert_true ((effect->type->senders & FROM_SESSION) != 0);
    stage->handed++;
    if (effect->type == &content_here_type) {
        const struct content_here *here = effect->record;
        assert_true (spooled_of (stage, &here->content)->complete);
        stage->here++;
    } else if (effect->type == &linked_type) {
        assert_int_equal (event->kind, SESSION_FROM_CONTROLLER);
        assert_ptr_equal (event->message.type, &welcome_type);
    } else if (effect->type != &content_late_type) {
        struct buffer came = {0};
        assert_int_equal (event->kind, SESSION_FROM_CONTROLLER);
        assert_ptr_equal (event->message.type, effect->type);
        assert_true (codec_encode (effect->type, event->message.record, &came, NULL));
        assert_true (codec_encodes_to (effect->type, effect->record, buffer_bytes (&came)));
        buffer_free (&came);
    }
}

/* No more at once than its credit, and nothing beyond the signed length. */
static void see_wanted (struct stage *stage, const struct chunk_wanted *wanted)
{
    const struct spooled *spooled = spooled_of (stage, &wanted->content);
    assert_true (wanted->size > 0 && wanted->size <= LIMIT_CHUNK);
    assert_true (wanted->offset + wanted->size <= LENGTH);
    assert_true (wanted->offset + wanted->size <= spooled->have + LIMIT_CREDIT);
    if (stage->wanted_count == QUEUE)
        memmove (stage->wanted, stage->wanted + 1, --stage->wanted_count * sizeof *wanted);
    stage->wanted[stage->wanted_count++] = *wanted;
}

static struct chunk chunk_for (const struct chunk_wanted *wanted)
{
    return (struct chunk){
        .content = wanted->content, .offset = wanted->offset, .data = {filler, (size_t)wanted->size}};
}

static void see_sent (struct stage *stage, const struct session_effect *effect)
{
    assert_true ((effect->type->senders & FROM_AGENT) != 0);
    if (effect->type == &chunk_wanted_type)
        see_wanted (stage, effect->record);
    else if (effect->type == &ping_type)
        stage->ping = ((const struct ping *)effect->record)->number;
}

static void see (struct stage *stage, const struct session_effect *effect, const struct session_event *event)
{
    struct spooled *spooled = spooled_of (stage, &effect->content);
    switch (effect->kind) {
    case SESSION_HAND:
        see_handed (stage, effect, event);
        break;
    case SESSION_SEND:
        see_sent (stage, effect);
        break;
    case SESSION_OPEN:
        assert_true (effect->length == LENGTH);
        spooled->opened = true;
        tell_spool (stage, spooled);
        break;
    case SESSION_WRITE:
        write_spool (stage, effect);
        break;
    case SESSION_DROP:
        if (spooled != NULL)
            *spooled = (struct spooled){.content = spooled->content};
        break;
    case SESSION_RECONNECT:
        break;
    }
}

static void feed_one (struct stage *stage, struct session_event event)
{
    struct session_effects effects = {0};
    event.now = stage->now;
    event.random = draw (&stage->mutator);
    session_step (stage->session, &event, &effects);
    assert_true (effects.count <= EFFECTS_MOST);
    for (size_t i = 0; i < effects.count; i++)
        see (stage, &effects.items[i], &event);
    session_effects_free (&effects);
}

/* And what the spool answers. */
static void feed (struct stage *stage, struct session_event event)
{
    feed_one (stage, event);
    while (stage->news_count > 0) {
        event = stage->news[0];
        memmove (stage->news, stage->news + 1, --stage->news_count * sizeof event);
        feed_one (stage, event);
    }
}

/* ----------------------------------------------------------------------------------------------- messages */

static void feed_bytes (struct stage *stage, enum sender sender, struct bytes bytes)
{
    struct session_event event = {
        .kind = sender == FROM_CONTROLLER ? SESSION_FROM_CONTROLLER : SESSION_FROM_INSTALLER};
    stage->messages++;
    if (message_decode (MESSAGE, (unsigned)sender, bytes, &stage->round, &event.message, NULL))
        feed (stage, event);
    else
        stage->refused++;
}

static void feed_message (
    struct stage *stage, enum sender sender, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    if (message_encode (type, record, &bytes, NULL)) {
        bool damaged = stage->noisy && sender == FROM_CONTROLLER && one_in (&stage->mutator, 8);
        feed_bytes (
            stage, sender,
            damaged ? mutate_bytes (&stage->mutator, buffer_bytes (&bytes), (struct bytes){0})
                    : buffer_bytes (&bytes));
    }
    buffer_free (&bytes);
}

/* Any message at all: who may send it the codec knows. */
static void send_anything (struct stage *stage)
{
    const struct record_type *type;
    void *record;
    do
        type = record_types[roll (&stage->mutator, record_type_count)];
    while (type->class != MESSAGE);
    record = arena_take (&stage->round, type->size);
    fill_record (&stage->mutator, type, record);
    feed_message (stage, FROM_CONTROLLER, type, record);
}

/* What a controller says to an agent, near to what is expected. */
static void send_likely (struct stage *stage)
{
    struct welcome welcome = {.epoch = 4, .sequence = 10, .heartbeat = {2000}};
    struct pong pong = {.number = stage->ping};
    struct chunk_wanted wanted = stage->wanted[roll (&stage->mutator, stage->wanted_count + 1) % QUEUE];
    struct chunk chunk = chunk_for (&wanted);
    struct chunk_refused refused = {.content = wanted.content, .cause = "no"};
    const struct record_type *const types[] = {
        &chunk_type, &welcome_type, &pong_type, &chunk_refused_type, &chunk_type};
    void *const records[] = {&chunk, &welcome, &pong, &refused, &chunk};
    size_t which = roll (&stage->mutator, 5);
    size_t mutations = roll (&stage->mutator, 3);
    for (size_t i = 0; i < mutations; i++)
        mutate_record (&stage->mutator, types[which], records[which]);
    feed_message (stage, FROM_CONTROLLER, types[which], records[which]);
}

static void want (struct stage *stage, size_t which)
{
    struct content_wanted wanted = {.content = stage->digests[which], .length = LENGTH};
    feed_message (stage, FROM_INSTALLER, &content_wanted_type, &wanted);
}

/* The installer is this host's own: it says what it means. */
static void installer_speaks (struct stage *stage)
{
    struct mutator *mutator = &stage->mutator;
    struct hello hello = {.host = "p1", .agent = "0.1", .trust_version = 1 + roll (mutator, 3)};
    struct report report = {.receipt.content = bytes_of_text ("a receipt")};
    struct doing doing = {.activity = (enum activity)roll (mutator, activity_count)};
    struct content_done done = {.content = stage->digests[roll (mutator, CONTENTS)]};
    done.good = one_in (mutator, 2);
    switch (roll (mutator, 6)) {
    case 0:
        feed_message (stage, FROM_INSTALLER, &hello_type, &hello);
        break;
    case 1:
        feed_message (stage, FROM_INSTALLER, &report_type, &report);
        break;
    case 2:
        feed_message (stage, FROM_INSTALLER, &doing_type, &doing);
        break;
    case 3:
        if (spooled_of (stage, &done.content)->complete)
            feed_message (stage, FROM_INSTALLER, &content_done_type, &done);
        break;
    default:
        want (stage, roll (mutator, CONTENTS));
    }
}

static void one_round (struct stage *stage)
{
    size_t way = roll (&stage->mutator, 10);
    stage->damaged = one_in (&stage->mutator, 3);
    if (way == 0) {
        stage->now.ms += (int64_t)roll (&stage->mutator, 20000);
        feed (stage, (struct session_event){.kind = SESSION_TIME});
    } else if (way < 3)
        installer_speaks (stage);
    else if (way < 6)
        send_anything (stage);
    else
        send_likely (stage);
    arena_free (&stage->round);
}

/* ------------------------------------------------------------------------------------------------ control */

static void serve (struct stage *stage)
{
    struct welcome welcome = {.epoch = UINT64_MAX, .sequence = 1, .heartbeat = {2000}};
    struct pong pong = {.number = stage->ping};
    struct chunk_wanted wanted[QUEUE];
    size_t count = stage->wanted_count;
    memcpy (wanted, stage->wanted, sizeof wanted);
    stage->wanted_count = 0;
    feed_message (stage, FROM_CONTROLLER, &welcome_type, &welcome);
    feed_message (stage, FROM_CONTROLLER, &pong_type, &pong);
    for (size_t i = 0; i < count; i++) {
        struct chunk chunk = chunk_for (&wanted[i]);
        feed_message (stage, FROM_CONTROLLER, &chunk_type, &chunk);
    }
    stage->now.ms += 1000;
    feed (stage, (struct session_event){.kind = SESSION_TIME});
    arena_free (&stage->round);
}

/* After all that, a controller that means well gets every content across. */
static void assert_serves (struct stage *stage)
{
    struct hello hello = {.host = "p1", .agent = "0.1"};
    size_t left = CONTENTS;
    stage->damaged = false;
    stage->noisy = false;
    feed_message (stage, FROM_INSTALLER, &hello_type, &hello);
    for (size_t i = 0; i < CONTENTS; i++)
        want (stage, i);
    for (size_t turn = 0; turn < 2000 && left > 0; turn++) {
        serve (stage);
        left = 0;
        for (size_t i = 0; i < CONTENTS; i++)
            left += stage->spool[i].complete ? 0 : 1;
    }
    assert_int_equal (left, 0);
}

static void stage_begin (struct stage *stage)
{
    stage->session = session_new ();
    stage->mutator.arena = &stage->round;
    stage->mutator.digests = stage->digests;
    stage->mutator.digest_count = CONTENTS;
    stage->wanted_count = 0;
    stage->noisy = true;
    stage->ping = 0;
    for (size_t i = 0; i < CONTENTS; i++) {
        stage->digests[i] = digest_of (&i, sizeof i);
        stage->spool[i] = (struct spooled){.content = stage->digests[i]};
    }
    feed (stage, (struct session_event){.kind = SESSION_START});
}

static void test_session (void **state)
{
    struct stage stage = {.mutator = mutator_new (NULL), .now = {1800000000000}};
    size_t left = mutations_wanted (8000);
    (void)state;
    while (left > 0) {
        stage_begin (&stage);
        for (size_t i = 0; i < BATCH && left > 0; i++, left--)
            one_round (&stage);
        assert_serves (&stage);
        session_free (&stage.session);
    }
    print_message (
        "session: %zu messages, %zu refused by the codec, %zu handed on, %zu contents here\n", stage.messages,
        stage.refused, stage.handed, stage.here);
    assert_true (stage.refused > 0 && stage.refused < stage.messages / 2);
}

int main (void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test (test_session)};
    return cmocka_run_group_tests_name ("agent mutated session", tests, NULL, NULL);
}
