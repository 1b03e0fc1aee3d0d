#include "tests/attacks/plausible.h"

#include "tests/attacks/face_part.h"

enum { SECRET_SIZE = 32 };

static void fill (struct face *face, const struct record_type *type, void *record);

static void *list_of_one (struct face *face, const struct record_type *part)
{
    void *item = arena_take (&face->arena, part->size);
    fill (face, part, item);
    return item;
}

/* Any value that the field's bounds allow, and that is not empty. */
static void fill_field (struct face *face, const struct field *field, void *record)
{
    void *place = (char *)record + field->offset;
    size_t *count = (size_t *)(void *)((char *)record + field->count_offset);
    const struct digest digest = digest_of ("plausible", 9);
    const char *text = "plausible";
    switch (field->kind) {
    case FIELD_U64:
        *(uint64_t *)place = 1;
        break;
    case FIELD_FLAG:
        *(bool *)place = true;
        break;
    case FIELD_INSTANT:
        *(struct instant *)place = face_in (3600);
        break;
    case FIELD_SPAN:
        *(struct span *)place = (struct span){1000};
        break;
    case FIELD_TEXT:
        *(const char **)place = text;
        break;
    case FIELD_BYTES:
        *(struct bytes *)place = (struct bytes){arena_take (&face->arena, SECRET_SIZE), SECRET_SIZE};
        break;
    case FIELD_DIGEST:
        *(struct digest *)place = digest;
        break;
    case FIELD_PUBLIC_KEY:
        *(struct public_key *)place = face->keys[FACE_NOBODY].public;
        break;
    case FIELD_WIRE_KEY:
        *(struct wire_key *)place = face->wires[FACE_NOBODY].public;
        break;
    case FIELD_ENUM:
        *(unsigned *)place = 0;
        break;
    case FIELD_ONE:
        fill (face, field->part, place);
        break;
    case FIELD_MANY:
        *(void **)place = list_of_one (face, field->part);
        *count = 1;
        break;
    case FIELD_TEXTS:
        *(const char ***)place = arena_copy (&face->arena, &text, sizeof (const char *));
        *count = 1;
        break;
    case FIELD_DIGESTS:
        *(struct digest **)place = arena_copy (&face->arena, &digest, sizeof digest);
        *count = 1;
        break;
    }
}

static void fill (struct face *face, const struct record_type *type, void *record)
{
    if (type == &envelope_type) {
        *(struct envelope *)record = face->trust_envelope;
        return;
    }
    for (size_t i = 0; i < type->field_count; i++)
        fill_field (face, &type->fields[i], record);
}

/* ------------------------------------------------------------------------------------ what could do the most
 */

static void make_submit (struct face *face, void *record)
{
    struct fleet fleet = face_draft_fleet (face, face->fleet.version + 1);
    struct submit *submit = record;
    submit->document = FACE_SIGN (face, &fleet_type, &fleet, &face->keys[FACE_OPERATOR]);
}

static void make_start (struct face *face, void *record)
{
    struct plan plan = face_draft_plan (face);
    ((struct rollout_start *)record)->plan = face_release_of (face, &plan).envelope;
}

static void make_decide (struct face *face, void *record)
{
    struct rollout_start start;
    struct approval approval = {
        .attempt = 1,
        .decision = DECISION_ABORT,
        .role = ROLE_OPERATOR,
        .name = face_name (FACE_OPERATOR),
        .issued = face_in (0),
        .expires = face_in (60)};
    make_start (face, &start);
    approval.plan = face_digest (&start.plan);
    ((struct decide *)record)->approval =
        FACE_SIGN (face, &approval_type, &approval, &face->keys[FACE_OPERATOR]);
}

static void make_report (struct face *face, void *record)
{
    const struct digest plan = digest_of ("plan", 4);
    *(struct report *)record =
        face_report (face, FACE_P3, face_draft_receipt (face, FACE_P3, &plan, 1, 1, OUTCOME_KEPT));
}

static void make_hello (struct face *face, void *record)
{
    (void)face;
    ((struct hello *)record)->host = face_host_name (FACE_P3);
}

static void make_pull (struct face *face, void *record)
{
    (void)face;
    *(struct pull *)record = (struct pull){0};
}

static void make_chunk_wanted (struct face *face, void *record)
{
    struct bytes content = bytes_of_text (FACE_CONTENT);
    (void)face;
    *(struct chunk_wanted *)record =
        (struct chunk_wanted){.content = digest_of (content.data, content.size), .size = content.size};
}

static void make_put (struct face *face, void *record)
{
    struct put *put = record;
    const char *data = arena_format (&face->arena, "content %zu", (size_t)++face->counter);
    put->data = bytes_of_text (data);
    put->content = digest_of (put->data.data, put->data.size);
    put->length = put->data.size;
    put->offset = 0;
}

static void make_token (struct face *face, void *record)
{
    struct secret_key key;
    (void)face;
    face_make_key (&key);
    ((struct token_make *)record)->secret = digest_of (key.bytes, sizeof key.bytes);
}

static const struct {
    const struct record_type *type;
    void (*make) (struct face *face, void *record);
} makers[] = {
    {&submit_type, make_submit},
    {&rollout_start_type, make_start},
    {&decide_type, make_decide},
    {&report_type, make_report},
    {&hello_type, make_hello},
    {&pull_type, make_pull},
    {&chunk_wanted_type, make_chunk_wanted},
    {&put_type, make_put},
    {&token_make_type, make_token},
};

void *plausible (struct face *face, const struct record_type *type)
{
    void *record = arena_take (&face->arena, type->size);
    fill (face, type, record);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (makers[i].type == type)
            makers[i].make (face, record);
    return record;
}
