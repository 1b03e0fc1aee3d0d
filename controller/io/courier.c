#include "controller/io/courier.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/channel.h"
#include "controller/io/courier_child.h"

enum { LAST_WAIT_MS = 3000 };

struct courier {
    pid_t process; /* 0: its end was seen */
    int ending;    /* a pidfd */
    struct channel *channel;
    struct arena result; /* of the last courier_next */
};

/* ------------------------------------------------------------------------------------------- start and stop
 */

bool courier_start (const struct courier_options *options, struct courier **ret, struct error *error)
{
    struct courier *courier;
    int ends[2];
    pid_t process;
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set (error, ERROR_SYSTEM, "make a socketpair: %s", strerror (errno));
    process = fork ();
    if (process == 0) {
        (void)close (ends[0]);
        courier_child (options, ends[1]);
    }
    (void)close (ends[1]);
    if (process < 0) {
        (void)close (ends[0]);
        return error_set (error, ERROR_SYSTEM, "start the courier: %s", strerror (errno));
    }
    courier = calloc (1, sizeof *courier);
    assert (courier != NULL);
    courier->process = process;
    courier->ending = pidfd_open (process, 0);
    courier->channel = channel_new (ends[0]);
    *ret = courier;
    return true;
}

void courier_stop (struct courier **courier)
{
    struct courier *self = *courier;
    struct pollfd ending;
    if (self == NULL)
        return;
    ending = (struct pollfd){.fd = self->ending, .events = POLLIN};
    channel_free (&self->channel);
    if (self->process != 0 && self->ending >= 0 && poll (&ending, 1, LAST_WAIT_MS) == 1)
        (void)waitpid (self->process, NULL, WNOHANG);
    if (self->ending >= 0)
        (void)close (self->ending);
    arena_free (&self->result);
    free (self);
    *courier = NULL;
}

/* -------------------------------------------------------------------------------------------- telling, told
 */

bool courier_tell (struct courier *courier, const struct notice *notice, struct error *error)
{
    struct tell tell = {.target = notice->target, .key = notice->key, .text = notice->text};
    assert (notice->head != NULL);
    tell.head = *notice->head;
    return channel_send (courier->channel, &tell_type, &tell, error);
}

struct pollfd courier_poll (const struct courier *courier)
{
    return (struct pollfd){
        .fd = channel_descriptor (courier->channel), .events = channel_interest (courier->channel)};
}

/* How it ended, where that can be told within a moment. */
static bool explain_end (struct courier *courier, struct error *error)
{
    static const char consequence[] =
        "the courier, which carries out notifications, has ended%s%s: relevod ends too, so that both are "
        "started anew; what is owed stands in the journal";
    struct pollfd ending = {.fd = courier->ending, .events = POLLIN};
    int status = 0;
    if (courier->ending < 0 || poll (&ending, 1, LAST_WAIT_MS) != 1 ||
        waitpid (courier->process, &status, WNOHANG) != courier->process)
        return error_set (error, ERROR_SYSTEM, consequence, "", "");
    courier->process = 0;
    if (WIFSIGNALED (status))
        return error_set (
            error, ERROR_SYSTEM, consequence, ", killed by signal: ", strsignal (WTERMSIG (status)));
    return error_set (error, ERROR_SYSTEM, consequence, " by itself, with an error", "");
}

bool courier_service (struct courier *courier, struct error *error)
{
    return channel_service (courier->channel, error) || explain_end (courier, error);
}

bool courier_next (struct courier *courier, struct notice_result *ret, bool *ret_there, struct error *error)
{
    struct message message;
    struct bytes body;
    const struct told *told;
    arena_free (&courier->result);
    *ret_there = channel_next (courier->channel, &body);
    if (!*ret_there)
        return true;
    if (!message_decode (MESSAGE, FROM_COURIER, body, &courier->result, &message, error))
        return error_context (error, "the courier sends what it may not");
    told = message.record;
    *ret = (struct notice_result){told->key, told->done, told->text};
    return true;
}
