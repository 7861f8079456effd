/* Kinds of objects and the verbs that go with them: what to say when the two do not. */
#ifndef FERRY_CLI_KINDS_H
#define FERRY_CLI_KINDS_H

/* The name stands for an object of that kind, which has a name itself (ferry_kind_name()), and the verb is for `wanted`: "pipe or a segment".
 * Says which verbs are for it, and returns the exit status. */
int complain_other_kind(const char *name, int kind, const char *wanted);

#endif
