/* Upload of one file:

     we    put (offset, no data) ──▶  controller    how much is there already?
           ◀── put_state (have)
           put … put  ──▶                           at most LIMIT_CREDIT bytes beyond what was acknowledged
           ◀── put_state (have) … put_state (complete) */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "controller/cli/client.h"

enum { PATIENCE_MS = 60000, WAIT_MS = 1000 };

struct upload {
    struct client *client;
    int file;
    struct put put; /* what stays the same in every message */
    uint64_t sent;  /* next offset to send */
    uint64_t have;  /* acknowledged */
    bool complete;
    uint8_t *chunk;
};

static bool send_chunk (struct upload *upload, struct error *error)
{
    uint64_t left = upload->put.length - upload->sent;
    size_t size = left < LIMIT_CHUNK ? (size_t)left : LIMIT_CHUNK;
    size_t done = 0;
    struct put put = upload->put;
    while (done < size) {
        ssize_t got = pread (upload->file, upload->chunk + done, size - done, (off_t)(upload->sent + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set (
                error, ERROR_SYSTEM, "%s changed or can't be read while it is sent: %s", put.name,
                got < 0 ? strerror (errno) : "it got shorter");
        done += (size_t)got;
    }
    put.offset = upload->sent;
    put.data = (struct bytes){upload->chunk, size};
    if (client_send (upload->client, &put_type, &put, error) == 0)
        return false;
    upload->sent += size;
    return true;
}

/* Asks where to go on: at the start, and after a break. */
static bool ask_place (struct upload *upload, struct error *error)
{
    struct put put = upload->put;
    return client_send (upload->client, &put_type, &put, error) != 0;
}

static bool take_state (struct upload *upload, const struct message *message, bool fresh, struct error *error)
{
    const struct put_state *state = message->record;
    const struct answer *answer = message->record;
    if (message->type == &answer_type && !answer->done)
        return error_set (
            error, ERROR_REFUSED, "the controller refuses %s: %s", upload->put.name, answer->text);
    if (message->type != &put_state_type)
        return true;
    if (state->have > upload->put.length)
        return error_set (
            error, ERROR_INPUT, "the controller claims more bytes of %s than it has", upload->put.name);
    upload->complete = state->complete;
    if (fresh || state->have > upload->have)
        upload->have = state->have;
    if (fresh)
        upload->sent = state->have;
    return true;
}

/* Sends what credit allows. A full queue is no error: the next acknowledgement makes room. */
static bool send_allowed (struct upload *upload, struct error *error)
{
    while (upload->sent < upload->put.length && upload->sent - upload->have + LIMIT_CHUNK <= LIMIT_CREDIT)
        if (!send_chunk (upload, error))
            return error->kind == ERROR_TIMEOUT;
    return true;
}

static bool run (struct upload *upload, client_uploaded told, void *context, struct error *error)
{
    struct instant last = clock_steady ();
    bool fresh = true; /* the next put_state says where to begin */
    if (!ask_place (upload, error))
        return false;
    while (!upload->complete) {
        struct arena arena = {0};
        struct message message;
        uint64_t before = upload->have;
        enum client_heard heard =
            client_next (upload->client, (struct span){WAIT_MS}, -1, &arena, &message, error);
        bool good = heard != CLIENT_BROKEN;
        if (heard == CLIENT_MESSAGE) {
            good = take_state (upload, &message, fresh, error);
            fresh = fresh && message.type != &put_state_type;
        } else if (heard == CLIENT_LOST)
            fresh = ask_place (upload, NULL) || fresh;
        good = good && (fresh || upload->complete || send_allowed (upload, error));
        arena_free (&arena);
        if (!good)
            return false;
        if (heard == CLIENT_MESSAGE && told != NULL)
            told (context, upload->have, upload->put.length);
        if (upload->have > before)
            last = clock_steady ();
        if (instant_between (last, clock_steady ()).ms > PATIENCE_MS)
            return error_set (
                error, ERROR_TIMEOUT, "nothing of %s was taken for %d s: the same command resumes it",
                upload->put.name, PATIENCE_MS / 1000);
    }
    return true;
}

bool client_upload (
    struct client *client, const char *path, const char *name, client_uploaded told, void *context,
    struct artifact *ret, struct arena *arena, struct error *error)
{
    struct upload upload = {.client = client, .put = {.name = name}};
    bool done;
    if (!file_digest (path, &upload.put.content, &upload.put.length, error))
        return false;
    if (upload.put.length == 0 || upload.put.length > LIMIT_CONTENT)
        return error_set (
            error, ERROR_LIMIT, "%s is %s", path, upload.put.length == 0 ? "empty" : "over 64 GiB");
    upload.file = open (path, O_RDONLY | O_CLOEXEC);
    if (upload.file < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", path, strerror (errno));
    upload.chunk = malloc (LIMIT_CHUNK);
    assert (upload.chunk != NULL);
    done = run (&upload, told, context, error);
    free (upload.chunk);
    (void)close (upload.file);
    if (done)
        *ret = (struct artifact){arena_text (arena, name), upload.put.content, upload.put.length};
    return done;
}
