/* See semaphore.h. */
#include <errno.h>

#include "base/cleanup.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/semaphore.h"
#include "cli/text.h"
#include "cli/verb.h"

int semaphore_open(ferry_semaphore **ret_semaphore, const char *name)
{
    int r = ferry_semaphore_open(ret_semaphore, name, NULL);
    if (r != -ENOENT)
        return r < 0 ? report(r) : 0;
    char *quoted CLEANUP(text_cleanup) = operand_quote(name);
    complain("there is no semaphore \"%s\"; make it with: ferry new semaphore %s", name, quoted);
    return STATUS_NOTHING;
}

void semaphore_cleanup(ferry_semaphore **semaphore)
{
    *semaphore = ferry_semaphore_close(*semaphore);
}
