/* Fuzz target: what people and directories say: names, sizes, durations, names of files in the
 * root.  What is accepted must hold what the rest of the library takes for granted. */
#include <string.h>

#include <ferry/ferry.h>

#include "base/name.h"
#include "base/number.h"
#include "shared/root.h"
#include "support.h"
#include "test.h"

enum { LONGEST = 1024 };

static void check_file(const char *text)
{
    char name[FERRY_NAME_SIZE], again[ROOT_FILE_SIZE];
    enum root_part part;
    uint64_t id = 0;
    if (!root_parse(text, name, &part, &id))
        return;
    CHECK(name_is_valid(name));
    root_file(again, name, part, id);
    CHECK(part != ROOT_CONTROL || strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[LONGEST];
    uint64_t bytes;
    int64_t ns;
    size_t length = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, data, length);
    text[length] = '\0';
    CHECK((ferry_name_check(text) == 0) == name_is_valid(text));
    if (name_is_valid(text))
        CHECK(strlen(text) < FERRY_NAME_SIZE && strchr(text, '/') == NULL);
    if (number_parse_size(text, &bytes) == 0)
        CHECK(bytes <= INT64_MAX);
    if (number_parse_duration(text, &ns) == 0)
        CHECK(ns >= 0);
    check_file(text);
    return 0;
}
