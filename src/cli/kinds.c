/* See kinds.h. */
#include <ferry/ferry.h>

#include "base/cleanup.h"
#include "cli/kinds.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verb.h"

/* The verbs that say most about what it is for. */
static const struct {
    const char *first, *second;
} verbs_of[] = {
    [FERRY_KIND_SEGMENT] = {"write", "read"},
    [FERRY_KIND_PIPE] = {"write", "read"},
    [FERRY_KIND_QUEUE] = {"send", "receive"},
    [FERRY_KIND_SEMAPHORE] = {"wait", "post"},
};

int complain_other_kind(const char *name, int kind, const char *wanted)
{
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    if (kind <= 0 || (size_t)kind >= sizeof(verbs_of) / sizeof(verbs_of[0]))
        complain("\"%s\" is %s, not a %s", name,
                 kind == 0 ? "damaged, or of a kind that this ferry does not know"
                           : ferry_kind_name(kind),
                 wanted);
    else
        complain("\"%s\" is a %s, not a %s; use it with: ferry %s %s, ferry %s %s", name,
                 ferry_kind_name(kind), wanted, verbs_of[kind].first, quoted, verbs_of[kind].second,
                 quoted);
    return STATUS_FAILED;
}
