/* Kinds of objects and the verbs that go with them: what to say when the two do not. */
#ifndef FERRY_CLI_KINDS_H
#define FERRY_CLI_KINDS_H

/* The name stands for a kind that the verb is not for.  Names the verbs that are, and returns the exit status. */
int complain_other_kind(const char *name, int kind, const char *wanted);

#endif
