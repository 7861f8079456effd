/* See kinds.h. */
#include <ferry/ferry.h>

#include "base/cleanup.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"

/* Of each kind the verbs that say most about what it is for. */
static const struct {
    const char *first, *second;
} verbs_of[] = {
    [FERRY_KIND_SEGMENT] = {"write", "read"}, [FERRY_KIND_PIPE] = {"write", "read"},
    [FERRY_KIND_QUEUE] = {"send", "receive"}, [FERRY_KIND_SEMAPHORE] = {"wait", "post"},
    [FERRY_KIND_MUTEX] = {"lock", "show"},    [FERRY_KIND_RWLOCK] = {"lock", "lock --shared"},
    [FERRY_KIND_BARRIER] = {"wait", "show"},  [FERRY_KIND_CONDITION] = {"wait", "post"},
};

int complain_other_kind(const char *name, int kind, const char *wanted)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("\"%s\" is a %s, not a %s; use it with: ferry %s %s, ferry %s %s", name,
             ferry_kind_name(kind), wanted, verbs_of[kind].first, quoted, verbs_of[kind].second,
             quoted);
    return STATUS_FAILED;
}
