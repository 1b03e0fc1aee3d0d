#include "common/io/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/core/text.h"
#include "common/io/clock.h"
#include "proto/limits.h"

enum { AGAIN_MS = 1000 };

struct supervisor {
    int socket;        /* -1: nobody is told */
    struct span alive; /* between two signs of life; 0: none are wanted */
    struct instant alive_due;
    struct instant again; /* what is new is told then, at the earliest */
    bool ready;
    bool ready_told;
    bool ending;
    bool ending_told;
    char status[LIMIT_LINE + 1];
    bool status_told;
};

/* ------------------------------------------------------------------------------------------------ open,
 * close
 */

static bool connect_to (const char *address, int *ret, struct error *error)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen (address);
    socklen_t size = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + length);
    if ((address[0] != '/' && address[0] != '@') || length < 2 || length >= sizeof name.sun_path)
        return error_set (error, ERROR_INPUT, "NOTIFY_SOCKET is \"%s\", which is no local socket", address);
    (void)memcpy (name.sun_path, address, length);
    if (address[0] == '@')
        name.sun_path[0] = '\0'; /* a name that is no file */
    *ret = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*ret >= 0 && connect (*ret, (const struct sockaddr *)&name, size) == 0)
        return true;
    (void)error_set (
        error, ERROR_SYSTEM, "the service manager can't be reached at %s: %s", address, strerror (errno));
    if (*ret >= 0)
        (void)close (*ret);
    *ret = -1;
    return false;
}

/* 0 where the manager wants no signs of life, or not of this process. Two within its time: one may be late.
 */
static struct span span_alive (void)
{
    const char *time = getenv ("WATCHDOG_USEC");
    const char *process = getenv ("WATCHDOG_PID");
    long long microseconds = time != NULL ? strtoll (time, NULL, 10) : 0;
    if (microseconds <= 0 || (process != NULL && strtoll (process, NULL, 10) != getpid ()))
        return (struct span){0};
    return (struct span){microseconds >= 4000 ? microseconds / 2000 : 1};
}

bool supervisor_open (struct supervisor **ret, struct error *error)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
    struct supervisor *supervisor = calloc (1, sizeof *supervisor);
    const char *address = getenv ("NOTIFY_SOCKET");
    bool good = true;
    assert (supervisor != NULL);
    supervisor->socket = -1;
    supervisor->status_told = true;
    if (address != NULL && address[0] != '\0') {
        supervisor->alive = span_alive ();
        good = connect_to (address, &supervisor->socket, error);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv (names[i]);
    if (!good)
        supervisor_close (&supervisor);
    *ret = supervisor;
    return good;
}

void supervisor_close (struct supervisor **supervisor)
{
    if (*supervisor == NULL)
        return;
    if ((*supervisor)->socket >= 0)
        (void)close ((*supervisor)->socket);
    free (*supervisor);
    *supervisor = NULL;
}

/* ----------------------------------------------------------------------------------------------------
 * telling
 */

static bool tell (const struct supervisor *supervisor, const struct buffer *lines)
{
    return send (supervisor->socket, lines->data, lines->size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* All that is new in one datagram; what could not be sent stays new. */
static void tell_news (struct supervisor *supervisor, bool alive)
{
    bool ready = supervisor->ready && !supervisor->ready_told;
    bool ending = supervisor->ending && !supervisor->ending_told;
    struct buffer lines = {0};
    bool told;
    if (ready)
        buffer_text (&lines, "READY=1\n");
    if (ending)
        buffer_text (&lines, "STOPPING=1\n");
    if (!supervisor->status_told)
        buffer_print (&lines, "STATUS=%s\n", supervisor->status);
    if (alive)
        buffer_text (&lines, "WATCHDOG=1\n");
    told = lines.size == 0 || tell (supervisor, &lines);
    supervisor->ready_told |= told && ready;
    supervisor->ending_told |= told && ending;
    supervisor->status_told |= told;
    if (!told)
        supervisor->again = instant_add (clock_steady (), (struct span){AGAIN_MS});
    if (alive)
        supervisor->alive_due = told ? instant_add (clock_steady (), supervisor->alive) : supervisor->again;
    buffer_free (&lines);
}

void supervisor_say (struct supervisor *supervisor, const char *format, ...)
{
    char line[sizeof supervisor->status];
    va_list arguments;
    va_start (arguments, format);
    (void)vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    text_mend (line); /* it may have been cut within a character */
    /* A line break would begin another word of the protocol. */
    for (char *place = line; *place != '\0'; place++)
        if ((unsigned char)*place < ' ')
            *place = ' ';
    if (strcmp (line, supervisor->status) == 0)
        return;
    (void)memcpy (supervisor->status, line, sizeof line);
    supervisor->status_told = false;
}

void supervisor_ready (struct supervisor *supervisor)
{
    supervisor->ready = true;
}

void supervisor_ending (struct supervisor *supervisor)
{
    supervisor->ending = true;
    if (supervisor->socket >= 0)
        tell_news (supervisor, false);
}

void supervisor_turn (struct supervisor *supervisor)
{
    struct instant now = clock_steady ();
    if (supervisor->socket >= 0 && !instant_before (now, supervisor->again))
        tell_news (supervisor, supervisor->alive.ms > 0 && !instant_before (now, supervisor->alive_due));
}

struct instant supervisor_deadline (const struct supervisor *supervisor)
{
    struct instant never = {INT64_MAX};
    bool news = (supervisor->ready && !supervisor->ready_told) || !supervisor->status_told;
    if (supervisor->socket < 0)
        return never;
    return instant_earlier (
        supervisor->alive.ms > 0 ? supervisor->alive_due : never, news ? supervisor->again : never);
}
