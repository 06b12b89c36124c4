// The floor: connects, joins, and then only waits in epoll and receives. Parses nothing, measures nothing.
// Usage: floor PORT CONNECTIONS; says when it starts and when all have
// joined, and runs until standard input ends.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[16384];

static void fail(const char *what) { perror(what); exit(1); }

static void send_text(int fd, const char *text) {
  unsigned char frame[256];
  size_t length = strlen(text);
  frame[0] = 0x81;
  frame[1] = 0x80 | (unsigned char)length;
  memset(frame + 2, 0, 4);  // a key of zeros: the floor pays for nothing
  memcpy(frame + 6, text, length);
  if (send(fd, frame, length + 6, 0) < 0) fail("send");
}

static void wait_for(int fd, const char *needle) {
  size_t have = 0;
  for (;;) {
    ssize_t got = recv(fd, buffer + have, sizeof buffer - 1 - have, 0);
    if (got <= 0) fail("recv");
    have += (size_t)got;
    for (size_t i = 0; i + strlen(needle) <= have; i++)
      if (!memcmp(buffer + i, needle, strlen(needle))) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int port = atoi(argv[1]), connections = atoi(argv[2]);
  puts("{\"start\":true}");
  fflush(stdout);
  int poll = epoll_create1(0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  for (int i = 0; i < connections; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const char *upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    if (send(fd, upgrade, strlen(upgrade), 0) < 0) fail("send");
    wait_for(fd, "maxPayload");
    send_text(fd, "40");
    wait_for(fd, "40{");
    send_text(fd, "42[\"joinProjectRoom\",\"bench/0\"]");
    wait_for(fd, "joinedRoom");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  }
  struct epoll_event end = {.events = EPOLLIN, .data.fd = 0};
  epoll_ctl(poll, EPOLL_CTL_ADD, 0, &end);
  puts("{\"ready\":true}");
  fflush(stdout);
  long long received = 0;
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == 0) {
        printf("{\"reads\":%lld}\n", received);
        return 0;
      }
      ssize_t got = recv(events[i].data.fd, buffer, sizeof buffer, 0);
      received += got > 0;
    }
  }
}
