/* The bytes in shared memory, and what happens to those that are not as they should be (contract
 * G9, G14).  Where everything lies is in tests/abi. */
#include <errno.h>

#include <ferry/ferry.h>

#include "shared/layout.h"
#include "test.h"

static struct layout_identity sealed(void)
{
    struct layout_identity identity = {.kind = FERRY_KIND_SEGMENT,
                                       .size_bytes = 4097,
                                       .created = layout_stamp(1700000000000, 4711),
                                       .mode = 0640};
    layout_seal(&identity);
    return identity;
}

TEST(a_sealed_identity_begins_with_these_bytes) /* G14 */
{
    struct layout_identity identity = sealed();
    CHECK(memcmp(&identity, "FERRY\r\n\x1A\x01\0\0\0\x01\0\0\0", 16) == 0);
    CHECK_EQ(identity.checksum, UINT64_C(0x3707b00c23535665));
    CHECK_EQ(layout_check(&identity), 0);
}

TEST(no_single_byte_of_an_identity_can_change_unnoticed) /* G9, G14 */
{
    for (size_t at = 0; at < sizeof(struct layout_identity); at++) {
        for (unsigned change = 1; change < 256; change++) {
            struct layout_identity identity = sealed();
            ((uint8_t *)&identity)[at] ^= (uint8_t)change;
            int r = layout_check(&identity);
            bool is_newer = at >= offsetof(struct layout_identity, version) &&
                            at < offsetof(struct layout_identity, kind);
            is_newer |= at >= offsetof(struct layout_identity, features) &&
                        at < offsetof(struct layout_identity, flags);
            CHECK_EQ(r, is_newer ? -EPROTO : -EBADMSG);
        }
    }
}

TEST(another_layout_version_is_named) /* G14 */
{
    struct layout_identity identity = sealed();
    identity.version = 7;
    CHECK_ERR(layout_check(&identity), EPROTO);
    CHECK_CONTAINS(ferry_explain(), "layout version 7");
    CHECK_CONTAINS(ferry_explain(), "knows version 1");
    CHECK_CONTAINS(ferry_explain(), "make it anew");
}

TEST(unknown_features_are_named) /* G14 */
{
    struct layout_identity identity = sealed();
    identity.features = 0x80000001;
    CHECK_ERR(layout_check(&identity), EPROTO);
    CHECK_CONTAINS(ferry_explain(), "features 0x80000001");
    CHECK_CONTAINS(ferry_explain(), "newer library");
}

TEST(what_is_not_ferrys_is_told_from_what_is_damaged) /* G9 */
{
    struct layout_identity identity = {.kind = 0};
    CHECK_ERR(layout_check(&identity), EBADMSG);
    CHECK_CONTAINS(ferry_explain(), "not Ferry's");
    identity = sealed();
    identity.size_bytes++;
    CHECK_ERR(layout_check(&identity), EBADMSG);
    CHECK_CONTAINS(ferry_explain(), "damaged");
    CHECK_CONTAINS(ferry_explain(), "remove it");
}

TEST(nonsense_with_a_right_checksum_is_still_nonsense) /* G9 */
{
    struct layout_identity identity = sealed();
    identity.flags = ~0u;
    layout_seal(&identity);
    CHECK_ERR(layout_check(&identity), EBADMSG);
    const uint64_t sizes[] = {0, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        identity = sealed();
        identity.size_bytes = sizes[i];
        layout_seal(&identity);
        CHECK_ERR(layout_check(&identity), EBADMSG);
    }
}

TEST(a_stamp_holds_a_moment_and_a_process) /* H4 */
{
    const int64_t moments[] = {1, 1700000000000, (INT64_C(1) << 41) - 1};
    const int32_t pids[] = {1, 32768, (1 << 22) - 1};
    for (int i = 0; i < 3; i++) {
        uint64_t stamp = layout_stamp(moments[i], pids[i]);
        CHECK_EQ(layout_stamp_unix_ms(stamp), moments[i]);
        CHECK_EQ(layout_stamp_pid(stamp), pids[i]);
        CHECK(stamp != 0);
    }
}

/* The table for people covers what the drawing shows: in order, and without overlaps. */
static void check_table(const struct layout_field *(*field)(size_t), uint32_t end)
{
    uint32_t at = 0;
    size_t count = 0;
    for (const struct layout_field *one; (one = field(count)) != NULL; count++) {
        CHECK(one->offset >= at);
        CHECK(one->width > 0);
        CHECK(one->name[0] != '\0' && one->group[0] != '\0' && one->meaning[0] != '\0');
        at = one->offset + one->width;
    }
    CHECK(at <= end);
    CHECK(count > 4);
    CHECK(field(count + 1) == NULL);
    CHECK(field(SIZE_MAX) == NULL);
}

static const struct layout_field *segment_field(size_t index)
{
    return layout_field(FERRY_KIND_SEGMENT, index);
}

static const struct layout_field *pipe_field(size_t index)
{
    return layout_field(FERRY_KIND_PIPE, index);
}

static const struct layout_field *queue_field(size_t index)
{
    return layout_field(FERRY_KIND_QUEUE, index);
}

TEST(the_table_of_fields_is_in_order) /* G13 */
{
    check_table(segment_field, offsetof(struct layout, members));
    check_table(pipe_field, offsetof(struct layout, members));
    check_table(queue_field, offsetof(struct layout, members));
    check_table(layout_entry_field, sizeof(struct layout_entry));
}
