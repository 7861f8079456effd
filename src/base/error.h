/* Failures and their explanations.
 *
 * Whoever finds an error explains it there and then: `return fail(-ENOENT, "no segment \"%s\";
 * …")`. The sentence is the calling thread's own and is what ferry_explain() returns.  The style:
 * what was wrong, a semicolon or full stop, what to do about it; no trailing newline or full stop.
 */
#ifndef FERRY_ERROR_H
#define FERRY_ERROR_H

/* Keeps the explanation and returns `error`, which is negative. */
__attribute__((cold, format(printf, 2, 3))) int fail(int error, const char *format, ...);

/* The same for a failed system call: appends what errno said. */
__attribute__((cold, format(printf, 2, 3))) int fail_errno(int error, const char *format, ...);

/* The same with a sentence that is complete and lasts, for failures that are no exceptions: it costs a store. */
int fail_often(int error, const char *sentence);

/* Puts a few words before the explanation that is already there, and returns `error`. */
__attribute__((cold, format(printf, 2, 3))) int fail_within(int error, const char *format, ...);

/* For work in passing that may fail without anybody's asking: the explanation stays as it was. */
enum { EXPLANATION_SIZE = 640 };
struct explanation {
    char text[EXPLANATION_SIZE];
};
void explanation_keep(struct explanation *ret_copy);
void explanation_restore(const struct explanation *copy);

#endif
