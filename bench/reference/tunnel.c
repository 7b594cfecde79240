/*
 * The reference for the userspace data plane: the same loops in C. One Ethernet pseudowire of L2TPv3 over UDP
 * (no cookie, no sublayer) between a TAP interface and a connected UDP socket, one thread per direction.
 *
 *   tunnel batch|offload TAP LOCAL PEER PORT LOCAL-SESSION PEER-SESSION
 *
 * batch:   up to 64 frames per sendmmsg/recvmmsg, plain TAP.
 * offload: TAP with virtio_net_hdr and TSO4, UDP GSO and GRO: a 64 KB TCP frame is cut into segments with fresh
 *          headers and sent as one message; received segments are checked and put together again. Ordinary
 *          frames of one size that are read in a row are sent as one message too.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADER = 8, BATCH = 64, FRAME = 2048, MAX = 65536, SEGMENTS = 64, MESSAGE = 65507 };
typedef struct virtio_net_hdr vnet; /* 10 octets */

static int tap, sock, offload;
static uint32_t local_session, peer_session;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static void put16(uint8_t *p, uint16_t v) { p[0] = v >> 8; p[1] = v; }
static void put32(uint8_t *p, uint32_t v) { p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v; }

/* RFC 1071: the one's complement sum, in memory order, not yet folded. */
static uint64_t sum(const uint8_t *p, size_t n, uint64_t s) {
  for (; n >= 4; p += 4, n -= 4) {
    uint32_t w;
    memcpy(&w, p, 4);
    s += w;
  }
  if (n >= 2) {
    uint16_t w;
    memcpy(&w, p, 2);
    s += w;
    p += 2;
    n -= 2;
  }
  if (n) s += *p;
  return s;
}
static uint16_t fold(uint64_t s) {
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return (uint16_t)s;
}
static uint64_t pseudo(const uint8_t *ip, uint16_t length) {
  return sum(ip + 12, 8, 0) + htons(6) + htons(length);
}

static void l2tp_header(uint8_t *p) {
  put32(p, 0x00030000);
  put32(p + 4, peer_session);
}

static void send_message(struct iovec *iov, int n, uint16_t segment) {
  union {
    struct cmsghdr h;
    uint8_t octets[CMSG_SPACE(2)];
  } control;
  struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
  if (segment) {
    m.msg_control = &control;
    m.msg_controllen = sizeof control;
    control.h.cmsg_level = SOL_UDP;
    control.h.cmsg_type = UDP_SEGMENT;
    control.h.cmsg_len = CMSG_LEN(2);
    memcpy(CMSG_DATA(&control.h), &segment, 2);
  }
  (void)!sendmsg(sock, &m, 0); /* what cannot be sent is lost */
}

/* Cuts one TSO frame: perf matters here, so no payload is copied. */
static void send_tso(const vnet *v, uint8_t *frame, size_t length) {
  static uint8_t headers[SEGMENTS][HEADER + 128];
  static struct iovec iov[2 * SEGMENTS];
  size_t tcp = v->csum_start, hl = tcp + (frame[tcp + 12] >> 4) * 4, gso = v->gso_size;
  if (hl > 128 || hl > length) return;
  uint8_t *payload = frame + hl;
  size_t left = length - hl, per = MESSAGE / (HEADER + hl + gso);
  if (per > SEGMENTS) per = SEGMENTS;
  uint32_t sequence = get32(frame + tcp + 4);
  uint16_t id = get16(frame + 18);
  uint8_t flags = frame[tcp + 13];
  size_t n = 0, i = 0;
  do {
    size_t here = left < gso ? left : gso;
    uint8_t *h = headers[n];
    l2tp_header(h);
    h += HEADER;
    memcpy(h, frame, hl);
    put16(h + 16, (uint16_t)(hl - 14 + here));
    put16(h + 18, (uint16_t)(id + i));
    put16(h + 24, 0);
    uint16_t c = ~fold(sum(h + 14, tcp - 14, 0));
    memcpy(h + 24, &c, 2);
    put32(h + tcp + 4, sequence);
    h[tcp + 13] = left > here ? flags & ~0x09 : flags;
    put16(h + tcp + 16, 0);
    c = ~fold(sum(payload, here, sum(h + tcp, hl - tcp, pseudo(h + 14, (uint16_t)(hl - tcp + here)))));
    memcpy(h + tcp + 16, &c, 2);
    iov[2 * n] = (struct iovec){headers[n], HEADER + hl};
    iov[2 * n + 1] = (struct iovec){payload, here};
    payload += here;
    left -= here;
    sequence += here;
    i++;
    if (++n == per || left == 0) {
      send_message(iov, 2 * n, n > 1 ? HEADER + hl + gso : 0);
      n = 0;
    }
  } while (left);
}

static void complete_checksum(const vnet *v, uint8_t *frame, size_t length) {
  uint16_t c = ~fold(sum(frame + v->csum_start, length - v->csum_start, 0));
  memcpy(frame + v->csum_start + v->csum_offset, &c, 2);
}

static void *to_wire_offload(void *unused) {
  static uint8_t buffers[BATCH][HEADER + 4096], big[sizeof(vnet) + MAX];
  static struct iovec iov[BATCH];
  struct pollfd p = {.fd = tap, .events = POLLIN};
  (void)unused;
  for (;;) {
    poll(&p, 1, -1);
    int n = 0;
    for (int i = 0; i < BATCH; i++) {
      ssize_t got = read(tap, big, sizeof big);
      if (got < (ssize_t)sizeof(vnet) + 14) break;
      vnet *v = (vnet *)big;
      uint8_t *frame = big + sizeof(vnet);
      size_t length = got - sizeof(vnet);
      if (v->gso_type || length > 4096) {
        if (n) send_message(iov, n, n > 1 ? iov[0].iov_len : 0), n = 0;
        if (v->gso_type == VIRTIO_NET_HDR_GSO_TCPV4) send_tso(v, frame, length);
        continue;
      }
      if (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) complete_checksum(v, frame, length);
      if (n && iov[n - 1].iov_len != iov[0].iov_len) send_message(iov, n, n > 1 ? iov[0].iov_len : 0), n = 0;
      if (n && (length + HEADER > iov[0].iov_len || (n + 1) * iov[0].iov_len > MESSAGE))
        send_message(iov, n, n > 1 ? iov[0].iov_len : 0), n = 0;
      l2tp_header(buffers[n]);
      memcpy(buffers[n] + HEADER, frame, length);
      iov[n] = (struct iovec){buffers[n], HEADER + length};
      n++;
    }
    if (n) send_message(iov, n, n > 1 ? iov[0].iov_len : 0);
  }
  return NULL;
}

/* A run of TCP segments that will be written as one frame. */
static struct {
  vnet v;
  struct iovec iov[2 + SEGMENTS];
  int n;
  size_t payload, first, hl;
  uint32_t next;
} run;

static void flush(void) {
  if (!run.n) return;
  uint8_t *h = run.iov[1].iov_base;
  if (run.n > 3) {
    put16(h + 16, (uint16_t)(run.hl - 14 + run.payload));
    put16(h + 24, 0);
    uint16_t c = ~fold(sum(h + 14, 20, 0));
    memcpy(h + 24, &c, 2);
    c = fold(pseudo(h + 14, (uint16_t)(run.hl - 34 + run.payload)));
    memcpy(h + 50, &c, 2);
    run.v = (vnet){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
      .hdr_len = run.hl, .gso_size = run.first, .csum_start = 34, .csum_offset = 16};
  } else {
    run.v = (vnet){0};
  }
  (void)!writev(tap, run.iov, run.n);
  run.n = 0;
}

static void take(uint8_t *frame, size_t length) {
  int tcp = length >= 54 && get16(frame + 12) == 0x0800 && frame[14] == 0x45 && frame[23] == 6 &&
    (get16(frame + 20) & 0x3fff) == 0;
  size_t hl = tcp ? 34 + (frame[46] >> 4) * 4 : 0, total = tcp ? 14 + get16(frame + 16) : 0;
  if (!tcp || total > length || total <= hl || (frame[47] & ~0x08) != 0x10 ||
    fold(sum(frame + 34, total - 34, pseudo(frame + 14, (uint16_t)(total - 34)))) != 0xffff) {
    flush();
    vnet none = {0};
    struct iovec iov[2] = {{&none, sizeof none}, {frame, length}};
    (void)!writev(tap, iov, 2);
    return;
  }
  size_t payload = total - hl;
  uint32_t sequence = get32(frame + 38);
  if (run.n) {
    uint8_t *h = run.iov[1].iov_base;
    if (run.n == 2 + SEGMENTS || sequence != run.next || hl != run.hl || payload > run.first ||
      run.payload + payload + run.hl > 65000 || memcmp(h, frame, 16) || memcmp(h + 26, frame + 26, 12) ||
      memcmp(h + 42, frame + 42, 4) || memcmp(h + 48, frame + 48, 2) || memcmp(h + 54, frame + 54, hl - 54))
      flush();
  }
  if (!run.n) {
    run.iov[0] = (struct iovec){&run.v, sizeof(vnet)};
    run.iov[1] = (struct iovec){frame, hl};
    run.n = 2;
    run.hl = hl;
    run.first = payload;
    run.payload = 0;
  }
  run.iov[run.n++] = (struct iovec){frame + hl, payload};
  run.payload += payload;
  run.next = sequence + payload;
  if (frame[47] & 0x08) ((uint8_t *)run.iov[1].iov_base)[47] |= 0x08;
  if (payload < run.first || frame[47] & 0x08) flush();
}

static void *from_wire_offload(void *unused) {
  static uint8_t buffer[MAX];
  struct pollfd p = {.fd = sock, .events = POLLIN};
  (void)unused;
  for (;;) {
    poll(&p, 1, -1);
    for (int i = 0; i < BATCH; i++) {
      uint8_t control[CMSG_SPACE(sizeof(int))];
      struct iovec iov = {buffer, sizeof buffer};
      struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
      ssize_t got = recvmsg(sock, &m, MSG_DONTWAIT);
      if (got < 0) break;
      size_t segment = got;
      for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
          int size;
          memcpy(&size, CMSG_DATA(c), sizeof size);
          segment = size;
        }
      for (size_t at = 0; at < (size_t)got; at += segment) {
        size_t length = (size_t)got - at < segment ? (size_t)got - at : segment;
        if (length < HEADER + 14 || get32(buffer + at) >> 16 != 3 || get32(buffer + at + 4) != local_session) continue;
        take(buffer + at + HEADER, length - HEADER);
      }
      flush();
    }
  }
  return NULL;
}

static void *to_wire_batch(void *unused) {
  static uint8_t buffers[BATCH][HEADER + FRAME];
  static struct iovec iov[BATCH];
  static struct mmsghdr messages[BATCH];
  struct pollfd p = {.fd = tap, .events = POLLIN};
  (void)unused;
  for (int i = 0; i < BATCH; i++) {
    l2tp_header(buffers[i]);
    iov[i].iov_base = buffers[i];
    messages[i].msg_hdr.msg_iov = &iov[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    poll(&p, 1, -1);
    int n = 0;
    for (; n < BATCH; n++) {
      ssize_t got = read(tap, buffers[n] + HEADER, FRAME);
      if (got < 0) break;
      iov[n].iov_len = HEADER + got;
    }
    if (n) (void)!sendmmsg(sock, messages, n, 0);
  }
  return NULL;
}

static void *from_wire_batch(void *unused) {
  static uint8_t buffers[BATCH][HEADER + FRAME];
  static struct iovec iov[BATCH];
  static struct mmsghdr messages[BATCH];
  struct pollfd p = {.fd = sock, .events = POLLIN};
  (void)unused;
  for (int i = 0; i < BATCH; i++) {
    iov[i] = (struct iovec){buffers[i], sizeof buffers[i]};
    messages[i].msg_hdr.msg_iov = &iov[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    poll(&p, 1, -1);
    int n = recvmmsg(sock, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
      size_t length = messages[i].msg_len;
      if (length < HEADER + 14 || get32(buffers[i]) >> 16 != 3 || get32(buffers[i] + 4) != local_session) continue;
      (void)!write(tap, buffers[i] + HEADER, length - HEADER);
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: tunnel batch|offload TAP LOCAL PEER PORT LOCAL-SESSION PEER-SESSION\n");
    return 2;
  }
  offload = strcmp(argv[1], "offload") == 0;
  local_session = (uint32_t)strtoul(argv[6], NULL, 0);
  peer_session = (uint32_t)strtoul(argv[7], NULL, 0);

  tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tap < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0)};
  strncpy(request.ifr_name, argv[2], IFNAMSIZ - 1);
  if (ioctl(tap, TUNSETIFF, &request) < 0) die("TUNSETIFF");
  if (offload && ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0) die("TUNSETOFFLOAD");

  sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int size = 4 << 20, on = 1;
  setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  if (offload && setsockopt(sock, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) die("UDP_GRO");
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[5]))};
  inet_pton(AF_INET, argv[3], &a.sin_addr);
  if (bind(sock, (struct sockaddr *)&a, sizeof a) < 0) die("bind");
  inet_pton(AF_INET, argv[4], &a.sin_addr);
  if (connect(sock, (struct sockaddr *)&a, sizeof a) < 0) die("connect");

  pthread_t thread;
  pthread_create(&thread, NULL, offload ? from_wire_offload : from_wire_batch, NULL);
  puts("ready");
  fflush(stdout);
  (offload ? to_wire_offload : to_wire_batch)(NULL);
  return 0;
}
