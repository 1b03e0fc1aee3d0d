#include "controller/io/bulk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bodies in one audit page: leaves room for one more of the largest kind below LIMIT_MESSAGE, and is small
   enough for many pages to wait for somebody who asks and never reads. */
enum { PAGE_BYTES = LIMIT_MESSAGE / 64 };

static void refuse (struct bulk *bulk, const struct route *route, uint64_t request, const struct error *error)
{
    struct answer answer = {.request = request, .kind = error_kind_name (error->kind), .text = error->text};
    perform_send (bulk->performer, route, &answer_type, &answer);
}

/* ------------------------------------------------------------------------------------------------- content
 */

static void give_chunk (struct bulk *bulk, const struct route *route, const struct chunk_wanted *wanted)
{
    struct arena arena = {0};
    struct error error;
    struct chunk chunk = {.content = wanted->content, .offset = wanted->offset};
    if (depot_read (
            bulk->depot, &wanted->content, wanted->offset, (size_t)wanted->size, &arena, &chunk.data,
            &error)) {
        perform_send (bulk->performer, route, &chunk_type, &chunk);
    } else {
        struct chunk_refused refused = {wanted->content, error.text};
        perform_send (bulk->performer, route, &chunk_refused_type, &refused);
    }
    arena_free (&arena);
}

static void wait_for_hash (struct bulk *bulk, const struct route *route, const struct put *put)
{
    struct bulk_waiting *waiting;
    struct error error;
    if (bulk->waiting_count == BULK_MOST_WAITING) {
        (void)error_set (
            &error, ERROR_CONFLICT, "%d uploads are being resumed already: ask again later",
            BULK_MOST_WAITING);
        refuse (bulk, route, put->request, &error);
        return;
    }
    waiting = calloc (1, sizeof *waiting);
    assert (waiting != NULL);
    waiting->route = *route;
    waiting->request = put->request;
    waiting->length = put->length;
    waiting->content = put->content;
    (void)snprintf (waiting->name, sizeof waiting->name, "%s", put->name);
    bulk->waiting[bulk->waiting_count++] = waiting;
}

static void take_piece (
    struct bulk *bulk, const struct route *route, const struct put *put, struct instant now,
    struct bulk_stored *ret)
{
    struct depot_state state;
    struct error error;
    if (!depot_put (bulk->depot, &put->content, put->length, put->offset, put->data, &state, &error)) {
        refuse (bulk, route, put->request, &error);
    } else if (state.busy) {
        wait_for_hash (bulk, route, put);
    } else if (state.complete) {
        ret->there = true;
        ret->route = *route;
        ret->request = put->request;
        ret->row = (struct content_row){put->name, put->content, put->length, now};
    } else {
        struct put_state answer = {.request = put->request, .have = state.have};
        perform_send (bulk->performer, route, &put_state_type, &answer);
    }
}

void bulk_acknowledge (struct bulk *bulk, const struct bulk_stored *stored)
{
    struct put_state answer = {.request = stored->request, .have = stored->row.length, .complete = true};
    perform_send (bulk->performer, &stored->route, &put_state_type, &answer);
}

bool bulk_work (struct bulk *bulk, struct instant now, struct bulk_stored *ret)
{
    struct bulk_waiting *first;
    struct put put;
    *ret = (struct bulk_stored){0};
    if (bulk->waiting_count == 0 || depot_work (bulk->depot))
        return bulk->waiting_count > 0;
    first = bulk->waiting[0];
    bulk->waiting_count--;
    memmove (&bulk->waiting[0], &bulk->waiting[1], bulk->waiting_count * sizeof bulk->waiting[0]);
    (void)snprintf (bulk->name, sizeof bulk->name, "%s", first->name);
    put = (struct put){
        .request = first->request, .name = bulk->name, .content = first->content, .length = first->length};
    take_piece (bulk, &first->route, &put, now, ret);
    free (first);
    return bulk->waiting_count > 0;
}

/* ------------------------------------------------------------------------------------------------- journal
 */

static void give_page (struct bulk *bulk, const struct route *route, const struct audit_wanted *wanted)
{
    struct arena arena = {0};
    struct error error;
    struct audit_page page = {.request = wanted->request};
    if (store_page (
            bulk->store, wanted->after, LIMIT_PAGE, PAGE_BYTES, &arena, &page.rows, &page.rows_count,
            &page.more, &error))
        perform_send (bulk->performer, route, &audit_page_type, &page);
    else
        refuse (bulk, route, wanted->request, &error);
    arena_free (&arena);
}

bool bulk_message (
    struct bulk *bulk, const struct route *route, const struct message *message, struct instant now,
    struct bulk_stored *ret)
{
    *ret = (struct bulk_stored){0};
    if (message->type == &chunk_wanted_type)
        give_chunk (bulk, route, message->record);
    else if (message->type == &put_type)
        take_piece (bulk, route, message->record, now, ret);
    else if (message->type == &audit_wanted_type)
        give_page (bulk, route, message->record);
    else
        return false;
    return true;
}

void bulk_free (struct bulk *bulk)
{
    for (size_t i = 0; i < bulk->waiting_count; i++)
        free (bulk->waiting[i]);
    bulk->waiting_count = 0;
}
