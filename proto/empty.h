/* Defines every macro of messages.def that the includer left out, as nothing. Included on purpose many times.
 */
#ifndef ENUM_BEGIN
#define ENUM_BEGIN(name)
#endif
#ifndef VALUE
#define VALUE(name, constant, word)
#endif
#ifndef ENUM_END
#define ENUM_END(name)
#endif
#ifndef RECORD_BEGIN
#define RECORD_BEGIN(name, class, number, senders)
#endif
#ifndef U64
#define U64(record, field, largest)
#endif
#ifndef FLAG
#define FLAG(record, field)
#endif
#ifndef INSTANT
#define INSTANT(record, field)
#endif
#ifndef SPAN
#define SPAN(record, field)
#endif
#ifndef TEXT
#define TEXT(record, field, most)
#endif
#ifndef BYTES
#define BYTES(record, field, most)
#endif
#ifndef DIGEST
#define DIGEST(record, field)
#endif
#ifndef PUBLIC_KEY
#define PUBLIC_KEY(record, field)
#endif
#ifndef WIRE_KEY
#define WIRE_KEY(record, field)
#endif
#ifndef ENUM
#define ENUM(record, field, enumeration)
#endif
#ifndef ONE
#define ONE(record, field, part)
#endif
#ifndef MANY
#define MANY(record, field, part, most)
#endif
#ifndef TEXTS
#define TEXTS(record, field, items, most)
#endif
#ifndef DIGESTS
#define DIGESTS(record, field, most)
#endif
#ifndef RECORD_END
#define RECORD_END(name)
#endif
