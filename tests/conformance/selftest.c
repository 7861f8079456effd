/* Do the bodies find what they are there to find?  Each wrong back end fails those that are about its fault,
 * by a check of theirs and not by a time limit. */
#include "expect_failure.h"
#include "test.h"

TEST(a_socket_pair_is_no_pipe)
{
    expect_failure("room", "socket_pair.it_stops_at_65536_bytes");
    expect_failure("room", "socket_pair.a_full_pipe_has_room_when_4096");
    expect_failure("stream", "socket_pair.an_end_has_one_direction");
    expect_failure("readiness", "socket_pair.it_is_hung_up");
    expect_failure("sequences", "socket_pair.random_sequences");
}

TEST_LONG(an_end_that_comes_one_writer_too_early_is_noticed, 120)
{
    expect_failure("ends", "early_end.the_stream_ends_with_the_last_writer");
    expect_failure("sequences", "early_end.random_sequences");
}

TEST_LONG(an_end_that_does_not_come_is_noticed, 120)
{
    expect_failure("ends", "no_end.writer_gone_gives_the_rest_then_end");
    expect_failure("ends", "no_end.reader_gone_breaks_the_pipe");
    expect_failure("ends", "no_end.the_stream_ends_with_the_last_writer");
    expect_failure("ends", "no_end.the_pipe_breaks_with_the_last_reader");
    expect_failure("readiness", "no_end.ends_that_die_hang_it_up");
    expect_failure("sequences", "no_end.random_sequences");
}

TEST_LONG(writes_that_are_split_are_noticed, 120)
{
    expect_failure("records", "split_writes.records_of_eight_writers_are_never_mixed");
    expect_failure("records", "split_writes.records_of_odd_sizes_are_never_mixed");
    expect_failure("records", "split_writes.several_readers_get_whole_records");
    expect_failure("room", "split_writes.up_to_4096_bytes_go_in_all_at_once");
}

TEST(bytes_that_are_read_twice_are_noticed)
{
    expect_failure("stream", "read_twice.bytes_come_out_in_the_order");
    expect_failure("stream", "read_twice.any_sizes_read_meet_any_sizes_written");
    expect_failure("stream", "read_twice.a_stream_between_processes");
    expect_failure("records", "read_twice.many_writers_and_readers_get_every_byte");
    expect_failure("sequences", "read_twice.random_sequences");
}

TEST(bytes_that_are_lost_are_noticed)
{
    expect_failure("stream", "lost_writes.a_stream_between_processes");
    expect_failure("records", "lost_writes.many_writers_and_readers_get_every_byte");
    expect_failure("relations", "lost_writes.siblings_talk");
    expect_failure("ends", "lost_writes.a_long_write_that_is_cut_short");
}

TEST(room_that_should_not_be_there_is_noticed)
{
    expect_failure("room", "too_large.it_stops_at_65536_bytes");
    expect_failure("sequences", "too_large.random_sequences");
}

TEST(a_pipe_that_is_never_alone_is_noticed)
{
    expect_failure("opening", "never_alone.opening_without_waiting_is_for_readers");
    expect_failure("opening", "never_alone.the_name_stays_when_all_are_gone");
    expect_failure("opening", "never_alone.bytes_go_with_the_last");
}

TEST(an_opening_that_does_not_wait_is_noticed)
{
    expect_failure("opening", "impatient.two_strangers_meet");
    expect_failure("opening", "impatient.a_reader_killed_while_it_waits_leaves");
    expect_failure("opening", "impatient.opening_without_waiting_is_for_readers");
}
