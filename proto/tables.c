/* The tables of messages.def: words of enumerations, fields of records, and the list of all records. */
#include "proto/messages.h"

#include <string.h>

#define ENUM_BEGIN(name) static const char *const name##_list[] = {
#define VALUE(name, constant, word) [constant] = word,
#define ENUM_END(name)                                                                                       \
    }                                                                                                        \
    ;                                                                                                        \
    const struct enum_type name##_words = {#name, name##_list, name##_count};
#include "proto/empty.h"
#include "proto/messages.def"
#include "proto/undef.h"

#define AT(record, field_name) .name = #field_name, .offset = offsetof (struct record, field_name)
#define COUNT(record, field) .count_offset = offsetof (struct record, field##_count)
#define RECORD_BEGIN(name, class, number, senders) static const struct field name##_fields[] = {
#define U64(record, field, largest) {AT (record, field), .kind = FIELD_U64, .bound = (largest)},
#define FLAG(record, field) {AT (record, field), .kind = FIELD_FLAG},
#define INSTANT(record, field) {AT (record, field), .kind = FIELD_INSTANT},
#define SPAN(record, field) {AT (record, field), .kind = FIELD_SPAN},
#define TEXT(record, field, most) {AT (record, field), .kind = FIELD_TEXT, .bound = (most)},
#define BYTES(record, field, most) {AT (record, field), .kind = FIELD_BYTES, .bound = (most)},
#define DIGEST(record, field) {AT (record, field), .kind = FIELD_DIGEST},
#define PUBLIC_KEY(record, field) {AT (record, field), .kind = FIELD_PUBLIC_KEY},
#define WIRE_KEY(record, field) {AT (record, field), .kind = FIELD_WIRE_KEY},
#define ENUM(record, field, enumeration)                                                                     \
    {AT (record, field), .kind = FIELD_ENUM, .words = &enumeration##_words},
#define ONE(record, field, type) {AT (record, field), .kind = FIELD_ONE, .part = &type##_type},
#define MANY(record, field, type, most)                                                                      \
    {AT (record, field), COUNT (record, field), .kind = FIELD_MANY, .bound = (most), .part = &type##_type},
#define TEXTS(record, field, items, most)                                                                    \
    {AT (record, field), COUNT (record, field), .kind = FIELD_TEXTS, .bound = (items), .item_bound = (most)},
#define DIGESTS(record, field, most)                                                                         \
    {AT (record, field), COUNT (record, field), .kind = FIELD_DIGESTS, .bound = (most)},
#define RECORD_END(name)                                                                                     \
    }                                                                                                        \
    ;
#include "proto/empty.h"
#include "proto/messages.def"
#include "proto/undef.h"

#define RECORD_BEGIN(type, its_class, its_number, its_senders)                                               \
    const struct record_type type##_type = {                                                                 \
        .name = #type,                                                                                       \
        .class = (its_class),                                                                                \
        .number = (its_number),                                                                              \
        .senders = (its_senders),                                                                            \
        .size = sizeof (struct type),                                                                        \
        .fields = type##_fields,                                                                             \
        .field_count = sizeof type##_fields / sizeof type##_fields[0],                                       \
    };
#include "proto/empty.h"
#include "proto/messages.def"
#include "proto/undef.h"

#define RECORD_BEGIN(name, class, number, senders) &name##_type,
const struct record_type *const record_types[] = {
#include "proto/empty.h"
#include "proto/messages.def"
#include "proto/undef.h"
};
const size_t record_type_count = sizeof record_types / sizeof record_types[0];

const struct record_type *record_type_find (enum record_class class, unsigned number)
{
    for (size_t i = 0; i < record_type_count; i++)
        if (record_types[i]->class == class && record_types[i]->number == number)
            return record_types[i];
    return NULL;
}

const struct record_type *record_type_named (enum record_class class, const char *name)
{
    for (size_t i = 0; i < record_type_count; i++)
        if (record_types[i]->class == class && strcmp (record_types[i]->name, name) == 0)
            return record_types[i];
    return NULL;
}

const char *enum_word (const struct enum_type *type, unsigned value)
{
    return value < type->count ? type->words[value] : "?";
}

bool enum_value (const struct enum_type *type, const char *word, size_t size, unsigned *ret)
{
    for (size_t i = 0; i < type->count; i++)
        if (strlen (type->words[i]) == size && memcmp (type->words[i], word, size) == 0) {
            *ret = (unsigned)i;
            return true;
        }
    return false;
}
