/* MD5 (RFC 1321) of at most one kilobyte at once, as hexadecimal digits: enough for Digest logins. */
#ifndef BENCH_MD5_H
#define BENCH_MD5_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t md5_sines[64];

static void md5_prepare(void) {
    for (int i = 0; i < 64; i++) md5_sines[i] = (uint32_t)(long long)(fabs(sin(i + 1.0)) * 4294967296.0);
}

static void md5_block(uint32_t state[4], const uint8_t *block) {
    static const uint8_t turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t words[16];
    memcpy(words, block, 64); /* little endian machines only */
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        switch (i / 16) {
        case 0: f = (b & c) | (~b & d); g = i; break;
        case 1: f = (d & b) | (~d & c); g = (5 * i + 1) % 16; break;
        case 2: f = b ^ c ^ d; g = (3 * i + 5) % 16; break;
        default: f = c ^ (b | ~d); g = 7 * i % 16;
        }
        f += a + md5_sines[i] + words[g];
        int turn = turns[i / 16][i % 4];
        a = d;
        d = c;
        c = b;
        b += f << turn | f >> (32 - turn);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

/* `hex` takes 32 digits and a NUL. */
static void md5_hex(const char *text, size_t length, char *hex) {
    uint8_t padded[1024 + 72] = {0};
    uint32_t state[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
    if (length > 1024) length = 1024;
    memcpy(padded, text, length);
    padded[length] = 0x80;
    size_t blocks = (length + 8) / 64 + 1;
    uint64_t bits = (uint64_t)length * 8;
    memcpy(padded + blocks * 64 - 8, &bits, 8);
    for (size_t i = 0; i < blocks; i++) md5_block(state, padded + i * 64);
    for (int i = 0; i < 16; i++) {
        uint8_t byte = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
        hex[2 * i] = "0123456789abcdef"[byte >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[byte & 15];
    }
    hex[32] = 0;
}

/* The response of a Digest login without qop (RFC 2069). */
static void digest_response(const char *user, const char *realm, const char *password, const char *nonce,
                            const char *method, const char *uri, char *hex) {
    char text[1024], secret[33], request[33];
    md5_hex(text, (size_t)snprintf(text, sizeof text, "%s:%s:%s", user, realm, password), secret);
    md5_hex(text, (size_t)snprintf(text, sizeof text, "%s:%s", method, uri), request);
    md5_hex(text, (size_t)snprintf(text, sizeof text, "%s:%s:%s", secret, nonce, request), hex);
}

#endif
