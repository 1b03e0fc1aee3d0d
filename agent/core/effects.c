/* Orders and words: how a step's effects are put together. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/installer_state.h"

struct installer_effect *effects_add (struct installer_effects *effects, enum installer_effect_kind kind)
{
    struct installer_effect *effect;
    if (effects->count == effects->capacity) {
        effects->capacity = effects->capacity > 0 ? 2 * effects->capacity : 16;
        effects->items = realloc (effects->items, effects->capacity * sizeof *effects->items);
        assert (effects->items != NULL);
    }
    effect = &effects->items[effects->count++];
    *effect = (struct installer_effect){.kind = kind};
    return effect;
}

void installer_effects_clear (struct installer_effects *effects)
{
    effects->count = 0;
    arena_free (&effects->arena);
}

void installer_effects_free (struct installer_effects *effects)
{
    installer_effects_clear (effects);
    free (effects->items);
    *effects = (struct installer_effects){0};
}

/* By way of the codec: so nothing leaves that the other side would refuse. */
void *effects_copy (struct installer_effects *effects, const struct record_type *type, const void *record)
{
    struct buffer buffer = {0};
    struct error error;
    void *copy = arena_take (&effects->arena, type->size);
    bool good = codec_encode (type, record, &buffer, &error) &&
                codec_decode (type, buffer_bytes (&buffer), &effects->arena, copy, &error);
    assert (good);
    buffer_free (&buffer);
    return copy;
}

void effects_send (struct installer_effects *effects, const struct record_type *type, const void *record)
{
    void *copy = effects_copy (effects, type, record);
    struct installer_effect *effect = effects_add (effects, INSTALLER_SEND);
    effect->type = type;
    effect->record = copy;
}

void effects_record (
    struct installer *installer, struct installer_effects *effects, const struct record_type *type,
    const void *record)
{
    void *copy = effects_copy (effects, type, record);
    struct installer_effect *effect = effects_add (effects, INSTALLER_RECORD);
    struct error error;
    bool good;
    effect->type = type;
    effect->record = copy;
    good = installer_apply (installer, type, copy, &error);
    assert (good);
}

const char *fit_text (struct arena *arena, const char *text, size_t limit)
{
    size_t size = text != NULL ? strlen (text) : 0;
    char *copy;
    if (size > limit)
        size = text_cut (text, limit);
    copy = arena_text_of (arena, text, size);
    if (!text_is_utf8 (copy, size))
        for (size_t i = 0; i < size; i++)
            if ((unsigned char)copy[i] >= 0x80)
                copy[i] = '?';
    return copy;
}

void say_doing (
    const struct installer *installer, struct installer_effects *effects, const struct permit *about,
    enum activity activity, const char *detail)
{
    const struct work *work = &installer->work;
    struct doing doing = {.activity = activity, .detail = fit_text (&effects->arena, detail, LIMIT_LINE)};
    if (about != NULL) {
        doing.plan = about->plan;
        doing.step = about->step;
        doing.attempt = about->attempt;
    }
    if (about == &work->permit && work->kind == WORK_TEST) {
        for (size_t i = 0; i < work->result_count; i++)
            doing.tests_passed += work->results[i].verdict == VERDICT_PASSED;
        doing.tests_total = work->suite->tests_count;
    }
    effects_send (effects, &doing_type, &doing);
}

void complain (
    struct installer *installer, struct installer_effects *effects, enum activity activity, const char *text)
{
    const char *fit = fit_text (&effects->arena, text, LIMIT_LINE);
    if (strcmp (fit, installer->complaint) == 0)
        return;
    (void)memcpy (installer->complaint, fit, strlen (fit) + 1);
    say_doing (installer, effects, NULL, activity, fit);
}

void say_hello (const struct installer *installer, struct installer_effects *effects)
{
    struct host_release releases[LIMIT_PRODUCTS];
    struct hello hello = {
        .host = installer->options.host,
        .agent = installer->options.agent,
        .trust_version = installer->has_trust ? installer->trust.version : 0,
        .fleet_version = installer->has_fleet ? installer->fleet.version : 0,
        .receipts = installer->receipt_counter,
        .releases = releases,
    };
    for (size_t i = 0; i < installer->row_count; i++)
        if (release_exists (&installer->rows[i].release.current))
            releases[hello.releases_count++] = installer->rows[i].release.current;
    effects_send (effects, &hello_type, &hello);
}
