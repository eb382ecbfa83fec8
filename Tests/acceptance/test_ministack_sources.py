# SPDX-License-Identifier: Apache-2.0
"""Queues, streams and tables' streams of ministack that functions read: what is asked of moto's and of the server's own.

Left out are kills and refusals of queues, which end in a text of SQS that ministack words otherwise, and what no source has a part in.
"""

import pytest

from harness import Server
from peers import Ministack
from test_queue_sources import (  # noqa: F401
    make_queue,
    mapped,
    test_a_fifo_queue_keeps_the_order_of_its_groups,
    test_a_function_error_leaves_its_batch_in_the_queue,
    test_a_message_reaches_its_function_and_is_deleted,
    test_a_queue_of_another_server,
    test_a_queue_that_goes_says_so_and_comes_back,
    test_a_window_ends as test_a_window_of_a_queue_ends,
    test_a_window_gathers_a_batch,
    test_at_most_so_many_at_once,
    test_partial_failures_come_again_and_end_in_the_dead_letter_queue,
    test_what_is_not_enabled_is_not_read,
    test_what_no_filter_lets_through_is_deleted,
)
from test_stream_sources import (  # noqa: F401
    reading,
    stream,
    test_a_filter_passes_over_records,
    test_a_kill_repeats_nothing_that_was_done_and_skips_nothing,
    test_a_partial_failure_is_tried_again_from_there,
    test_a_record_of_kinesis_reaches_its_function,
    test_a_split_finds_the_record_and_tells_the_destination,
    test_a_stream_that_is_not_there_is_refused_and_one_that_goes_says_so,
    test_a_time_to_begin_with_and_the_latest_after_a_kill,
    test_a_window_ends,
    test_batches_beside_each_other_keep_the_order_of_their_keys,
    test_batches_of_a_shard_are_full_and_in_order,
    test_changes_of_a_table,
    test_children_follow_their_parent,
    test_retries_end_in_a_bucket_with_the_event,
    test_the_latest_leaves_out_what_was_there,
    test_windows_of_a_table,
)


@pytest.fixture(scope="module")
def services():
    services = Ministack()
    yield services
    services.close()


@pytest.fixture(scope="module")
def server(services):
    """A server whose queues are ministack's, which is asked through it."""
    server = Server("--aws-endpoint", services.url, "--region", "us-east-1", env=services.environment)
    server.start()
    yield server
    server.close()
