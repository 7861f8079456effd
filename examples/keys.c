/* Two programs that know the same file and the same number find the same segment, with no name
 * agreed on: the first to run leaves a text, the next one finds it.
 *
 *     keys PATH PROJECT TEXT     PROJECT: 1 to 255
 *
 * On the command line: ferry new segment key:PATH:PROJECT --size 4097 */
#include <stdio.h>
#include <stdlib.h>

#include <ferry/ferry.h>

enum { SIZE = 4097 };

static int complain(const char *what)
{
    fprintf(stderr, "keys: %s: %s\n", what, ferry_explain());
    return 1;
}

int main(int argc, char **argv)
{
    ferry_segment *segment;
    uint32_t key;
    char name[FERRY_NAME_SIZE];
    if (argc != 4) {
        fprintf(stderr, "usage: keys PATH PROJECT TEXT\n");
        return 2;
    }
    if (ferry_key_from_path(&key, argv[1], atoi(argv[2])) < 0)
        return complain("cannot make a key");
    ferry_key_name(name, sizeof(name), key);
    if (ferry_segment_open(&segment, name,
                           FERRY_SEGMENT(.size_bytes = SIZE, .flags = FERRY_CREATE)) < 0)
        return complain("cannot open the segment");

    char *text = ferry_segment_data(segment);
    printf("%s holds \"%.*s\"\n", name, SIZE, text);
    snprintf(text, SIZE, "%s", argv[3]);
    ferry_segment_close(segment);
    return 0;
}
