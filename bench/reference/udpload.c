/*
 * A paced UDP load, so that what is measured is the path and not the generator.
 *
 *   udpload send ADDRESS PORT OCTETS PACKETS-PER-SECOND SECONDS    sends, 1 ms of packets at a time
 *   udpload receive PORT SECONDS                                    prints "packets N octets N"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 512 };
static uint8_t octets[65536], slots[BATCH][2048];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static struct iovec iov[BATCH];
  static struct mmsghdr messages[BATCH];
  int s = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
  struct sockaddr_in a = {.sin_family = AF_INET};
  if (argc == 7 && strcmp(argv[1], "send") == 0) {
    size_t length = atoi(argv[4]);
    double rate = atof(argv[5]), end = now() + atof(argv[6]), start = now();
    uint64_t sent = 0;
    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    a.sin_port = htons(atoi(argv[3]));
    inet_pton(AF_INET, argv[2], &a.sin_addr);
    if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) return perror("connect"), 1;
    for (int i = 0; i < BATCH; i++) {
      iov[i] = (struct iovec){octets, length};
      messages[i].msg_hdr.msg_iov = &iov[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (double t = start; t < end; t = now()) {
      int64_t due = (int64_t)((t - start) * rate) - (int64_t)sent;
      if (due > BATCH) due = BATCH; /* never a burst to catch up */
      if (due > 0) {
        sendmmsg(s, messages, due, 0);
        sent = (uint64_t)((t - start) * rate);
      }
      nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    printf("sent %llu\n", (unsigned long long)sent);
    return 0;
  }
  if (argc == 4 && strcmp(argv[1], "receive") == 0) {
    uint64_t packets = 0, total = 0;
    double end = now() + atof(argv[3]);
    struct timeval wait = {.tv_usec = 100000};
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    a.sin_port = htons(atoi(argv[2]));
    if (bind(s, (struct sockaddr *)&a, sizeof a) < 0) return perror("bind"), 1;
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < BATCH; i++) {
      iov[i] = (struct iovec){slots[i], sizeof slots[i]};
      messages[i].msg_hdr.msg_iov = &iov[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (now() < end) {
      int n = recvmmsg(s, messages, BATCH, MSG_WAITFORONE, NULL);
      for (int i = 0; i < n; i++) packets++, total += messages[i].msg_len;
    }
    printf("packets %llu octets %llu\n", (unsigned long long)packets, (unsigned long long)total);
    return 0;
  }
  fprintf(stderr, "usage: udpload send ADDRESS PORT OCTETS RATE SECONDS | udpload receive PORT SECONDS\n");
  return 2;
}
