/* Segments whose control memory is overwritten by another member (contract G9, H5). */
#include <errno.h>

#include "common.h"

static void survives(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case segment = segment_case(name, operations);
    CHECK_OK(hostile_run(&segment, NULL));
}

static void survives_race(const char *name, const struct hostile_operation *operations)
{
    struct hostile_case segment = segment_case(name, operations);
    CHECK_OK(hostile_race(&segment, NULL));
}

TEST_LONG(lock_survives_any_word, 600) /* G9 */
{
    survives("segment lock", lock_operations);
}

TEST_LONG(notice_survives_any_word, 600) /* G9 */
{
    survives("segment notice", notice_operations);
}

TEST_LONG(joining_and_leaving_survive_any_word, 600) /* G9 */
{
    survives("segment members", member_operations);
}

TEST_LONG(looking_and_removing_survive_any_word, 600) /* G9 */
{
    survives("segment look", look_operations);
}

TEST_LONG(lock_survives_changing_words, 300) /* G9 */
{
    survives_race("segment lock", lock_operations);
}

TEST_LONG(notice_survives_changing_words, 300) /* G9 */
{
    survives_race("segment notice", notice_operations);
}

TEST_LONG(joining_and_leaving_survive_changing_words, 300) /* G9 */
{
    survives_race("segment members", member_operations);
}

TEST_LONG(looking_and_removing_survive_changing_words, 300) /* G9 */
{
    survives_race("segment look", look_operations);
}
