/* The limit: what a prober costs that does nothing but probe. `client PORT KIND PROBES CONCURRENCY CAMERAS TIMEOUT_MS RATE`.
 * RATE probes a second, evenly spread; 0: as fast as it goes.
 *
 * KIND options: one new connection, OPTIONS, status line, close. KIND describe: OPTIONS, DESCRIBE refused with a Digest
 * challenge, DESCRIBE with the computed response, all on one connection. Each probe has a deadline, is classified and
 * recorded. Prints probes that went well, probes that did not, and microseconds of user and system CPU of the probing. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "md5.h"

#define MAX_SLOTS 4096

struct slot {
    int fd, camera, step, used;
    long long began;
    char buffer[4096];
};
struct record {
    long long at;
    int camera, took;
    char ok;
};

static struct slot slots[MAX_SLOTS];
static struct record *records;
static int poll_fd, port, describe, cameras, started, finished, well, wanted, concurrency, rate;
static long long timeout_us, began_us;

static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void uri_of(int camera, char *text, size_t size) {
    snprintf(text, size, "rtsp://127.1.%d.%d:%d/live", camera / 250, camera % 250 + 1, port);
}

static void start(struct slot *s) {
    if (started == wanted || (rate && now_us() - began_us < (long long)started * 1000000 / rate)) return;
    s->camera = started++ % cameras;
    s->step = s->used = 0;
    s->began = now_us();
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(127u << 24 | 1u << 16 | (uint32_t)(s->camera / 250) << 8 | (uint32_t)(s->camera % 250 + 1));
    if (s->fd < 0 || (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        perror("connect");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &event);
}

static void finish(struct slot *s, int ok) {
    long long now = now_us();
    close(s->fd);
    s->fd = -1;
    records[finished++] = (struct record){s->began, s->camera, (int)(now - s->began), (char)ok};
    well += ok;
    start(s);
}

static void ask(struct slot *s, const char *method, const char *rest) {
    char text[2048], uri[64];
    uri_of(s->camera, uri, sizeof uri);
    int length = snprintf(text, sizeof text, "%s %s RTSP/1.0\r\nCSeq: %d\r\nUser-Agent: limit\r\n%s\r\n", method, uri, ++s->step, rest);
    if (send(s->fd, text, (size_t)length, MSG_NOSIGNAL) != length) finish(s, 0);
}

static int quoted(const char *head, const char *name, char *value, size_t size) {
    const char *at = strstr(head, name);
    if (!at) return 0;
    at += strlen(name);
    size_t length = strcspn(at, "\"\r\n");
    if (length >= size) return 0;
    memcpy(value, at, length);
    value[length] = 0;
    return 1;
}

static void log_in(struct slot *s) {
    char realm[128], nonce[128], uri[64], response[33], header[1024];
    if (!quoted(s->buffer, "realm=\"", realm, sizeof realm) || !quoted(s->buffer, "nonce=\"", nonce, sizeof nonce)) {
        finish(s, 0);
        return;
    }
    uri_of(s->camera, uri, sizeof uri);
    digest_response("admin", realm, "secret", nonce, "DESCRIBE", uri, response);
    snprintf(header, sizeof header,
             "Accept: application/sdp\r\nAuthorization: Digest username=\"admin\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"\r\n",
             realm, nonce, uri, response);
    ask(s, "DESCRIBE", header);
}

static void hear(struct slot *s) {
    ssize_t got = recv(s->fd, s->buffer + s->used, sizeof s->buffer - 1 - (size_t)s->used, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) finish(s, 0);
        return;
    }
    s->buffer[s->used += (int)got] = 0;
    char *end = strstr(s->buffer, "\r\n\r\n"), *length = strcasestr(s->buffer, "\ncontent-length:");
    if (!end || end + 4 + (length && length < end ? atoi(length + 16) : 0) > s->buffer + s->used) return;
    int status = 0;
    if (sscanf(s->buffer, "RTSP/%*d.%*d %d", &status) != 1) {
        finish(s, 0);
        return;
    }
    s->used = 0;
    if (!describe)
        finish(s, 1);
    else if (s->step == 1)
        ask(s, "DESCRIBE", "Accept: application/sdp\r\n");
    else if (s->step == 2 && status == 401)
        log_in(s);
    else
        finish(s, status == 200 && strstr(s->buffer, "m=video") != NULL);
}

static double cpu_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void expire(void) {
    long long limit = now_us() - timeout_us;
    for (int i = 0; i < concurrency; i++)
        if (slots[i].fd >= 0 && slots[i].began < limit) finish(&slots[i], 0);
}

/* Start what is due; return the milliseconds until the next is. */
static int keep_pace(void) {
    if (!rate) return 100;
    for (int i = 0; i < concurrency; i++)
        if (slots[i].fd < 0) {
            int before = started;
            start(&slots[i]);
            if (started == before) break;
        }
    long long wait = began_us + (long long)started * 1000000 / rate - now_us();
    return wait < 0 ? 0 : wait > 100000 ? 100 : (int)(wait / 1000) + 1;
}

int main(int count, char **words) {
    if (count != 8) return 2;
    port = atoi(words[1]);
    describe = strcmp(words[2], "describe") == 0;
    wanted = atoi(words[3]);
    concurrency = atoi(words[4]);
    cameras = atoi(words[5]);
    timeout_us = atoll(words[6]) * 1000;
    rate = atoi(words[7]);
    if (concurrency > MAX_SLOTS || wanted < concurrency) return 2;
    md5_prepare();
    records = calloc((size_t)wanted, sizeof *records);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    double before = cpu_us();
    began_us = now_us();
    for (int i = 0; i < concurrency; i++) {
        slots[i].fd = -1;
        if (!rate) start(&slots[i]);
    }
    struct epoll_event events[256];
    long long checked = now_us();
    while (finished < wanted) {
        int ready = epoll_wait(poll_fd, events, 256, keep_pace());
        for (int i = 0; i < ready; i++) {
            struct slot *s = events[i].data.ptr;
            if (s->step == 0 && events[i].events & EPOLLOUT) {
                int error = 0;
                socklen_t size = sizeof error;
                getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
                if (error)
                    finish(s, 0);
                else
                    ask(s, "OPTIONS", "");
            } else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                hear(s);
        }
        if (now_us() - checked > 50000) {
            checked = now_us();
            expire();
        }
    }
    printf("%d %d %.0f\n", well, finished - well, cpu_us() - before);
    return 0;
}
