/*
 * TCP and UDP load between many pairs of addresses at once: what an LNS's subscribers do together.
 *
 *   fanload receive PORT SECONDS                              prints "octets N packets N seconds S": from the first octet to the last
 *   fanload tcp PAIRS COUNT PORT SECONDS                      COUNT connections, each sends all it can
 *   fanload udp PAIRS COUNT PORT SECONDS OCTETS RATE          paced, RATE packets a second over all pairs in turn
 *
 * PAIRS is a file of lines "SOURCE DESTINATION", of which the first COUNT are used, again from the first where there are fewer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CUBIC "cubic"
enum { BATCH = 512, CHUNK = 65536, MANY = 100, EVENTS = 256 };
static uint8_t octets[CHUNK], slots[BATCH][2048];
static struct in_addr (*pairs)[2];
static int count;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int read_pairs(const char *file) {
  FILE *f = fopen(file, "r");
  char source[64], destination[64];
  int n = 0;
  if (f == NULL) return fail(file);
  pairs = calloc(count, sizeof *pairs);
  while (n < count && fscanf(f, "%63s %63s", source, destination) == 2) {
    inet_pton(AF_INET, source, &pairs[n][0]);
    inet_pton(AF_INET, destination, &pairs[n][1]);
    n++;
  }
  fclose(f);
  if (n == 0) return fprintf(stderr, "%s: no pairs\n", file), 1;
  for (int i = n; i < count; i++) memcpy(pairs[i], pairs[i % n], sizeof pairs[i]);
  return 0;
}

static int receive(int port, double seconds) {
  static struct iovec iov[BATCH];
  static struct mmsghdr messages[BATCH];
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), u = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int e = epoll_create1(0), on = 1, size = 8 << 20;
  struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
  uint64_t total = 0, packets = 0;
  double first = 0, last = 0, end = now() + seconds;
  setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(u, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (bind(l, (struct sockaddr *)&a, sizeof a) < 0 || listen(l, 4096) < 0) return fail("bind TCP");
  if (bind(u, (struct sockaddr *)&a, sizeof a) < 0) return fail("bind UDP");
  event.data.fd = l;
  epoll_ctl(e, EPOLL_CTL_ADD, l, &event);
  event.data.fd = u;
  epoll_ctl(e, EPOLL_CTL_ADD, u, &event);
  for (int i = 0; i < BATCH; i++) {
    iov[i] = (struct iovec){slots[i], sizeof slots[i]};
    messages[i].msg_hdr.msg_iov = &iov[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  puts("ready");
  fflush(stdout);
  while (now() < end) {
    int n = epoll_wait(e, events, EVENTS, 50);
    uint64_t before = total;
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == l) {
        for (int c; (c = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          event.data.fd = c;
          epoll_ctl(e, EPOLL_CTL_ADD, c, &event);
        }
      } else if (fd == u) {
        int m = recvmmsg(u, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int j = 0; j < m; j++) packets++, total += messages[j].msg_len;
      } else {
        ssize_t got = recv(fd, octets, sizeof octets, MSG_TRUNC);
        if (got > 0) total += got;
        else if (got == 0 || errno != EAGAIN) close(fd);
      }
    }
    if (total == before) continue;
    last = now();
    if (first == 0) first = last;
  }
  printf("octets %llu packets %llu seconds %.6f\n", (unsigned long long)total, (unsigned long long)packets,
         last - first);
  return 0;
}

static int tcp(int port, double seconds) {
  int e = epoll_create1(0), on = 1, small = 65536;
  struct epoll_event event = {.events = EPOLLOUT}, events[EVENTS];
  double end;
  for (int i = 0; i < count; i++) {
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = pairs[i][0]};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = pairs[i][1], .sin_port = htons(port)};
    if (s < 0) return fail("socket");
    /* Of many each has little under way, so that all have their turn and no memory limit is met. */
    if (count > MANY) setsockopt(s, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(s, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    /* Linux's own choice, whatever this machine's is: BBR paces each flow by timers, whose work is charged to the
       process that they interrupt, and that is the LNS as well. */
    if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, CUBIC, strlen(CUBIC)) < 0 && errno != ENOENT)
      return fail("TCP_CONGESTION");
    if (bind(s, (struct sockaddr *)&from, sizeof from) < 0) return fail("bind");
    if (connect(s, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) return fail("connect");
    event.data.fd = s;
    epoll_ctl(e, EPOLL_CTL_ADD, s, &event);
  }
  for (end = now() + seconds; now() < end;) {
    int n = epoll_wait(e, events, EVENTS, 50);
    for (int i = 0; i < n; i++) {
      if (send(events[i].data.fd, octets, sizeof octets, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        return fail("send");
    }
  }
  return 0;
}

static int udp(int port, double seconds, size_t length, double rate) {
  static struct iovec iov = {octets, 0};
  static struct mmsghdr messages[BATCH];
  static struct sockaddr_in to[BATCH];
  static union {
    struct cmsghdr header;
    uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
  } from[BATCH];
  int s = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20, next = 0;
  double start = now(), end = start + seconds;
  uint64_t sent = 0;
  iov.iov_len = length;
  setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  for (int i = 0; i < BATCH; i++) {
    from[i].header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = SOL_IP, .cmsg_type = IP_PKTINFO};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &to[i],
                                          .msg_namelen = sizeof to[i],
                                          .msg_iov = &iov,
                                          .msg_iovlen = 1,
                                          .msg_control = &from[i],
                                          .msg_controllen = sizeof from[i].room};
  }
  for (double t = start; t < end; t = now()) {
    int64_t due = (int64_t)((t - start) * rate) - (int64_t)sent;
    if (due > BATCH) due = BATCH; /* never a burst to catch up */
    for (int i = 0; i < due; i++, next = (next + 1) % count) {
      ((struct in_pktinfo *)CMSG_DATA(&from[i].header))->ipi_spec_dst = pairs[next][0];
      to[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = pairs[next][1], .sin_port = htons(port)};
    }
    if (due > 0) {
      sendmmsg(s, messages, due, 0);
      sent = (uint64_t)((t - start) * rate);
    }
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
  }
  return 0;
}

int main(int argc, char **argv) {
  struct rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  if (argc == 4 && strcmp(argv[1], "receive") == 0) return receive(atoi(argv[2]), atof(argv[3]));
  if (argc < 6) return fprintf(stderr, "usage: see the head of fanload.c\n"), 2;
  count = atoi(argv[3]);
  if (count < 1 || read_pairs(argv[2]) != 0) return 1;
  if (strcmp(argv[1], "tcp") == 0) return tcp(atoi(argv[4]), atof(argv[5]));
  if (strcmp(argv[1], "udp") == 0 && argc == 8)
    return udp(atoi(argv[4]), atof(argv[5]), atoi(argv[6]), atof(argv[7]));
  return 2;
}
