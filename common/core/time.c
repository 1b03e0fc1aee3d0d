#include "common/core/time.h"

#include <stdio.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, SET_BACK_MS = MINUTE };

struct instant instant_add (struct instant instant, struct span span)
{
    struct instant sum;
    if (__builtin_add_overflow (instant.ms, span.ms, &sum.ms))
        sum.ms = span.ms > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

struct span instant_between (struct instant from, struct instant to)
{
    struct span span;
    if (__builtin_sub_overflow (to.ms, from.ms, &span.ms))
        span.ms = to.ms > from.ms ? INT64_MAX : INT64_MIN;
    return span;
}

bool instant_before (struct instant first, struct instant second)
{
    return first.ms < second.ms;
}

struct instant instant_earlier (struct instant first, struct instant second)
{
    return first.ms < second.ms ? first : second;
}

struct instant instant_follow (struct instant before, struct span passed, struct instant wall)
{
    struct instant reached = instant_add (before, passed);
    return instant_between (wall, reached).ms < 0 || instant_between (wall, reached).ms > SET_BACK_MS
               ? wall
               : reached;
}

struct span span_seconds (int64_t seconds)
{
    return (struct span){seconds * SECOND};
}

/* Days to a civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
   Written out because gmtime is the C library's, and core code stays free of its time functions. */
static void civil_date (int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

const char *instant_print (struct instant instant, char text[TIME_TEXT_SIZE])
{
    int64_t within = instant.ms % DAY + (instant.ms % DAY < 0 ? DAY : 0);
    int64_t days = instant.ms / DAY - (instant.ms % DAY < 0 ? 1 : 0);
    int64_t rest = within / SECOND;
    int64_t year;
    int month;
    int day;
    if (instant.ms == 0) {
        (void)snprintf (text, TIME_TEXT_SIZE, "never");
        return text;
    }
    civil_date (days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        (void)snprintf (text, TIME_TEXT_SIZE, "%s", year < 0 ? "long ago" : "far future");
        return text;
    }
    (void)snprintf (
        text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day, (int)(rest / 3600),
        (int)(rest / 60 % 60), (int)(rest % 60));
    return text;
}

const char *span_print (struct span span, char text[TIME_TEXT_SIZE])
{
    long long ms = span.ms < 0 ? 0 : span.ms;
    if (ms < SECOND)
        (void)snprintf (text, TIME_TEXT_SIZE, "%lldms", ms);
    else if (ms < MINUTE)
        (void)snprintf (text, TIME_TEXT_SIZE, "%llds", ms / SECOND);
    else if (ms < HOUR)
        (void)snprintf (text, TIME_TEXT_SIZE, "%02lld:%02lld", ms / MINUTE, ms % MINUTE / SECOND);
    else if (ms < DAY)
        (void)snprintf (text, TIME_TEXT_SIZE, "%lldh%02lldm", ms / HOUR, ms % HOUR / MINUTE);
    else
        (void)snprintf (text, TIME_TEXT_SIZE, "%lldd%02lldh", ms / DAY, ms % DAY / HOUR);
    return text;
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", SECOND}, {"m", MINUTE}, {"h", HOUR}, {"d", DAY}};

static int64_t unit_of (const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen (units[i].name) == size && memcmp (units[i].name, text, size) == 0)
            return units[i].ms;
    return 0;
}

bool span_parse (const char *text, struct span *ret, struct error *error)
{
    static const char expected[] = "write a number and a unit (ms, s, m, h, d), such as 30s or 1h30m";
    const int64_t most = (int64_t)3650 * DAY;
    const char *place = text;
    int64_t sum = 0;
    do {
        size_t digits = strspn (place, "0123456789");
        size_t letters = strspn (place + digits, "mshd");
        int64_t unit = unit_of (place + digits, letters);
        int64_t number = 0;
        if (digits == 0 || digits > 12 || unit == 0)
            return error_set (error, ERROR_INPUT, "'%.40s' is not a length of time: %s", text, expected);
        for (size_t i = 0; i < digits; i++)
            number = number * 10 + (place[i] - '0');
        if (number > most / unit || sum > most - number * unit)
            return error_set (error, ERROR_LIMIT, "'%.40s' is longer than ten years", text);
        sum += number * unit;
        place += digits + letters;
    } while (*place != '\0');
    ret->ms = sum;
    return true;
}
