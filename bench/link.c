/*
 * link SERVER CLIENT [rate=BITS] [rtt=MS] [loss=SHARE] [flow=BITS] [queue=MS] — a line between two
 * network namespaces: a device "line" in each, and what the one sends comes out of the other later.
 *
 * rate is what the line carries a second in each direction; or flow, what each TCP connection gets.
 * Either has a queue that holds as much as passes in "queue" milliseconds, and drops what does not
 * fit. loss is the share of packets that vanish at random. Without loss, packets are up to
 * 64 KiB large, as network cards with segmentation offload take them; with loss, they are
 * single packets of at most 1500 bytes.
 *
 * Prints "ready" when both devices exist, and at SIGTERM how many packets it carried, lost and
 * dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 65536 + 64, BATCH = 256, PORTS = 65536, SECOND_NS = 1000000000 };

struct packet {
    int64_t due_ns;
    uint64_t number; /* keeps the order of packets that are due together */
    int out;
    size_t length;
    uint8_t bytes[];
};

struct direction {
    int in, out;
    int64_t free_at_ns; /* when the line has sent all that is queued */
    int64_t flow_free_at_ns[PORTS];
};

struct line {
    double rate, flow_rate, loss;
    int64_t delay_ns, queue_ns;
    struct direction down, up; /* server to client, client to server */
    struct heap {
        struct packet **items;
        size_t count, room;
    } waiting;
    uint64_t numbered, random, carried, lost, dropped;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail for this clock */
    return (int64_t)at.tv_sec * SECOND_NS + at.tv_nsec;
}

/* Makes the device in a namespace. The descriptor works from everywhere. */
static int open_device(const char *space, bool offload)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/run/netns/%s", space);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
        fail(path);
    (void)close(ns);

    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = {.ifr_name = "line", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        fail("/dev/net/tun");
    if (offload && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0)
        fail("offload");
    return fd;
}

/* ---- packets that wait for their time: a binary heap, the next due on top ---- */

static bool earlier(const struct packet *a, const struct packet *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void swap(struct heap *heap, size_t a, size_t b)
{
    struct packet *item = heap->items[a];
    heap->items[a] = heap->items[b];
    heap->items[b] = item;
}

static void push(struct heap *heap, struct packet *item)
{
    if (heap->count == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 1024;
        heap->items = realloc(heap->items, heap->room * sizeof(struct packet *));
        if (!heap->items)
            fail("memory");
    }
    size_t at = heap->count++;
    heap->items[at] = item;
    while (at > 0 && earlier(heap->items[at], heap->items[(at - 1) / 2])) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct packet *pop(struct heap *heap)
{
    struct packet *top = heap->items[0];
    swap(heap, 0, --heap->count);
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count; child++)
            if (earlier(heap->items[child], heap->items[least]))
                least = child;
        if (least == at)
            return top;
        swap(heap, at, least);
        at = least;
    }
}

/* ---- the line ---- */

/* A uniform number in [0, 1): xorshift64*, of good enough randomness, from a fixed seed. */
static double draw(struct line *line)
{
    line->random ^= line->random >> 12;
    line->random ^= line->random << 25;
    line->random ^= line->random >> 27;
    return (double)((line->random * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* Bytes on a wire: a large packet goes out as several, each with its own header. */
static double wire_bytes(const uint8_t *bytes, size_t length)
{
    struct virtio_net_hdr header;
    memcpy(&header, bytes, sizeof(header));
    size_t ip = length - sizeof(header);
    if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE || header.gso_size == 0 || ip <= header.hdr_len)
        return (double)ip;
    size_t payload = ip - header.hdr_len;
    size_t segments = (payload + header.gso_size - 1) / header.gso_size;
    return (double)(payload + segments * header.hdr_len);
}

/* The client's port of a TCP packet, which tells connections apart; 0 for other packets. */
static uint16_t client_port(const uint8_t *bytes, size_t length, bool down)
{
    const uint8_t *ip = bytes + sizeof(struct virtio_net_hdr);
    size_t left = length - sizeof(struct virtio_net_hdr);
    if (left < 40 || ip[0] >> 4 != 4 || ip[9] != 6)
        return 0;
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (header < 20 || header + 4 > left)
        return 0;
    const uint8_t *port = ip + header + (down ? 2 : 0);
    return (uint16_t)(port[0] << 8 | port[1]);
}

/* Books time on a queue for a packet that arrives at *at_ns. False when the queue is full. */
static bool book(int64_t *free_at_ns, double rate, double bytes, int64_t queue_ns, int64_t *at_ns)
{
    int64_t begin = *free_at_ns > *at_ns ? *free_at_ns : *at_ns;
    if (begin - *at_ns > queue_ns)
        return false;
    *free_at_ns = begin + (int64_t)(bytes * 8 / rate * SECOND_NS);
    *at_ns = *free_at_ns;
    return true;
}

static void take_in(struct line *line, struct direction *way, const uint8_t *bytes, size_t length)
{
    if (length <= sizeof(struct virtio_net_hdr))
        return;
    if (line->loss > 0 && draw(line) < line->loss) {
        line->lost++;
        return;
    }
    int64_t at_ns = now_ns();
    double wire = wire_bytes(bytes, length);
    uint16_t port = client_port(bytes, length, way == &line->down);
    if ((line->flow_rate > 0 && port &&
         !book(&way->flow_free_at_ns[port], line->flow_rate, wire, line->queue_ns, &at_ns)) ||
        (line->rate > 0 && !book(&way->free_at_ns, line->rate, wire, line->queue_ns, &at_ns))) {
        line->dropped++;
        return;
    }
    struct packet *item = malloc(sizeof(*item) + length);
    if (!item)
        fail("memory");
    item->due_ns = at_ns + line->delay_ns;
    item->number = line->numbered++;
    item->out = way->out;
    item->length = length;
    memcpy(item->bytes, bytes, length);
    push(&line->waiting, item);
}

static void drain(struct line *line, struct direction *way)
{
    static uint8_t bytes[PACKET_MAX];
    for (int i = 0; i < BATCH; i++) {
        ssize_t length = read(way->in, bytes, sizeof(bytes));
        if (length <= 0)
            return;
        take_in(line, way, bytes, (size_t)length);
    }
}

static void deliver(struct line *line)
{
    while (line->waiting.count && line->waiting.items[0]->due_ns <= now_ns()) {
        struct packet *item = pop(&line->waiting);
        if (write(item->out, item->bytes, item->length) < 0)
            line->dropped++;
        else
            line->carried++;
        free(item);
    }
}

/* Carries packets until a signal to end comes. */
static void run(struct line *line, int ends)
{
    struct pollfd ready[] = {{.fd = line->down.in, .events = POLLIN},
                             {.fd = line->up.in, .events = POLLIN},
                             {.fd = ends, .events = POLLIN}};
    while (!ready[2].revents) {
        int64_t left_ns = SECOND_NS - 1;
        if (line->waiting.count)
            left_ns = line->waiting.items[0]->due_ns - now_ns();
        struct timespec wait = {.tv_nsec = left_ns < 0           ? 0
                                           : left_ns < SECOND_NS ? left_ns
                                                                 : SECOND_NS - 1};
        (void)ppoll(ready, 3, &wait, NULL);
        drain(line, &line->down);
        drain(line, &line->up);
        deliver(line);
    }
}

static void set(struct line *line, const char *option)
{
    const char *value = strchr(option, '=');
    double number = value ? strtod(value + 1, NULL) : 0;
    if (strncmp(option, "rate=", 5) == 0)
        line->rate = number;
    else if (strncmp(option, "flow=", 5) == 0)
        line->flow_rate = number;
    else if (strncmp(option, "loss=", 5) == 0)
        line->loss = number;
    else if (strncmp(option, "rtt=", 4) == 0)
        line->delay_ns = (int64_t)(number * 1e6 / 2);
    else if (strncmp(option, "queue=", 6) == 0)
        line->queue_ns = (int64_t)(number * 1e6);
    else {
        fprintf(stderr, "link: %s?\n", option);
        exit(64);
    }
}

static int end_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: link SERVER CLIENT [NAME=VALUE]...\n", stderr);
        return 64;
    }
    static struct line line = {.queue_ns = 50000000, .random = UINT64_C(88172645463325252)};
    for (int i = 3; i < argc; i++)
        set(&line, argv[i]);
    if (line.rate > 0 && line.flow_rate > 0) {
        fputs("link: rate or flow, not both\n", stderr);
        return 64;
    }
    line.down.in = line.up.out = open_device(argv[1], line.loss <= 0);
    line.up.in = line.down.out = open_device(argv[2], line.loss <= 0);
    int ends = end_signals();
    (void)setpriority(PRIO_PROCESS, 0, -15); /* a wire does not wait for a processor */

    puts("ready");
    (void)fflush(stdout);
    run(&line, ends);
    printf("carried %llu lost %llu dropped %llu\n", (unsigned long long)line.carried,
           (unsigned long long)line.lost, (unsigned long long)line.dropped);
    return 0;
}
