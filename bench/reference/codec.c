/*
 * The reference of the codec benchmark: what a careful C program does for the same datagrams. Decoding copies
 * the datagram into one malloc'ed block with the message's struct, and checks every rule of the message as
 * packages/protocol does: header bits and lengths, AVP lengths, Message Type first, length and range of each
 * value, duplicates, unknown AVPs by their M bit, required AVPs. Encoding writes into a scratch buffer, copies
 * it into a malloc'ed block and frees that. Headers are read into the caller's struct, without malloc.
 *
 * usage: codec FILE JOB MILLISECONDS   (FILE: per datagram 2 octets of length in network order, and the octets)
 * prints: nanoseconds of CPU per operation, and a sum over what was read, to compare with the other side.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST 4096
static const uint8_t *input[MOST];
static size_t input_len[MOST];
static unsigned inputs;

static inline uint16_t u16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct header {
  uint16_t flags, tunnel, session, ns, nr, offset;
  int length;
  uint32_t body, end;
  int control;
};

/* RFC 2661 section 3.1. Returns 0 when the header is sound. */
__attribute__((noinline)) static int read_header(struct header *h, const uint8_t *p, size_t n) {
  if (n < 2) return 1;
  uint16_t flags = u16(p);
  if ((flags & 15) != 2) return 2;
  h->flags = flags;
  if (flags & 0x8000) {
    if ((flags & 0xcb00) != 0xc800) return 3;
    if (n < 12) return 1;
    uint16_t length = u16(p + 2);
    if (length < 12 || length > n) return 4;
    h->control = 1;
    h->length = length;
    h->tunnel = u16(p + 4);
    h->session = u16(p + 6);
    h->ns = u16(p + 8);
    h->nr = u16(p + 10);
    h->offset = 0;
    h->body = 12;
    h->end = length;
    return 0;
  }
  size_t size = 6 + (flags & 0x4000 ? 2 : 0) + (flags & 0x0800 ? 4 : 0) + (flags & 0x0200 ? 2 : 0);
  size_t at = 2, end = n;
  if (n < size) return 1;
  h->control = 0;
  h->length = -1;
  h->ns = h->nr = h->offset = 0;
  if (flags & 0x4000) {
    uint16_t length = u16(p + at);
    if (length < size || length > n) return 4;
    h->length = length;
    end = length;
    at += 2;
  }
  h->tunnel = u16(p + at);
  h->session = u16(p + at + 2);
  if (!h->tunnel || !h->session) return 6;
  at += 4;
  if (flags & 0x0800) {
    h->ns = u16(p + at);
    h->nr = u16(p + at + 2);
    at += 4;
  }
  if (flags & 0x0200) {
    h->offset = u16(p + at);
    if (at + 2 + h->offset > end) return 5;
    at += 2 + h->offset;
  }
  h->body = (uint32_t)at;
  h->end = (uint32_t)end;
  return 0;
}

struct octets {
  const uint8_t *at;
  uint16_t length;
};

/* An SCCRQ of RFC 2661 section 6.1, by what its AVPs hold. */
struct sccrq {
  struct header header;
  uint32_t seen;
  uint16_t version, firmware, tunnel, window;
  uint32_t framing, bearer;
  uint64_t tie;
  struct octets host, vendor, challenge, vector;
  uint8_t copy[];
};

struct rule {
  uint16_t min, max;
  uint8_t known, required;
};
static const struct rule rules[40] = {
  [0] = {2, 2, 1, 0},    [2] = {2, 2, 1, 1},    [3] = {4, 4, 1, 1}, [4] = {4, 4, 1, 0},
  [5] = {8, 8, 1, 0},    [6] = {2, 2, 1, 0},    [7] = {1, 1017, 1, 1}, [8] = {0, 1017, 1, 0},
  [9] = {2, 2, 1, 1},    [10] = {2, 2, 1, 0},   [11] = {1, 1017, 1, 0}, [36] = {0, 1017, 1, 0},
};
#define REQUIRED (1u << 2 | 1u << 3 | 1u << 7 | 1u << 9)

__attribute__((noinline)) static struct sccrq *decode(const uint8_t *datagram, size_t n) {
  struct sccrq *m = malloc(sizeof *m + n);
  if (!m) abort();
  memcpy(m->copy, datagram, n);
  const uint8_t *p = m->copy;
  m->seen = 0;
  if (read_header(&m->header, p, n) || !m->header.control) goto bad;
  uint32_t at = m->header.body, end = m->header.end;
  if (end - at < 8 || (u16(p + at) & 0x7fff) != 8 || u32(p + at + 2) != 0 || u16(p + at + 6) != 1) goto bad;
  at += 8;
  while (at < end) {
    if (end - at < 6) goto bad;
    uint16_t word = u16(p + at), length = word & 0x3ff, vendor = u16(p + at + 2), type = u16(p + at + 4);
    if (length < 6 || length > end - at) goto bad;
    const uint8_t *value = p + at + 6;
    uint16_t size = length - 6;
    at += length;
    if (vendor || type >= 40 || !rules[type].known || (word & 0x3c00)) {
      if (word & 0x8000) goto bad;
      continue;
    }
    if (size < rules[type].min || size > rules[type].max) {
      if (word & 0x8000) goto bad;
      continue;
    }
    if (word & 0x4000) goto bad;
    if (type != 36) {
      if (m->seen & 1u << type) goto bad;
      m->seen |= 1u << type;
    }
    switch (type) {
    case 2: m->version = u16(value); if (value[0] != 1) goto bad; break;
    case 3: m->framing = u32(value); break;
    case 4: m->bearer = u32(value); break;
    case 5: m->tie = (uint64_t)u32(value) << 32 | u32(value + 4); break;
    case 6: m->firmware = u16(value); break;
    case 7: m->host = (struct octets){value, size}; break;
    case 8: m->vendor = (struct octets){value, size}; break;
    case 9: m->tunnel = u16(value); if (!m->tunnel) goto bad; break;
    case 10: m->window = u16(value); if (!m->window) goto bad; break;
    case 11: m->challenge = (struct octets){value, size}; break;
    case 36: m->vector = (struct octets){value, size}; break;
    default: goto bad;
    }
  }
  if ((m->seen & REQUIRED) != REQUIRED) goto bad;
  return m;
bad:
  free(m);
  return NULL;
}

static uint8_t scratch[65536];
static inline uint8_t *put16(uint8_t *p, unsigned v) { p[0] = v >> 8; p[1] = v; return p + 2; }
static inline uint8_t *put32(uint8_t *p, uint32_t v) { put16(p, v >> 16); return put16(p + 2, v & 0xffff); }
static inline uint8_t *head(uint8_t *p, int mandatory, unsigned size, unsigned type) {
  put16(p, (mandatory ? 0x8000 : 0) | (6 + size));
  put16(p + 2, 0);
  return put16(p + 4, type);
}
static uint8_t *put_octets(uint8_t *p, int mandatory, unsigned type, struct octets v) {
  if (v.length > 1017) abort();
  p = head(p, mandatory, v.length, type);
  memcpy(p, v.at, v.length);
  return p + v.length;
}

__attribute__((noinline)) static uint8_t *encode(const struct sccrq *m, size_t *n) {
  if ((m->seen & REQUIRED) != REQUIRED || !m->tunnel) abort();
  uint8_t *p = put16(head(scratch + 12, 1, 2, 0), 1);
  p = put16(head(p, 1, 2, 2), m->version);
  p = put_octets(p, 1, 7, m->host);
  p = put32(head(p, 1, 4, 3), m->framing);
  p = put16(head(p, 1, 2, 9), m->tunnel);
  if (m->seen & 1u << 4) p = put32(head(p, 1, 4, 4), m->bearer);
  if (m->seen & 1u << 10) p = put16(head(p, 1, 2, 10), m->window);
  if (m->seen & 1u << 11) p = put_octets(p, 1, 11, m->challenge);
  if (m->seen & 1u << 6) p = put16(head(p, 0, 2, 6), m->firmware);
  if (m->seen & 1u << 8) p = put_octets(p, 0, 8, m->vendor);
  size_t length = (size_t)(p - scratch);
  put16(scratch, 0xc802);
  put16(scratch + 2, (unsigned)length);
  put16(scratch + 4, m->header.tunnel);
  put16(scratch + 6, m->header.session);
  put16(scratch + 8, m->header.ns);
  put16(scratch + 10, m->header.nr);
  uint8_t *out = malloc(length);
  if (!out) abort();
  memcpy(out, scratch, length);
  *n = length;
  return out;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: codec FILE decode|encode|header MILLISECONDS\n"), 2;
  FILE *f = fopen(argv[1], "rb");
  if (!f) return perror(argv[1]), 1;
  for (uint8_t l[2]; inputs < MOST && fread(l, 1, 2, f) == 2; inputs++) {
    uint8_t *octets = malloc(u16(l));
    if (!octets || fread(octets, 1, u16(l), f) != u16(l)) return 1;
    input[inputs] = octets;
    input_len[inputs] = u16(l);
  }
  double limit = atof(argv[3]) * 1e6, begin = now(), spent = 0;
  uint64_t rounds = 0, sum = 0;
  struct sccrq *messages[MOST];
  if (argv[2][0] == 'e')
    for (unsigned i = 0; i < inputs; i++)
      if (!(messages[i] = decode(input[i], input_len[i]))) return 1;
  begin = now();
  while (spent < limit) {
    for (unsigned k = 0; k < 100; k++)
      for (unsigned i = 0; i < inputs; i++) {
        if (argv[2][0] == 'd') {
          struct sccrq *m = decode(input[i], input_len[i]);
          if (!m) return 1;
          sum += m->tunnel + m->host.length;
          free(m);
        } else if (argv[2][0] == 'e') {
          size_t n;
          uint8_t *octets = encode(messages[i], &n);
          sum += n + octets[n - 1];
          free(octets);
        } else {
          struct header h;
          if (read_header(&h, input[i], input_len[i])) return 1;
          sum += h.session + h.body;
        }
      }
    rounds += 100;
    spent = now() - begin;
  }
  printf("%.3f %llu\n", spent / ((double)rounds * inputs), (unsigned long long)(sum / rounds));
  return 0;
}
