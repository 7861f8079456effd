/* The explanation of the last failure: each thread's own, with the cure in it. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <ferry/ferry.h>

#include "base/error.h"
#include "test.h"

TEST(nothing_failed_nothing_to_explain)
{
    CHECK_STR(ferry_explain(), "");
}

TEST(a_failure_returns_its_code_and_keeps_its_sentence)
{
    CHECK_ERR(fail(-ENOENT, "no %s called \"%s\"; make it", "segment", "x"), ENOENT);
    CHECK_STR(ferry_explain(), "no segment called \"x\"; make it");
    CHECK_ERR(fail(-EINVAL, "other"), EINVAL);
    CHECK_STR(ferry_explain(), "other");
}

TEST(what_the_kernel_refused_comes_with_the_cure) /* G10 */
{
    const struct {
        int error;
        const char *cure;
    } cases[] = {
        {EMFILE, "ulimit -n"}, {ENFILE, "file-max"},   {ENOMEM, "ulimit -v"},
        {ENOSPC, "ferry rm"},  {EDQUOT, "FERRY_ROOT"}, {EROFS, "FERRY_ROOT"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(fail_errno(-cases[i].error, "it did not work"), -cases[i].error);
        CHECK_CONTAINS(ferry_explain(), "it did not work: ");
        CHECK_CONTAINS(ferry_explain(), strerror(cases[i].error));
        CHECK_CONTAINS(ferry_explain(), cases[i].cure);
    }
}

TEST(context_goes_before_the_explanation)
{
    fail(-EBADMSG, "it is cut short");
    CHECK_ERR(fail_within(-EBADMSG, "\"%s\"", "x"), EBADMSG);
    CHECK_STR(ferry_explain(), "\"x\": it is cut short");
}

TEST(a_long_explanation_is_cut_and_nothing_else)
{
    static char long_text[4096];
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0)
            fail_errno(-EMFILE, "%s", long_text);
        else
            fail_within(-EMFILE, "%s", long_text);
        size_t length = strlen(ferry_explain());
        CHECK(length > 500 && length < 1000);
        CHECK_EQ(strspn(ferry_explain(), "x"), length);
    }
}

TEST(an_explanation_is_one_printable_line) /* U4 */
{
    fail(-EINVAL,
         "a%cb\033c\x7F"
         "d\te",
         '\n');
    CHECK_STR(ferry_explain(), "a?b?c?d?e");
    fail(-EINVAL, "grüße …");
    CHECK_STR(ferry_explain(), "grüße …");
}

struct pair {
    pthread_barrier_t barrier;
};

static void *fail_in_step(void *context)
{
    struct pair *pair = context;
    CHECK_STR(ferry_explain(), ""); /* whatever others did before us */
    fail(-EINVAL, "the thread's own");
    pthread_barrier_wait(&pair->barrier); /* the main thread fails next */
    pthread_barrier_wait(&pair->barrier);
    CHECK_STR(ferry_explain(), "the thread's own");
    return NULL;
}

TEST(each_thread_has_an_explanation_of_its_own) /* G16 */
{
    struct pair pair;
    pthread_barrier_init(&pair.barrier, NULL, 2);
    fail(-EPERM, "from before");
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fail_in_step, &pair), 0);
    pthread_barrier_wait(&pair.barrier);
    CHECK_STR(ferry_explain(), "from before");
    fail(-EPERM, "the main thread's");
    pthread_barrier_wait(&pair.barrier);
    pthread_join(thread, NULL);
    CHECK_STR(ferry_explain(), "the main thread's");
    pthread_barrier_destroy(&pair.barrier);
}
