/* Cameras for benchmarks: one listener for all of 127.1.0.0/16, on the loopback device only.
 *
 * Speaks RTSP OPTIONS and DESCRIBE (Digest, verified) and answers every HTTP POST with the ONVIF date and time. Prints its
 * port; then every line "BEHAVIOUR FROM TO" on standard input changes cameras FROM to TO - 1 (camera n lives at
 * 127.1.(n / 250).(n % 250 + 1)): r answers, h accepts and stays silent, d drips one byte a second, x resets. Each line is
 * answered with "ok". Ends at the end of input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "md5.h"

#define MAX_FD 65536
#define MAX_REQUEST 8192
#define NONCE "5f1a9c0be27d44d8"
#define REALM "camera"

struct connection {
    char *buffer;
    int used;
    char behaviour;
    int dripped;
};

static struct connection connections[MAX_FD];
static char behaviours[65536];
static int poll_fd, listener;
static const char SDP[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n"
                          "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n";
static const char DRIP[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: a very slow camera that never gets to the end of it";

static void drop(int fd) {
    free(connections[fd].buffer);
    connections[fd].buffer = NULL;
    close(fd);
}

static void reset(int fd) {
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    drop(fd);
}

static void greet(void) {
    for (;;) {
        struct sockaddr_in local;
        socklen_t size = sizeof local;
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= MAX_FD || getsockname(fd, (struct sockaddr *)&local, &size) < 0) {
            close(fd);
            continue;
        }
        uint32_t address = ntohl(local.sin_addr.s_addr);
        uint32_t camera = ((address >> 8 & 255) * 250 + (address & 255) - 1) & 65535;
        struct connection *c = &connections[fd];
        c->buffer = malloc(MAX_REQUEST + 1);
        c->used = c->dripped = 0;
        c->behaviour = behaviours[camera];
        if (address >> 24 != 127 || c->behaviour == 'x') {
            reset(fd);
            continue;
        }
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int field(const char *request, const char *name, char *value, size_t size) {
    const char *at = strcasestr(request, name);
    if (!at) return 0;
    at += strlen(name);
    size_t length = strcspn(at, "\"\r\n");
    if (length >= size) length = size - 1;
    memcpy(value, at, length);
    value[length] = 0;
    return 1;
}

static int logged_in(const char *request) {
    char uri[512], user[128], given[64], wanted[33];
    if (!field(request, "uri=\"", uri, sizeof uri) || !field(request, "username=\"", user, sizeof user) ||
        !field(request, "response=\"", given, sizeof given))
        return 0;
    digest_response(user, REALM, "secret", NONCE, "DESCRIBE", uri, wanted);
    return strcmp(given, wanted) == 0;
}

static void reply_rtsp(int fd, const char *request) {
    char reply[2048], cseq[32] = "0";
    int length;
    field(request, "\nCSeq: ", cseq, sizeof cseq);
    if (strncmp(request, "OPTIONS", 7) == 0)
        length = snprintf(reply, sizeof reply, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nPublic: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY\r\n\r\n", cseq);
    else if (!logged_in(request))
        length = snprintf(reply, sizeof reply, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"" NONCE "\"\r\n\r\n", cseq);
    else
        length = snprintf(reply, sizeof reply, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", cseq, sizeof SDP - 1, SDP);
    send(fd, reply, (size_t)length, MSG_NOSIGNAL);
}

static void reply_onvif(int fd) {
    char reply[2048], body[1536];
    time_t now = time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    int size = snprintf(body, sizeof body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" xmlns:tt=\"http://www.onvif.org/ver10/schema\"><env:Body>"
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone><tt:UTCDateTime>"
        "<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>"
        "<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse></env:Body></env:Envelope>",
        t.tm_hour, t.tm_min, t.tm_sec, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
    int length = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", size, body);
    send(fd, reply, (size_t)length, MSG_NOSIGNAL);
}

static void serve(int fd) {
    struct connection *c = &connections[fd];
    ssize_t got = recv(fd, c->buffer + c->used, (size_t)(MAX_REQUEST - c->used), 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    if (c->behaviour != 'r') return; /* what was asked does not matter; only the end of the connection does */
    c->used += (int)got;
    c->buffer[c->used] = 0;
    char *end;
    while ((end = strstr(c->buffer, "\r\n\r\n"))) {
        int whole = (int)(end - c->buffer) + 4;
        char length[16];
        *end = 0;
        if (field(c->buffer, "\nContent-Length: ", length, sizeof length)) whole += atoi(length);
        *end = '\r';
        if (whole > c->used) break;
        if (c->buffer[0] == 'P')
            reply_onvif(fd);
        else
            reply_rtsp(fd, c->buffer);
        c->used -= whole;
        memmove(c->buffer, c->buffer + whole, (size_t)c->used + 1);
    }
    if (c->used == MAX_REQUEST) drop(fd);
}

static void drip(void) {
    for (int fd = 0; fd < MAX_FD; fd++) {
        struct connection *c = &connections[fd];
        if (c->buffer && c->behaviour == 'd' && c->dripped < (int)sizeof DRIP - 1)
            send(fd, DRIP + c->dripped++, 1, MSG_NOSIGNAL);
    }
}

static int obey(void) {
    static char words[4096];
    static int used;
    ssize_t got = read(0, words + used, sizeof words - 1 - (size_t)used);
    if (got <= 0) return 0;
    words[used += (int)got] = 0;
    char *end;
    while ((end = strchr(words, '\n'))) {
        char behaviour;
        int from, to;
        if (sscanf(words, "%c %d %d", &behaviour, &from, &to) == 3 && from >= 0 && to <= 65536)
            for (int i = from; i < to; i++) behaviours[i] = behaviour;
        printf("ok\n");
        fflush(stdout);
        used -= (int)(end + 1 - words);
        memmove(words, end + 1, (size_t)used + 1);
    }
    return 1;
}

int main(void) {
    md5_prepare();
    memset(behaviours, 'r', sizeof behaviours);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof any;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (setsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) < 0 || bind(listener, (struct sockaddr *)&any, size) < 0 ||
        listen(listener, 4096) < 0 || getsockname(listener, (struct sockaddr *)&any, &size) < 0) {
        perror("listen");
        return 1;
    }
    printf("%d\n", ntohs(any.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &event);
    for (time_t dripped = time(NULL);;) {
        int ready = epoll_wait(poll_fd, events, 256, 500);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                greet();
            else if (fd == 0) {
                if (!obey()) return 0;
            } else if (connections[fd].buffer)
                serve(fd);
        }
        if (time(NULL) != dripped) {
            dripped = time(NULL);
            drip();
        }
    }
}
