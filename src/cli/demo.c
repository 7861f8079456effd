/* ferry demo: a tour of what processes can do with one another, with real ones.
 *
 * The tour plays in a root of its own that is removed at the end, however the end comes: one
 * process narrates, and this one stands behind it, catches the signals that end a command, and
 * cleans up.  Only SIGKILL at this one leaves the directory behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/ferry.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/story.h"

/* Makes the root and has the library use it.  0, or an exit status after a complaint. */
static int make_root(char ret_path[PATH_MAX])
{
    const char *where = getenv("FERRY_ROOT");
    snprintf(ret_path, PATH_MAX, "%s/ferry-demo.XXXXXX", where && where[0] ? where : "/dev/shm");
    if (mkdtemp(ret_path) && setenv("FERRY_ROOT", ret_path, 1) == 0)
        return 0;
    complain("the tour needs a directory of its own, and \"%s\" cannot be made: %s; set FERRY_ROOT "
             "to a directory where you may write",
             ret_path, strerror(errno));
    return STATUS_FAILED;
}

/* The root is flat. */
static void remove_root(const char *path)
{
    DIR *root = opendir(path);
    for (struct dirent *entry; root && (entry = readdir(root));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(root), entry->d_name, 0);
    if (root)
        closedir(root);
    if (rmdir(path) < 0)
        complain("\"%s\" could not be removed: %s", path, strerror(errno));
}

static void narrate(void)
{
    printf("Ferry %s: what processes can do together.  Each line really happens, now.\n",
           ferry_version());
    demo_segment();
    puts("\n"
         "To go on by hand\n"
         "  ferry new segment demo --size 4097     ferry ls --watch\n"
         "  ferry wait demo && ferry read demo     (and in another terminal:)\n"
         "  echo hello | ferry write demo --lock   ferry show demo\n"
         "  ferry rm demo                          ferry help, man ferry");
}

/* The signals that end a command, but for those that whoever started it has it ignore, and the one
 * that tells of the narrator's end. */
static void signals_to_catch(sigset_t *ret_set)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    sigemptyset(ret_set);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(ret_set, ends[i]);
    sigaddset(ret_set, SIGCHLD);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would never come */
}

/* The narrator's exit status, or 128 and the signal that ended it or asked for the end. */
static int stand_behind(pid_t narrator, const sigset_t *signals)
{
    int signal, status;
    for (;;) {
        sigwait(signals, &signal);
        if (signal != SIGCHLD)
            kill(narrator, SIGKILL);
        if (waitpid(narrator, &status, signal == SIGCHLD ? WNOHANG : 0) == narrator)
            break;
    }
    while (wait(NULL) > 0) /* its actors, which die with it */
        continue;
    if (signal != SIGCHLD)
        return 128 + signal;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Ends this process as the narrator was ended. */
static void end_by(int signal)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal);
}

static int play(void)
{
    sigset_t signals, before;
    signals_to_catch(&signals);
    sigprocmask(SIG_BLOCK, &signals, &before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t behind = getpid(), narrator = fork();
    if (narrator < 0) {
        complain("no process could be made for the tour: %s", strerror(errno));
        return STATUS_FAILED;
    }
    if (narrator == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (getppid() == behind)
            narrate();
        exit(output_finish(STATUS_DONE));
    }
    return stand_behind(narrator, &signals);
}

static int run(int argc, char **argv)
{
    const struct option options[] = {{0}};
    if (options_parse(&verb_demo, options, argc, argv) < 0)
        return STATUS_USAGE;
    char root[PATH_MAX];
    int status = make_root(root);
    if (status)
        return status;
    status = play();
    remove_root(root);
    if (status > 128)
        end_by(status - 128);
    return status;
}

const struct verb verb_demo = {
    .name = "demo",
    .summary = "a short tour with real processes",
    .operands = "",
    .help = "Shows in a few seconds what Ferry does: processes share memory, wake each other,\n"
            "die with a lock in hand, and clean up.  Everything told really happens, in a\n"
            "root of its own that is removed afterwards; times are those just measured.\n"
            "\n"
            "Examples\n"
            "  ferry demo\n"
            "\n"
            "Exit status: 0 all went as told; 1 something did not; 2 wrong usage.\n",
    .run = run,
};
