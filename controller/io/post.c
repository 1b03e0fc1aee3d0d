/* The other side of notify.c: one webhook, in a child of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/http.h"
#include "controller/io/notify.h"

enum { SHOWN_MOST = 160 };

static const char *variable (const char *name)
{
    const char *value = getenv (name);
    return value == NULL ? "" : value;
}

static const char **post_headers (struct arena *arena)
{
    const char **headers = arena_array (arena, CONFIG_MOST_HEADERS + 2, sizeof headers[0]);
    size_t count = 0;
    headers[count++] = arena_format (arena, "Idempotency-Key: %s", variable ("RELEVO_POST_KEY"));
    for (size_t i = 0; i < CONFIG_MOST_HEADERS; i++) {
        const char *header = getenv (arena_format (arena, "RELEVO_POST_HEADER_%zu", i));
        if (header == NULL)
            break;
        headers[count++] = header;
    }
    return headers;
}

/* The start of an answer's first line: targets say there what they dislike ("invalid_token"). */
static void print_answer (const struct http_answer *answer)
{
    size_t size = answer->body.size < SHOWN_MOST ? answer->body.size : SHOWN_MOST;
    const char *end = size == 0 ? NULL : memchr (answer->body.data, '\n', size);
    if (end != NULL)
        size = (size_t)(end - (const char *)answer->body.data);
    printf ("HTTP %ld", answer->status);
    if (size > 0)
        printf (": %.*s", (int)size, (const char *)answer->body.data);
    printf ("\n");
}

int notify_post (void)
{
    struct arena arena = {0};
    struct error error;
    struct http_answer answer = {0};
    struct http_request request = {
        .url = variable ("RELEVO_POST_URL"),
        .body = variable ("RELEVO_POST_BODY"),
        .content_type = "application/json",
        .headers = post_headers (&arena),
        .deadline = {strtoll (variable ("RELEVO_POST_DEADLINE"), NULL, 10)}};
    bool good = http_do (&request, &arena, &answer, &error);
    if (good) {
        print_answer (&answer);
        good = answer.status >= 200 && answer.status <= 299;
    } else {
        printf ("%s\n", error.text);
    }
    arena_free (&arena);
    return good ? 0 : 1;
}
