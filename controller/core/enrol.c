/* Strangers with a token: they wait until operators sign a fleet document that names their key, or reject
   them. The token lets them ask, once, and no more. */
#include "controller/core/state.h"

#include <string.h>

static void answer (struct turn *turn, const struct route *route, enum entry_state state, const char *cause)
{
    const struct controller *controller = turn->controller;
    struct enrolment enrolment = {.state = state, .cause = cause};
    if (state == ENROLMENT_ACCEPTED) {
        enrolment.trusts = controller->trusts + trust_tail (controller);
        enrolment.trusts_count = controller->trust_count - trust_tail (controller);
        enrolment.fleet = controller->fleet_envelope;
    }
    turn_send (turn, route, &enrolment_type, &enrolment);
}

static void refuse (struct turn *turn, const char *cause)
{
    answer (turn, &turn->event->route, ENROLMENT_REJECTED, cause);
}

static bool brings_token (const struct turn *turn, const struct enrol *enrol)
{
    struct digest secret = digest_of (enrol->secret.data, enrol->secret.size);
    const struct token_state *token = token_of (turn->controller, &secret);
    return token != NULL && !token->used && instant_before (turn->now, token->expires);
}

/* Someone new, with a token that nobody has used. */
static void admit (struct turn *turn, const struct enrol *enrol)
{
    struct digest secret = digest_of (enrol->secret.data, enrol->secret.size);
    struct entry_enrolment entry = {
        .secret = secret,
        .host = {.name = enrol->name, .key = enrol->key, .wire = turn->event->wire, .asked = turn->now}};
    struct pending *pending;
    if (!text_is_name (enrol->name)) {
        refuse (turn, "this is no name for a host: letters, digits, '.', '_' and '-', at most 64");
        return;
    }
    if (!brings_token (turn, enrol)) {
        refuse (turn, "this token is unknown, used or expired: ask for a new one");
        return;
    }
    turn_record (turn, &entry_enrolment_type, &entry);
    pending = pending_wired (turn->controller, &turn->event->wire);
    pending->route = turn->event->route;
    pending->connected = true;
    answer (turn, &turn->event->route, ENROLMENT_WAITING, "an operator has to accept this host");
}

void fleet_enrol (struct turn *turn, const void *record)
{
    const struct enrol *enrol = record;
    struct pending *pending = pending_wired (turn->controller, &turn->event->wire);
    const struct host *host = host_wired (turn->controller, &turn->event->wire);
    if (wire_is_none (&turn->event->wire)) {
        refuse (turn, "the connection proved no key");
    } else if (host != NULL) {
        if (strcmp (host->name, enrol->name) == 0 && public_key_equal (&host->entry->key, &enrol->key))
            answer (turn, &turn->event->route, ENROLMENT_ACCEPTED, "");
        else
            refuse (
                turn, "the fleet knows this connection's key by another name or with another signing key");
    } else if (pending != NULL && pending->state == ENROLMENT_WAITING) {
        pending->route = turn->event->route;
        pending->connected = true;
        answer (turn, &turn->event->route, ENROLMENT_WAITING, "an operator has to accept this host");
    } else if (pending != NULL && pending->state == ENROLMENT_REJECTED && !brings_token (turn, enrol)) {
        refuse (turn, pending->cause);
    } else {
        admit (turn, enrol);
    }
}

void fleet_welcome_accepted (struct turn *turn)
{
    struct controller *controller = turn->controller;
    for (size_t i = 0; i < controller->pending_count; i++) {
        struct pending *pending = controller->pendings[i];
        struct entry_enrolled entry = {.wire = pending->row.wire, .state = ENROLMENT_ACCEPTED, .cause = ""};
        if (pending->state != ENROLMENT_WAITING || host_wired (controller, &pending->row.wire) == NULL)
            continue;
        turn_record (turn, &entry_enrolled_type, &entry);
        if (pending->connected)
            answer (turn, &pending->route, ENROLMENT_ACCEPTED, "");
    }
}
