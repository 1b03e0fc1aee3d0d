/* The controller's side of the dialogue: what it answers by itself, what it sends, and what it waits for. */
#include <inttypes.h>
#include <stdarg.h>

#include "common/io/clock.h"
#include "proto/render.h"
#include "tests/attacks/world.h"

enum {
    PATIENCE_MS = 15000,
    BARRIERS = 10,
    BARRIER_MS = 2500,
    LOG_SHOWN = 6000,
    LOG_MOST = 4 * 1024 * 1024,
    HEARTBEAT_SECONDS = 2
};

/* ------------------------------------------------------------------------------------------ failures */

static void show_log (const struct world *world)
{
    struct arena arena = {0};
    struct bytes log;
    size_t shown;
    if (file_read (world->log, LOG_MOST, &arena, &log, NULL)) {
        shown = log.size < LOG_SHOWN ? log.size : LOG_SHOWN;
        print_error (
            "the agent's log ends with:\n%.*s\n", (int)shown, (const char *)log.data + log.size - shown);
    }
    arena_free (&arena);
}

void world_fail (const struct world *world, const char *format, ...)
{
    char text[2048];
    va_list rest;
    va_start (rest, format);
    (void)vsnprintf (text, sizeof text, format, rest);
    va_end (rest);
    for (size_t i = world->said_count > 20 ? world->said_count - 20 : 0; i < world->said_count; i++)
        print_error (
            "%s the agent said: %s: %s\n", i < world->heard ? "before," : "unheard,",
            enum_word (&activity_words, world->said[i % SAID].activity), world->said[i % SAID].detail);
    show_log (world);
    fail_msg ("%s", text);
}

/* ------------------------------------------------------------------------------------------- sending */

void world_send_bytes (struct world *world, struct bytes body)
{
    if (world->route_size == 0)
        world_fail (world, "no agent is connected");
    if (wire_send (world->agents, world->route, world->route_size, body) != WIRE_SENT)
        world_fail (world, "the agent can't be reached");
}

static struct buffer encode (const struct world *world, const struct record_type *type, const void *record)
{
    struct buffer body = {0};
    struct error error;
    if (!message_encode (type, record, &body, &error))
        world_fail (world, "%s: %s", type->name, error.text);
    return body;
}

void world_send (struct world *world, const struct record_type *type, const void *record)
{
    struct buffer body = encode (world, type, record);
    world_send_bytes (world, buffer_bytes (&body));
    buffer_free (&body);
}

void world_publish (struct world *world, const struct record_type *type, const void *record)
{
    struct buffer body = encode (world, type, record);
    wire_publish (world->publish, "all", buffer_bytes (&body));
    buffer_free (&body);
}

void world_tick (struct world *world)
{
    struct tick tick = draft_tick (&world->realm, world->epoch, ++world->sequence);
    struct heartbeat heartbeat = {SIGNED (&world->realm, &tick_type, &tick, world->controller)};
    world_send (world, &heartbeat_type, &heartbeat);
}

void world_offer (struct world *world, const struct envelope *envelope)
{
    struct offer offer = {.document = *envelope};
    world_tick (world);
    world_send (world, &offer_type, &offer);
}

void world_permit_envelope (
    struct world *world, const struct envelope *permit, const struct evidence *evidence)
{
    struct permit_offer offer = {
        .permit = *permit, .evidence = (struct envelope *)evidence->items, .evidence_count = evidence->count};
    world_tick (world);
    world_send (world, &permit_offer_type, &offer);
}

void world_permit (struct world *world, const struct permit *permit, const struct evidence *evidence)
{
    struct envelope envelope = SIGNED (&world->realm, &permit_type, permit, world->controller);
    world_permit_envelope (world, &envelope, evidence);
}

void world_open (struct world *world, const struct release *release, uint64_t attempt)
{
    struct evidence evidence = realm_evidence (&world->realm, release, DEPLOY_P2, attempt);
    struct permit permit = draft_permit (&world->realm, release, DEPLOY_P2, attempt, &evidence);
    world_offer (world, &release->envelope);
    world_permit (world, &permit, &evidence);
}

void world_new_trust (struct world *world, struct envelope trust, uint64_t version)
{
    world_offer (world, &trust);
    world->realm.trust = trust;
    world->realm.trust_version = version;
}

void world_new_fleet (struct world *world, struct envelope fleet, uint64_t version)
{
    world_offer (world, &fleet);
    world->realm.fleet = fleet;
    world->realm.fleet_version = version;
}

/* ----------------------------------------------------------------------------------------- answering */

static void take_hello (struct world *world, const struct hello *hello)
{
    struct welcome welcome = {world->epoch, world->sequence, span_seconds (HEARTBEAT_SECONDS)};
    struct buffer bytes = {0};
    struct error error;
    arena_free (&world->hello_arena);
    if (!codec_encode (&hello_type, hello, &bytes, &error) ||
        !codec_decode (&hello_type, buffer_bytes (&bytes), &world->hello_arena, &world->hello, &error))
        world_fail (world, "%s", error.text);
    buffer_free (&bytes);
    world->hellos++;
    if (!world->mute)
        world_send (world, &welcome_type, &welcome);
}

static void take_doing (struct world *world, const struct doing *doing)
{
    size_t place = world->said_count++ % SAID;
    world->said[place].activity = doing->activity;
    (void)snprintf (world->said[place].detail, sizeof world->said[place].detail, "%s", doing->detail);
}

static void take_report (struct world *world, const struct report *report)
{
    struct report_stored stored = {digest_of_envelope (&report->receipt)};
    struct error error;
    world->report = envelope_copy (&report->receipt, &world->realm.arena);
    if (!document_read (&receipt_type, world->report.content, &world->realm.arena, &world->receipt, &error))
        world_fail (world, "a receipt: %s", error.text);
    world->reports++;
    world_send (world, &report_stored_type, &stored);
}

static void take_chunk_wanted (struct world *world, const struct chunk_wanted *wanted)
{
    const struct bytes *content = realm_content_find (&world->realm, &wanted->content);
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    struct chunk_refused refused = {wanted->content, "there is no such content"};
    world->chunks++;
    world->chunk = wanted->content;
    if (world->mute)
        return;
    if (world->answer != NULL) {
        world->answer (world, wanted);
        return;
    }
    if (content == NULL || wanted->offset > content->size || wanted->size > content->size - wanted->offset) {
        world_send (world, &chunk_refused_type, &refused);
        return;
    }
    chunk.data = (struct bytes){content->data + wanted->offset, wanted->size};
    world_send (world, &chunk_type, &chunk);
}

static void take_message (struct world *world, const struct message *message)
{
    if (message->type == &hello_type)
        take_hello (world, message->record);
    else if (message->type == &ping_type && !world->mute)
        world_send (world, &pong_type, message->record); /* both are one number */
    else if (message->type == &pull_type)
        world->pulls++;
    else if (message->type == &doing_type)
        take_doing (world, message->record);
    else if (message->type == &report_type)
        take_report (world, message->record);
    else if (message->type == &chunk_wanted_type)
        take_chunk_wanted (world, message->record);
}

static void take_one (struct world *world, const struct wire_message *received)
{
    struct arena arena = {0};
    struct message message;
    struct error error;
    world->messages++;
    world->route_size = received->route_size;
    (void)memcpy (world->route, received->route, received->route_size);
    if (!message_decode (MESSAGE, FROM_AGENT, received->body, &arena, &message, &error))
        world_fail (world, "the agent sent what no agent may send: %s", error.text);
    if (getenv ("RELEVO_VERBOSE") != NULL) {
        struct buffer line = {0};
        render (message.type, message.record, &line);
        print_message ("got %s\n", line.data);
        buffer_free (&line);
    }
    take_message (world, &message);
    arena_free (&arena);
}

static void serve_once (struct world *world, struct span time)
{
    struct wire_message received;
    struct error error;
    bool ready;
    if (!wire_wait (world->wire, &world->agents, 1, &ready, NULL, 0, time, &error))
        world_fail (world, "%s", error.text);
    while (wire_receive (world->agents, &received))
        take_one (world, &received);
}

void world_serve (struct world *world, struct span time)
{
    struct instant end = instant_add (clock_steady (), time);
    struct span left = time;
    while (left.ms > 0) {
        serve_once (world, left);
        left = instant_between (clock_steady (), end);
    }
}

/* --------------------------------------------------------------------------------------- waiting for */

static bool is_late (struct instant begun)
{
    return instant_between (begun, clock_steady ()).ms > PATIENCE_MS;
}

void world_until (struct world *world, const size_t *counter, size_t above, const char *what)
{
    struct instant begun = clock_steady ();
    while (*counter <= above) {
        if (is_late (begun))
            world_fail (world, "%s does not come", what);
        serve_once (world, (struct span){100});
    }
}

static bool hears (struct world *world, enum activity activity, const char *words)
{
    while (world->heard < world->said_count) {
        size_t place = world->heard++ % SAID;
        if ((activity == activity_count || world->said[place].activity == activity) &&
            strstr (world->said[place].detail, words) != NULL)
            return true;
    }
    return false;
}

void world_says_as (struct world *world, enum activity activity, const char *words)
{
    struct instant begun = clock_steady ();
    while (!hears (world, activity, words)) {
        if (is_late (begun))
            world_fail (world, "it does not say \"%s\"", words);
        serve_once (world, (struct span){100});
    }
}

void world_says (struct world *world, const char *words)
{
    world_says_as (world, activity_count, words);
}

void world_logs (struct world *world, const char *words)
{
    struct instant begun = clock_steady ();
    for (;;) {
        struct arena arena = {0};
        struct bytes log;
        bool found = file_read (world->log, LOG_MOST, &arena, &log, NULL) &&
                     strstr ((const char *)log.data, words) != NULL;
        arena_free (&arena);
        if (found)
            return;
        if (is_late (begun))
            world_fail (world, "it does not log \"%s\"", words);
        world_serve (world, (struct span){50});
    }
}

void world_knows (struct world *world, uint64_t trust, uint64_t fleet)
{
    struct instant begun = clock_steady ();
    while (world->hello.trust_version != trust || world->hello.fleet_version != fleet) {
        if (is_late (begun))
            world_fail (
                world, "it has trust %" PRIu64 " and fleet %" PRIu64, world->hello.trust_version,
                world->hello.fleet_version);
        serve_once (world, (struct span){100});
    }
}

/* Session and installer take everything in the order in which it came: so what was sent before is judged when
   these words are answered. What an agent says of its doings is lost while its session greets the controller
   anew, as it does when an epoch begins: then another barrier is tried. */
void world_settle (struct world *world)
{
    struct arena *arena = &world->realm.arena;
    size_t heard = world->heard;
    bool answered = false;
    for (unsigned tries = 0; !answered; tries++) {
        char *purpose = arena_format (arena, "barrier-%" PRIu64, ++world->barriers);
        struct envelope barrier = {.content = bytes_of_text (arena_format (arena, "relevo %s 1\n", purpose))};
        const char *words = arena_format (arena, "'%s'", purpose);
        struct instant begun = clock_steady ();
        world_offer (world, &barrier);
        while (!(answered = hears (world, activity_count, words)) &&
               instant_between (begun, clock_steady ()).ms < BARRIER_MS)
            serve_once (world, (struct span){100});
        if (!answered && tries == BARRIERS)
            world_fail (world, "it does not say %s", words);
    }
    world->heard = heard;
}

void world_reports (
    struct world *world, const struct release *release, uint64_t step, enum outcome outcome,
    const char *words)
{
    const struct receipt *receipt = &world->receipt;
    world_until (world, &world->reports, world->reports_seen, "a receipt");
    world->reports_seen = world->reports;
    if (!digest_equal (&receipt->plan, &release->digest) || receipt->step != step ||
        receipt->outcome != outcome || strstr (receipt->cause, words) == NULL)
        world_fail (
            world, "the receipt says: step %" PRIu64 ", %s (%s), not: step %" PRIu64 ", %s (%s)",
            receipt->step, enum_word (&outcome_words, receipt->outcome), receipt->cause, step,
            enum_word (&outcome_words, outcome), words);
}

void world_refuses (struct world *world, const char *words)
{
    world_says (world, words);
    world_unchanged (world);
}

void world_obeys_attempt (struct world *world, const struct release *release, uint64_t attempt)
{
    world_open (world, release, attempt);
    world_reports (world, release, DEPLOY_P2, OUTCOME_KEPT, "");
    world_runs (world, release);
}

void world_obeys (struct world *world, const struct release *release)
{
    world_obeys_attempt (world, release, 1);
}
