#include "controller/cli/watch.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "controller/cli/live.h"
#include "controller/cli/output.h"

enum {
    FRAME_MS = 200,   /* at most five pictures a second */
    SECOND_MS = 1000, /* clocks in the picture go on by themselves */
    QUIET_MS = 5000,  /* without news for so long: ask for the whole, in case the controller forgot us */
};

struct watcher {
    struct cli *cli;
    struct client *client;
    uint64_t rollout;
    struct view view;
    struct view shown; /* for lines: the state that was told last */
    int signals;       /* descriptor */
    sigset_t before;
    bool lost;
    bool silent;
    bool asked;     /* a whole state is on its way */
    bool stale;     /* something to draw */
    unsigned lines; /* of the picture on the screen */
    unsigned width; /* of the screen when it was drawn */
    struct buffer picture;
    struct instant drawn; /* steady */
    struct instant news;  /* steady */
};

/* ------------------------------------------------------------------------------------------------- showing
 */

/* A terminal that became narrower has wrapped the lines of the picture before: so many it has now. */
static unsigned lines_now (const struct watcher *watcher)
{
    unsigned width = watcher->cli->out.width;
    unsigned lines = 0;
    struct buffer line = {0};
    if (width >= watcher->width || watcher->picture.data == NULL)
        return watcher->lines;
    for (const char *place = watcher->picture.data; *place != '\0';) {
        size_t size = strcspn (place, "\n");
        unsigned columns;
        buffer_clear (&line);
        buffer_append (&line, place, size);
        columns = line.size > 0 ? text_columns (line.data) : 0;
        lines += columns > width ? (columns + width - 1) / width : 1;
        place += size + (place[size] == '\n' ? 1 : 0);
    }
    buffer_free (&line);
    return lines;
}

/* Over the picture before: to its first line, every line erased behind its end, never the screen. */
static void draw (struct watcher *watcher, bool last)
{
    struct live_options options = {.now = clock_now ()};
    struct buffer plain = {0};
    struct buffer painted = {0};
    unsigned lines = 0;
    cli_look_at_terminals (watcher->cli);
    watcher->lines = lines_now (watcher);
    options.width = watcher->width = watcher->cli->out.width;
    options.height = last ? 0 : watcher->cli->out.height;
    options.note =
        watcher->lost ? "the controller is silent: trying on; the hosts go on by what they have" : NULL;
    live_text (&watcher->view, &options, &plain);
    if (watcher->lines > 0)
        buffer_print (&painted, "\033[%uA\r", watcher->lines);
    for (const char *place = plain.data; *place != '\0'; lines++) {
        size_t size = strcspn (place, "\n");
        struct buffer line = {0};
        buffer_append (&line, place, size);
        if (watcher->cli->out.color)
            live_paint (line.data, &painted);
        else
            buffer_append (&painted, line.data, line.size);
        buffer_text (&painted, "\033[K\n");
        buffer_free (&line);
        place += size + (place[size] == '\n' ? 1 : 0);
    }
    for (unsigned i = lines; i < watcher->lines; i++)
        buffer_text (&painted, "\033[K\n");
    if (watcher->lines > lines)
        buffer_print (&painted, "\033[%uA", watcher->lines - lines);
    (void)fwrite (painted.data, 1, painted.size, stdout);
    (void)fflush (stdout);
    buffer_free (&watcher->picture);
    watcher->picture = plain;
    buffer_free (&painted);
    watcher->lines = lines;
    watcher->drawn = clock_steady ();
    watcher->stale = false;
}

static void tell_lines (struct watcher *watcher)
{
    struct buffer out = {0};
    live_changes (&watcher->shown, &watcher->view, &out);
    if (out.size > 0)
        (void)fwrite (out.data, 1, out.size, stdout);
    (void)fflush (stdout);
    buffer_free (&out);
    view_free (&watcher->shown);
    (void)view_merge (&watcher->shown, &watcher->view.state);
}

static void tell_event (const struct watcher *watcher, const struct progress *progress)
{
    struct cli as = *watcher->cli;
    json_t *event = record_json (&progress_type, progress);
    as.format = CLI_JSONL;
    (void)json_object_set_new (event, "schema", json_integer (CLI_SCHEMA));
    output_json (&as, event);
}

static bool is_picture (const struct watcher *watcher)
{
    return watcher->cli->format == CLI_TABLE && watcher->cli->out.is && !watcher->silent;
}

static void show_change (struct watcher *watcher, const struct progress *progress)
{
    if (watcher->silent)
        return;
    if (watcher->cli->format == CLI_JSONL)
        tell_event (watcher, progress);
    else if (is_picture (watcher))
        watcher->stale = true;
    else if (watcher->cli->format == CLI_TABLE)
        tell_lines (watcher);
}

/* ------------------------------------------------------------------------------------------------- following
 */

static void ask_whole (struct watcher *watcher)
{
    struct watch watch = {.rollout = watcher->rollout};
    watcher->asked = client_send (watcher->client, &watch_type, &watch, NULL) != 0;
    watcher->news = clock_steady ();
}

static bool take (struct watcher *watcher, const struct message *message, struct error *error)
{
    if (message->type == &answer_type) {
        const struct answer *answer = message->record;
        return answer->done || error_set (error, ERROR_MISSING, "%s", answer->text);
    }
    if (message->type == &progress_type) {
        const struct progress *progress = message->record;
        watcher->lost = false;
        watcher->news = clock_steady ();
        watcher->asked = watcher->asked && !progress->whole;
        switch (view_merge (&watcher->view, progress)) {
        case VIEW_CHANGED:
            watcher->rollout = watcher->view.state.head.rollout;
            show_change (watcher, progress);
            break;
        case VIEW_GAP:
            if (!watcher->asked)
                ask_whole (watcher);
            break;
        case VIEW_SAME:
            break;
        }
    }
    return true;
}

static void notice_loss (struct watcher *watcher)
{
    if (!watcher->lost && !is_picture (watcher))
        cli_say (
            watcher->cli, "the controller at %s is silent: trying on", client_endpoint (watcher->client));
    watcher->lost = true;
    watcher->stale = true;
    ask_whole (watcher);
}

static struct span wait_time (const struct watcher *watcher)
{
    struct span since = instant_between (watcher->drawn, clock_steady ());
    int64_t due = watcher->stale ? FRAME_MS - since.ms : SECOND_MS;
    return (struct span){due > 0 ? due : 0};
}

static void draw_when_due (struct watcher *watcher)
{
    struct span since = instant_between (watcher->drawn, clock_steady ());
    if (is_picture (watcher) && watcher->view.state.whole &&
        (watcher->stale ? since.ms >= FRAME_MS : since.ms >= SECOND_MS))
        draw (watcher, false);
}

static bool was_interrupted (const struct watcher *watcher)
{
    struct signalfd_siginfo info;
    return read (watcher->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

/* What is over, by exit code; -1 while the watching goes on. */
static int ending (const struct watcher *watcher, const struct watch_options *options, struct instant end)
{
    enum phase phase = watcher->view.state.head.phase;
    if (was_interrupted (watcher))
        return CLI_INTERRUPTED;
    if (ferror (stdout) != 0)
        return CLI_ERROR;
    if (watcher->view.state.whole && phase_is_final (phase))
        return phase_exit_code (phase);
    if (watcher->view.state.whole && phase == PHASE_AWAITING && options->until_approval)
        return CLI_APPROVAL;
    if (options->timeout.ms > 0 && !instant_before (clock_steady (), end))
        return CLI_RUNNING;
    return -1;
}

static int follow (struct watcher *watcher, const struct watch_options *options)
{
    struct instant end = instant_add (clock_steady (), options->timeout);
    int code = -1;
    ask_whole (watcher);
    while ((code = ending (watcher, options, end)) < 0) {
        struct arena arena = {0};
        struct message message;
        struct error error;
        enum client_heard heard =
            client_next (watcher->client, wait_time (watcher), watcher->signals, &arena, &message, &error);
        bool good = heard != CLIENT_BROKEN && (heard != CLIENT_MESSAGE || take (watcher, &message, &error));
        arena_free (&arena);
        if (!good)
            return cli_fail (watcher->cli, &error);
        if (heard == CLIENT_LOST)
            notice_loss (watcher);
        else if (instant_between (watcher->news, clock_steady ()).ms >= QUIET_MS)
            ask_whole (watcher);
        draw_when_due (watcher);
    }
    return code;
}

static void say_end (const struct watcher *watcher, int code)
{
    struct buffer next = {0};
    uint64_t rollout = watcher->rollout;
    if (code == CLI_INTERRUPTED)
        cli_say (
            watcher->cli,
            "detached: rollout %" PRIu64 " goes on. `relevo rollout watch %" PRIu64 "` looks on again",
            rollout, rollout);
    else if (code == CLI_RUNNING)
        cli_say (
            watcher->cli,
            "the time is up: rollout %" PRIu64 " goes on. `relevo rollout watch %" PRIu64 "` looks on again",
            rollout, rollout);
    else if (!watcher->silent && !is_picture (watcher) && watcher->view.state.whole) {
        live_next (&watcher->view, &next);
        if (next.size > 0)
            cli_say (watcher->cli, "next: %s", next.data);
    }
    buffer_free (&next);
}

/* Signals come by a descriptor while watching, so that the wait ends at once and nothing is torn. */
static void watch_signals (struct watcher *watcher)
{
    sigset_t signals;
    (void)sigemptyset (&signals);
    (void)sigaddset (&signals, SIGINT);
    (void)sigaddset (&signals, SIGTERM);
    (void)sigprocmask (SIG_BLOCK, &signals, &watcher->before);
    watcher->signals = signalfd (-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    assert (watcher->signals >= 0);
}

int watch_rollout (
    struct cli *cli, struct client *client, uint64_t rollout, const struct watch_options *options)
{
    struct watcher watcher = {.cli = cli, .client = client, .rollout = rollout, .silent = options->silent};
    int code;
    watch_signals (&watcher);
    code = follow (&watcher, options);
    if (is_picture (&watcher) && watcher.view.state.whole)
        draw (&watcher, true);
    if (cli->format == CLI_JSON && !watcher.silent && watcher.view.state.whole)
        watch_show (cli, &watcher.view);
    say_end (&watcher, code);
    (void)sigprocmask (SIG_SETMASK, &watcher.before, NULL);
    (void)close (watcher.signals);
    buffer_free (&watcher.picture);
    view_free (&watcher.view);
    view_free (&watcher.shown);
    return code;
}

bool watch_once (struct client *client, uint64_t rollout, struct view *view, struct error *error)
{
    struct watch watch = {.rollout = rollout, .once = true};
    struct arena arena = {0};
    const void *state;
    bool good = client_ask_for (client, &watch_type, &watch, &progress_type, &arena, &state, error);
    if (good && view_merge (view, state) != VIEW_CHANGED)
        good = error_set (
            error, ERROR_INPUT, "the controller sent a change where the whole state was asked for");
    arena_free (&arena);
    return good;
}

void watch_show (struct cli *cli, const struct view *view)
{
    struct live_options options = {.now = clock_now (), .width = cli->out.is ? cli->out.width : 1000};
    struct buffer plain = {0};
    struct buffer painted = {0};
    if (cli->format != CLI_TABLE) {
        json_t *state = record_json (&progress_type, &view->state);
        (void)json_object_set_new (state, "schema", json_integer (CLI_SCHEMA));
        output_json (cli, state);
        return;
    }
    live_text (view, &options, &plain);
    if (cli->out.color)
        live_paint (plain.data, &painted);
    (void)fputs (cli->out.color ? painted.data : plain.data, stdout);
    buffer_free (&plain);
    buffer_free (&painted);
}
