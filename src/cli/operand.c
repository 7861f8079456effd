/* See operand.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/operand.h"
#include "cli/output.h"
#include "cli/spelling.h"
#include "cli/verb.h"

static const char key_scheme[] = "key:";
static const char held_scheme[] = "held:";

/* What stands behind `scheme`, or NULL if the operand begins with something else. */
static const char *behind_scheme(const char *operand, const char *scheme)
{
    for (; *scheme && *operand == *scheme; operand++)
        scheme++;
    return *scheme == '\0' ? operand : NULL;
}

static int status_of(int error)
{
    switch (error) {
    case -EINVAL:
        return STATUS_USAGE;
    case -ENOENT:
    case -ESRCH:
    case -EAGAIN:
    case -ETIMEDOUT:
        return STATUS_NOTHING;
    default:
        return STATUS_FAILED;
    }
}

int report(int error)
{
    complain("%s", ferry_explain());
    return status_of(error);
}

/* `key:PATH:PROJECT`; the project stands behind the last colon, so that PATH may hold others. */
static int name_of_file(const char *path, size_t length, const char *project_text,
                        char ret_name[FERRY_NAME_SIZE])
{
    uint64_t project = 0;
    uint32_t key;
    if (strspn(project_text, "0123456789") != strlen(project_text) ||
        number_parse_size(project_text, &project) < 0 || project < 1 || project > 255) {
        complain("\"%s\" is not a project; a key is made from key:PATH:PROJECT with a number from "
                 "1 to 255",
                 project_text);
        return STATUS_USAGE;
    }
    char *copy = expect_memory(strndup(path, length));
    int r = ferry_key_from_path(&key, copy, (int)project);
    free(copy);
    if (r < 0) {
        complain("%s", ferry_explain());
        return STATUS_FAILED; /* the file is missing, not the object */
    }
    return ferry_key_name(ret_name, FERRY_NAME_SIZE, key);
}

int operand_name(const char *operand, char ret_name[FERRY_NAME_SIZE])
{
    const char *path = behind_scheme(operand, key_scheme);
    const char *project = path ? strrchr(path, ':') : NULL;
    if (project)
        return name_of_file(path, (size_t)(project - path), project + 1, ret_name);
    int r = behind_scheme(operand, held_scheme) ? 0 : ferry_name_check(operand);
    if (r < 0)
        return report(r);
    if (strlen(operand) >= FERRY_NAME_SIZE) {
        complain("\"%.20s…\" is too long for held:PID:FD", operand);
        return STATUS_USAGE;
    }
    strcpy(ret_name, operand);
    return 0;
}

int operand_find(const char *operand, char ret_name[FERRY_NAME_SIZE], int *ret_kind)
{
    int status = operand_name(operand, ret_name);
    if (status)
        return status;
    if (ferry_name_check(ret_name) < 0) /* not held:PID:FD either */
        return report(-EINVAL);
    struct ferry_object object = {.object_bytes = sizeof(object)};
    int r = ferry_look(ret_name, &object);
    if (r < 0 && r != -ENOENT)
        return report(r);
    *ret_kind = r < 0 ? 0 : object.kind;
    return 0;
}

int operand_kind(const char *word)
{
    struct guess guess = guess_start(word);
    char list[256] = "";
    enum { MOST_KINDS = 16 };
    for (int kind = 1; kind <= MOST_KINDS; kind++) {
        const char *name = ferry_kind_name(kind);
        if (strcmp(name, ferry_kind_name(0)) == 0) /* not yet, or not in this library */
            continue;
        if (strcmp(name, word) == 0)
            return kind;
        guess_consider(&guess, name);
        strncat(list, " ", sizeof(list) - strlen(list) - 1);
        strncat(list, name, sizeof(list) - strlen(list) - 1);
    }
    if (guess.best)
        complain("there is no kind \"%s\"; did you mean \"%s\"? The kinds are:%s", word, guess.best,
                 list);
    else
        complain("there is no kind \"%s\"; the kinds are:%s", word, list);
    return -1;
}

char *operand_quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-.,:@%+=/";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word))
        return expect_memory(strdup(word));
    char *quoted = expect_memory(malloc(4 * strlen(word) + 3));
    char *to = quoted;
    *to++ = '\'';
    for (; *word; word++)
        if (*word == '\'')
            to = stpcpy(to, "'\\''");
        else
            *to++ = *word;
    strcpy(to, "'");
    return quoted;
}

int operand_open_segment(ferry_segment **ret_segment, const char *operand, unsigned role)
{
    char name[FERRY_NAME_SIZE];
    int status = operand_name(operand, name);
    if (status)
        return status;
    int r = ferry_segment_open(ret_segment, name, FERRY_SEGMENT(.flags = role));
    if (r == -ENOENT) {
        char *quoted = operand_quote(operand);
        complain("there is no segment \"%s\"; make it with: ferry new segment %s --size 4K", name,
                 quoted);
        free(quoted);
        return STATUS_NOTHING;
    }
    return r < 0 ? report(r) : 0;
}

void segment_cleanup(ferry_segment **segment)
{
    *segment = ferry_segment_close(*segment);
}
