// SPDX-License-Identifier: Apache-2.0
// librabbitmq, and what of it Swift doesn't see: macros that cast, and functions of variable arguments.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif
#include <string.h>
#include <sys/time.h>

static const amqp_method_number_t CRABBITMQ_DELIVER = AMQP_BASIC_DELIVER_METHOD;
static const amqp_method_number_t CRABBITMQ_CANCEL = AMQP_BASIC_CANCEL_METHOD;
static const amqp_method_number_t CRABBITMQ_QUEUE_DECLARE = AMQP_QUEUE_DECLARE_METHOD;
static const amqp_method_number_t CRABBITMQ_QUEUE_DECLARE_OK = AMQP_QUEUE_DECLARE_OK_METHOD;
static const amqp_method_number_t CRABBITMQ_CHANNEL_CLOSE = AMQP_CHANNEL_CLOSE_METHOD;
static const amqp_method_number_t CRABBITMQ_CONNECTION_CLOSE = AMQP_CONNECTION_CLOSE_METHOD;
static const amqp_method_number_t CRABBITMQ_CONNECTION_CLOSE_OK = AMQP_CONNECTION_CLOSE_OK_METHOD;

static const amqp_flags_t CRABBITMQ_CONTENT_TYPE = AMQP_BASIC_CONTENT_TYPE_FLAG;
static const amqp_flags_t CRABBITMQ_CONTENT_ENCODING = AMQP_BASIC_CONTENT_ENCODING_FLAG;
static const amqp_flags_t CRABBITMQ_HEADERS = AMQP_BASIC_HEADERS_FLAG;
static const amqp_flags_t CRABBITMQ_DELIVERY_MODE = AMQP_BASIC_DELIVERY_MODE_FLAG;
static const amqp_flags_t CRABBITMQ_PRIORITY = AMQP_BASIC_PRIORITY_FLAG;
static const amqp_flags_t CRABBITMQ_CORRELATION_ID = AMQP_BASIC_CORRELATION_ID_FLAG;
static const amqp_flags_t CRABBITMQ_REPLY_TO = AMQP_BASIC_REPLY_TO_FLAG;
static const amqp_flags_t CRABBITMQ_EXPIRATION = AMQP_BASIC_EXPIRATION_FLAG;
static const amqp_flags_t CRABBITMQ_MESSAGE_ID = AMQP_BASIC_MESSAGE_ID_FLAG;
static const amqp_flags_t CRABBITMQ_TIMESTAMP = AMQP_BASIC_TIMESTAMP_FLAG;
static const amqp_flags_t CRABBITMQ_TYPE = AMQP_BASIC_TYPE_FLAG;
static const amqp_flags_t CRABBITMQ_USER_ID = AMQP_BASIC_USER_ID_FLAG;
static const amqp_flags_t CRABBITMQ_APP_ID = AMQP_BASIC_APP_ID_FLAG;
static const amqp_flags_t CRABBITMQ_CLUSTER_ID = AMQP_BASIC_CLUSTER_ID_FLAG;

// One channel; `frame_max` and `heartbeat` (seconds) are what is asked for, the broker may want less. The broker is to say when the
// queue of a consumer is deleted.
static inline amqp_rpc_reply_t crabbitmq_login(
    amqp_connection_state_t connection, const char *virtual_host, int frame_max, int heartbeat, const char *user,
    const char *password) {
    amqp_table_entry_t notify, capabilities;
    memset(&notify, 0, sizeof notify);
    memset(&capabilities, 0, sizeof capabilities);
    notify.key = amqp_cstring_bytes("consumer_cancel_notify");
    notify.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    notify.value.value.boolean = 1;
    capabilities.key = amqp_cstring_bytes("capabilities");
    capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
    capabilities.value.value.table.num_entries = 1;
    capabilities.value.value.table.entries = &notify;
    amqp_table_t properties = {1, &capabilities};
    return amqp_login_with_properties(
        connection, virtual_host, 1, frame_max, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user, password);
}

// Times are of whole seconds.
static inline int crabbitmq_set_patience(amqp_connection_state_t connection, int seconds) {
    struct timeval time = {seconds, 0};
    int status = amqp_set_handshake_timeout(connection, &time);
    return status == AMQP_STATUS_OK ? amqp_set_rpc_timeout(connection, &time) : status;
}

static inline int crabbitmq_open(amqp_socket_t *socket, const char *host, int port, int seconds) {
    struct timeval time = {seconds, 0};
    return amqp_socket_open_noblock(socket, host, port, &time);
}

static inline int crabbitmq_wait_frame(amqp_connection_state_t connection, amqp_frame_t *frame, int seconds) {
    struct timeval time = {seconds, 0};
    return amqp_simple_wait_frame_noblock(connection, frame, &time);
}
