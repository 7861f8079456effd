/* ferry rm: removes names. */
#include <errno.h>
#include <limits.h>

#include "cli/operand.h"
#include "cli/options.h"

static int remove_one(const char *operand, bool force)
{
    char name[FERRY_NAME_SIZE];
    int status = operand_name(operand, name);
    if (status)
        return status;
    int r = ferry_remove(name);
    if (r == -ENOENT && force)
        return STATUS_DONE;
    return r < 0 ? report(r) : STATUS_DONE;
}

/* Nothing there is the mildest failure, wrong usage the gravest. */
static int gravity(int status)
{
    static const int gravities[] = {
        [STATUS_DONE] = 0, [STATUS_NOTHING] = 1, [STATUS_FAILED] = 2, [STATUS_USAGE] = 3};
    return gravities[status];
}

static int run(int argc, char **argv)
{
    bool force = false;
    const struct option options[] = {{.name = "force", .letter = 'f', .flag = &force}, {0}};
    int count = options_parse(&verb_rm, options, argc, argv);
    if (count < 0)
        return STATUS_USAGE;
    int worst = STATUS_DONE;
    for (int i = 0; i < count; i++) {
        int status = remove_one(argv[i], force);
        if (gravity(status) > gravity(worst))
            worst = status;
    }
    return worst;
}

const struct verb verb_rm = {
    .name = "rm",
    .summary = "remove objects",
    .operands = "NAME…",
    .least_operands = 1,
    .most_operands = INT_MAX,
    .help = "Removes names.  From then on nobody can open them; whoever is attached goes on\n"
            "undisturbed, and the memory is freed when the last one leaves.  All names are\n"
            "tried, even if some cannot be removed.\n"
            "\n"
            "Options\n"
            "  -f, --force     nothing there to remove is fine\n"
            "\n"
            "Examples\n"
            "  ferry rm demo\n"
            "  ferry rm -f key:0x0104abcd \"two words\"\n"
            "\n"
            "Exit status: 0 all removed; 1 one could not be removed; 2 wrong usage;\n"
            "3 one was not there.\n",
    .run = run,
};
