// SPDX-License-Identifier: Apache-2.0
// A function without any runtime: it speaks the Runtime API itself, over one kept connection.
//
// Build: cc -O2 -static -o bootstrap bootstrap.c. The event is {"limit": N}; the answer counts the primes below N.
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, EVENT_MAX = 1 << 20, LIMIT_MAX = 50000000 };

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static int connect_to_api(const char *address) {
    char host[64];
    const char *colon = strrchr(address, ':');
    if (!colon || (size_t)(colon - address) >= sizeof host) { fprintf(stderr, "AWS_LAMBDA_RUNTIME_API: %s\n", address); exit(1); }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1) { fprintf(stderr, "AWS_LAMBDA_RUNTIME_API: %s\n", address); exit(1); }
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
    return connection;
}

static void send_all(int connection, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = write(connection, bytes, count);
        if (sent <= 0) fail("write");
        bytes += sent;
        count -= (size_t)sent;
    }
}

// The value of a header, copied; empty when it is absent.
static void header(const char *head, const char *name, char *value, size_t size) {
    size_t length = strlen(name);
    value[0] = 0;
    for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) || line[2 + length] != ':') continue;
        const char *start = line + 2 + length + 1;
        while (*start == ' ') start++;
        snprintf(value, size, "%.*s", (int)strcspn(start, "\r\n"), start);
        return;
    }
}

// Reads one answer with a Content-Length into head and body; returns the status.
static int read_answer(int connection, char *head, char *body) {
    size_t have = 0, extra = 0;
    char *end = NULL;
    while (!end) {
        if (have == HEAD_MAX) { fprintf(stderr, "the answer's head is too large\n"); exit(1); }
        ssize_t got = read(connection, head + have, HEAD_MAX - have);
        if (got <= 0) fail("read");
        have += (size_t)got;
        head[have] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    extra = have - (size_t)(end + 4 - head);
    char text[32];
    memcpy(body, end + 4, extra);
    end[2] = 0;
    header(head, "Content-Length", text, sizeof text);
    size_t length = strtoul(text, NULL, 10);
    if (length > EVENT_MAX || extra > length) { fprintf(stderr, "the event is too large\n"); exit(1); }
    while (extra < length) {
        ssize_t got = read(connection, body + extra, length - extra);
        if (got <= 0) fail("read");
        extra += (size_t)got;
    }
    body[length] = 0;
    return atoi(head + strlen("HTTP/1.1 "));
}

static long primes_below(long limit) {
    if (limit < 3) return 0;
    char *composite = calloc((size_t)limit, 1);
    if (!composite) fail("calloc");
    long count = 0;
    for (long number = 2; number < limit; number++) {
        if (composite[number]) continue;
        count++;
        for (long multiple = number * number; multiple < limit; multiple += number) composite[multiple] = 1;
    }
    free(composite);
    return count;
}

int main(void) {
    static char head[HEAD_MAX + 1], body[EVENT_MAX + HEAD_MAX + 1], request[1024], result[256];
    const char *address = getenv("AWS_LAMBDA_RUNTIME_API");
    if (!address) { fprintf(stderr, "AWS_LAMBDA_RUNTIME_API is not set\n"); return 1; }
    int connection = connect_to_api(address);
    for (;;) {
        char id[128];
        int size = snprintf(request, sizeof request, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", address);
        send_all(connection, request, (size_t)size);
        if (read_answer(connection, head, body) != 200) { fprintf(stderr, "next: %.40s\n", head); return 1; }
        header(head, "Lambda-Runtime-Aws-Request-Id", id, sizeof id);
        const char *member = strstr(body, "\"limit\"");
        long limit = member ? strtol(member + strlen("\"limit\"") + strspn(member + strlen("\"limit\""), ": "), NULL, 10) : 1000000;
        if (limit > LIMIT_MAX) limit = LIMIT_MAX;
        printf("counting the primes below %ld\n", limit);
        fflush(stdout);
        int length = snprintf(result, sizeof result, "{\"limit\":%ld,\"primes\":%ld}", limit, primes_below(limit));
        size = snprintf(request, sizeof request,
                        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, address, length, result);
        send_all(connection, request, (size_t)size);
        if (read_answer(connection, head, body) != 202) { fprintf(stderr, "response: %.40s\n", head); return 1; }
    }
}
