#include "controller/core/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct controller_effect *effect_add (struct turn *turn, enum controller_effect_kind kind)
{
    struct controller_effects *effects = turn->effects;
    struct controller_effect *effect;
    effects->items = list_room (effects->items, effects->count, &effects->capacity, sizeof *effect);
    effect = &effects->items[effects->count++];
    *effect = (struct controller_effect){.kind = kind};
    return effect;
}

void controller_effects_clear (struct controller_effects *effects)
{
    arena_free (&effects->arena);
    effects->count = 0;
}

void controller_effects_free (struct controller_effects *effects)
{
    controller_effects_clear (effects);
    free (effects->items);
    *effects = (struct controller_effects){0};
}

/* The copy is whole (written and read back), since what an entry points to may be gone after its own
   application: the fleet before, for one. */
void turn_record (struct turn *turn, const struct record_type *type, const void *record)
{
    struct buffer bytes = {0};
    struct error error = {0};
    void *copy = arena_take (&turn->effects->arena, type->size);
    struct controller_effect *effect;
    bool fits = codec_encode (type, record, &bytes, &error) &&
                codec_decode (type, buffer_bytes (&bytes), &turn->effects->arena, copy, &error);
    buffer_free (&bytes);
    fits = fits && controller_apply (turn->controller, type, copy, &error);
    assert (fits);
    effect = effect_add (turn, CONTROLLER_RECORD);
    effect->type = type;
    effect->record = copy;
}

static struct controller_effect *effect_message (
    struct turn *turn, enum controller_effect_kind kind, const struct record_type *type, const void *record)
{
    struct controller_effect *effect = effect_add (turn, kind);
    assert (type->class == MESSAGE && (type->senders & FROM_CONTROLLER) != 0);
    effect->type = type;
    effect->record = arena_copy (&turn->effects->arena, record, type->size);
    return effect;
}

void turn_send (
    struct turn *turn, const struct route *route, const struct record_type *type, const void *record)
{
    effect_message (turn, CONTROLLER_SEND, type, record)->route = *route;
}

void turn_publish (struct turn *turn, const char *topic, const struct record_type *type, const void *record)
{
    effect_message (turn, CONTROLLER_PUBLISH, type, record)->topic =
        arena_text (&turn->effects->arena, topic);
}

void turn_notify (struct turn *turn, const struct rollout *rollout, const struct notice *notice)
{
    struct view_head head;
    struct controller_effect *effect;
    view_head (turn->controller, rollout, &turn->effects->arena, &head);
    effect = effect_add (turn, CONTROLLER_NOTIFY);
    effect->target = notice->target;
    effect->notice_key = notice->key;
    effect->notice_text = notice->text;
    effect->head = arena_copy (&turn->effects->arena, &head, sizeof head);
}

void turn_answer (struct turn *turn, uint64_t request, uint64_t rollout, const char *text)
{
    struct answer answer = {
        .request = request,
        .done = true,
        .kind = "",
        .text = line_format (&turn->effects->arena, "%s", text),
        .rollout = rollout};
    turn_send (turn, &turn->event->route, &answer_type, &answer);
}

void turn_refuse (struct turn *turn, uint64_t request, const struct error *error)
{
    struct answer answer = {
        .request = request,
        .done = false,
        .kind = error_kind_name (error->kind),
        .text = line_format (&turn->effects->arena, "%s", error->text)};
    turn_send (turn, &turn->event->route, &answer_type, &answer);
}

uint64_t turn_sequence (struct turn *turn)
{
    return ++turn->controller->sequence;
}

void turn_offer (
    struct turn *turn, const char *topic, const struct route *route, const struct envelope *envelope)
{
    struct offer offer = {
        .epoch = turn->controller->epoch,
        .sequence = route != NULL ? 0 : turn_sequence (turn),
        .document = *envelope};
    if (route != NULL) {
        turn_send (turn, route, &offer_type, &offer);
    } else {
        offer.document = envelope_copy (envelope, &turn->effects->arena);
        turn_publish (turn, topic, &offer_type, &offer);
    }
}
