#include "agent/io/chores.h"

#include "agent/io/stage.h"
#include "agent/io/store.h"
#include "agent/io/swap.h"
#include "common/io/file.h"

static void look_for (
    const struct chore *chore, const struct digest *digest, uint64_t length, struct buffer *answer)
{
    if (store_has (chore->store, digest, length))
        buffer_append (answer, digest->bytes, DIGEST_SIZE);
}

static void look (const struct chore *chore, struct buffer *answer)
{
    const struct act_order *order = chore->order;
    size_t i;
    for (i = 0; i < order->artifact_count; i++)
        look_for (chore, &order->artifacts[i].digest, order->artifacts[i].length, answer);
    for (i = 0; i < order->test_count; i++)
        if (order->tests[i].kind == TEST_EXEC)
            look_for (chore, &order->tests[i].script, order->tests[i].length, answer);
}

static bool take (const struct chore *chore, struct buffer *answer, struct error *error)
{
    char text[DIGEST_TEXT_SIZE];
    if (!store_take (chore->store, chore->spool, &chore->digest, chore->length, error))
        return error_context (error, "content %.12s", digest_print (&chore->digest, text));
    buffer_append (answer, chore->digest.bytes, DIGEST_SIZE);
    return true;
}

static bool do_stage (const struct chore *chore, struct error *error)
{
    const struct act_order *order = chore->order;
    struct arena arena = {0};
    const char *root = chore->product->root;
    bool good = folder_make (root, 0755, error) &&
                folder_make (path_join (&arena, root, "shared"), 0755, error) &&
                stage (
                    path_join (&arena, root, "releases"), order->folder, chore->store, order->artifacts,
                    order->artifact_count, &stage_limits_default, error);
    arena_free (&arena);
    return good;
}

static bool do_prune (const struct chore *chore, struct error *error)
{
    return prune (chore->product->root, chore->order->keep, chore->order->keep_count, error) &&
           store_clear (chore->store, error);
}

bool chore_do (void *context, struct buffer *answer, struct error *error)
{
    const struct chore *chore = context;
    if (chore->kind == INSTALLER_TAKE)
        return take (chore, answer, error);
    if (chore->kind == INSTALLER_LOOK) {
        look (chore, answer);
        return true;
    }
    if (chore->order->act == ACT_STAGE)
        return do_stage (chore, error);
    if (chore->order->act == ACT_SWAP)
        return swap (chore->product->root, chore->order->folder, error);
    return do_prune (chore, error);
}
