/* The structs and enumerations of messages.def, and the tables that describe them.

   A struct's pointers belong to the arena that the codec was given, or to whoever filled the struct. Lists
   are a pointer `x` with a number `x_count`. */
#ifndef RELEVO_PROTO_MESSAGES_H
#define RELEVO_PROTO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/digest.h"
#include "common/core/text.h"
#include "common/core/time.h"
#include "proto/limits.h"

enum { KEY_NUMBER_SIZE = 8, PUBLIC_KEY_SIZE = 32, WIRE_KEY_SIZE = 32 };

/* An Ed25519 public key with minisign's key number, which is a hint and proves nothing. */
struct public_key {
    uint8_t number[KEY_NUMBER_SIZE];
    uint8_t bytes[PUBLIC_KEY_SIZE];
};

/* A CURVE public key, as ZAP proved it. */
struct wire_key {
    uint8_t bytes[WIRE_KEY_SIZE];
};

/* Who may send a message, and what a peer is: sets of bits. A person is all that the roles of its key say. */
enum sender {
    FROM_STRANGER = 1 << 0,   /* a key that no document knows */
    FROM_AGENT = 1 << 1,      /* a host's session */
    FROM_CONTROLLER = 1 << 2, /* to agents and people */
    FROM_PERSON = 1 << 3,     /* a command line, of whomever the trust document knows */
    FROM_SESSION = 1 << 4,    /* to its installer */
    FROM_INSTALLER = 1 << 5,  /* to its session */
    FROM_OPERATOR = 1 << 6,   /* a person in the role operator, of any environment */
    FROM_RELEASER = 1 << 7,   /* a person in the role releaser */
    FROM_FACE = 1 << 8,       /* relevod's process that talks to the network, to its courier */
    FROM_COURIER = 1 << 9,    /* to its face */
    FROM_ANY_PERSON = FROM_PERSON | FROM_OPERATOR | FROM_RELEASER, /* whom the file system let in */
};

enum record_class { PART, DOCUMENT, MESSAGE, ENTRY };

enum field_kind {
    FIELD_U64,
    FIELD_FLAG,
    FIELD_INSTANT,
    FIELD_SPAN,
    FIELD_TEXT,
    FIELD_BYTES,
    FIELD_DIGEST,
    FIELD_PUBLIC_KEY,
    FIELD_WIRE_KEY,
    FIELD_ENUM,
    FIELD_ONE,
    FIELD_MANY,
    FIELD_TEXTS,
    FIELD_DIGESTS,
};

struct enum_type {
    const char *name;
    const char *const *words; /* by value */
    size_t count;
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    size_t count_offset;            /* of lists */
    uint64_t bound;                 /* largest number, most bytes, most items */
    uint64_t item_bound;            /* FIELD_TEXTS: most bytes of one */
    const struct record_type *part; /* FIELD_ONE, FIELD_MANY */
    const struct enum_type *words;  /* FIELD_ENUM */
};

struct record_type {
    const char *name;
    enum record_class class;
    unsigned number;
    unsigned senders; /* of enum sender */
    size_t size;      /* of the struct */
    const struct field *fields;
    size_t field_count;
};

#define ENUM_BEGIN(name) enum name {
#define VALUE(name, constant, word) constant,
#define ENUM_END(name)                                                                                       \
    name##_count                                                                                             \
    }                                                                                                        \
    ;
#define RECORD_BEGIN(name, class, number, senders) struct name {
#define U64(record, field, largest) uint64_t field;
#define FLAG(record, field) bool field;
#define INSTANT(record, field) struct instant field;
#define SPAN(record, field) struct span field;
#define TEXT(record, field, most) const char *field;
#define BYTES(record, field, most) struct bytes field;
#define DIGEST(record, field) struct digest field;
#define PUBLIC_KEY(record, field) struct public_key field;
#define WIRE_KEY(record, field) struct wire_key field;
#define ENUM(record, field, enumeration) enum enumeration field;
#define ONE(record, field, part) struct part field;
#define MANY(record, field, part, most)                                                                      \
    struct part *field;                                                                                      \
    size_t field##_count;
#define TEXTS(record, field, items, most)                                                                    \
    const char **field;                                                                                      \
    size_t field##_count;
#define DIGESTS(record, field, most)                                                                         \
    struct digest *field;                                                                                    \
    size_t field##_count;
#define RECORD_END(name)                                                                                     \
    }                                                                                                        \
    ;
#include "proto/messages.def"
#include "proto/undef.h"

/* `trust_type`, `hello_type`, … and `phase_words`, … */
#define ENUM_BEGIN(name) extern const struct enum_type name##_words;
#define RECORD_BEGIN(name, class, number, senders) extern const struct record_type name##_type;
#include "proto/empty.h"
#include "proto/messages.def"
#include "proto/undef.h"

/* Every record, in the order of messages.def. */
extern const struct record_type *const record_types[];
extern const size_t record_type_count;

/* NULL where there is none. */
const struct record_type *record_type_find (enum record_class class, unsigned number);
const struct record_type *record_type_named (enum record_class class, const char *name);

/* The word of a value, "?" outside the enumeration. */
const char *enum_word (const struct enum_type *type, unsigned value);
/* False where no value has this word. */
bool enum_value (const struct enum_type *type, const char *word, size_t size, unsigned *ret);

#endif
