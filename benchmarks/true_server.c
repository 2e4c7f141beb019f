/* A server whose times are known: the truth that a load client is held against.
 *
 * One thread, one epoll, HTTP/1.1. Each POST is answered in the shape of an OpenAI chat: its first
 * token `ttft` after the request was read, each further one `gap` after the one before, streamed
 * as server-sent events where the body asks for it ("stream": true), else whole at the end.
 * When requests came and when tokens were given to the kernel is kept, by the clock that Python's
 * `time.perf_counter_ns` reads, and given by GET /log as binary (`struct entry`, then its times).
 *
 *   cc -O2 -o true_server true_server.c
 *   ./true_server --ttft-ms 50 --gap-ms 10 --tokens 32      prints its port
 *
 *   --ttft-ms N     to the first token                 --jitter N   each wait times 1 -N..+N
 *   --gap-ms N      between tokens                     --role-only  a chunk without a token first
 *   --tokens N      of an answer                       --spin       never sleep: exact, takes a core
 *   --stall-at S    so long after the first request    --port N     0: any
 *   --stall-for S   nothing is done for so long        --seed N     of the jitter
 *   --slots N       requests served at once; others wait for a slot (0: all)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 65536
#define LONGEST_HEAD 65536
#define SPIN_NS 100000 /* a sleep ends that much before it must */

typedef int64_t ns_t;

struct entry { /* of a request; `tokens` times of int64 follow it, 0 where it was not sent */
    int64_t id;         /* of the field "user" of its body, -1 without */
    int64_t arrived_ns; /* its last byte was read */
    int64_t tokens;     /* how many are to be sent; 1 where the answer comes whole */
};

struct connection {
    char *in;
    size_t in_size, in_room;
    int busy, streaming, sent_tokens, tokens, waiting;
    size_t log_at; /* where the times of its tokens are */
    ns_t due;
    uint64_t serial; /* tells it from one before on the same descriptor */
    char *out; /* what the kernel did not take */
    size_t out_size;
};

struct timer {
    ns_t at;
    int fd;
    uint64_t serial;
};

static struct connection connections[MOST_CONNECTIONS];
static struct timer *heap;
static size_t heap_size, heap_room;
static char *record;
static size_t record_size, record_room;
static struct timer *queue; /* of those who wait for a slot */
static size_t queue_first, queue_end, queue_room;
static int poller, alarm_fd, slots_used;
static uint64_t serials;
static ns_t ttft_ns = 50000000, gap_ns = 10000000, stall_at_ns, stall_for_ns, first_request_ns;
static int default_tokens = 32, role_only, spin, slots;
static double jitter;
static uint64_t randomness = 88172645463325252ull;

static ns_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (ns_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *need(void *memory) {
    if (!memory) {
        fputs("true_server: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static ns_t varied(ns_t wait) {
    if (jitter == 0)
        return wait;
    randomness ^= randomness << 13;
    randomness ^= randomness >> 7;
    randomness ^= randomness << 17;
    double unit = (double)(randomness >> 11) / 9007199254740992.0;
    return (ns_t)(wait * (1 + jitter * (2 * unit - 1)));
}

static void push(ns_t at, int fd, uint64_t serial) {
    if (heap_size == heap_room)
        heap = need(realloc(heap, (heap_room = heap_room ? 2 * heap_room : 1024) * sizeof *heap));
    size_t i = heap_size++;
    for (; i && heap[(i - 1) / 2].at > at; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = (struct timer){at, fd, serial};
}

static struct timer pop(void) {
    struct timer top = heap[0], last = heap[--heap_size];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < heap_size) {
        if (child + 1 < heap_size && heap[child + 1].at < heap[child].at)
            child++;
        if (last.at <= heap[child].at)
            break;
        heap[i] = heap[child];
        i = child;
    }
    if (heap_size)
        heap[i] = last;
    return top;
}

static void end(int fd) {
    struct connection *c = &connections[fd];
    if (c->busy && !c->waiting)
        slots_used--;
    free(c->in);
    free(c->out);
    memset(c, 0, sizeof *c);
    close(fd);
}

static int put(int fd, const char *data, size_t size) { /* 0: the connection has gone */
    struct connection *c = &connections[fd];
    if (!c->out_size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            end(fd);
            return 0;
        }
        if (sent > 0)
            data += sent, size -= (size_t)sent;
        if (!size)
            return 1;
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_MOD, fd, &e);
    }
    c->out = need(realloc(c->out, c->out_size + size));
    memcpy(c->out + c->out_size, data, size);
    c->out_size += size;
    return 1;
}

static void drain(int fd) {
    struct connection *c = &connections[fd];
    ssize_t sent = send(fd, c->out, c->out_size, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            end(fd);
        return;
    }
    memmove(c->out, c->out + sent, c->out_size -= (size_t)sent);
    if (!c->out_size) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_MOD, fd, &e);
    }
}

static size_t chunk(char *to, const char *text) {
    return (size_t)sprintf(to, "%zx\r\n%s\r\n", strlen(text), text);
}

static const char *EVENT = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
                           "\"created\":1700000000,\"model\":\"true\",\"choices\":[{\"index\":0,"
                           "\"delta\":%s,\"finish_reason\":%s}]}\n\n";
static const char *HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n";

static int answer_whole(int fd, const char *type, const char *body, size_t size) {
    char head[256];
    int length = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                         type, size);
    char *all = need(malloc((size_t)length + size));
    memcpy(all, head, (size_t)length);
    memcpy(all + length, body, size);
    int there = put(fd, all, (size_t)length + size);
    free(all);
    return there;
}


static void begin(int fd);
static void read_requests(int fd);

static void begin_waiting(void) {
    while (queue_first < queue_end && (!slots || slots_used < slots)) {
        struct timer next = queue[queue_first++];
        if (connections[next.fd].serial == next.serial) {
            connections[next.fd].waiting = 0;
            begin(next.fd);
        }
    }
}

static void finish(int fd) {
    struct connection *c = &connections[fd];
    c->busy = 0;
    slots_used--;
    if (c->in_size)
        read_requests(fd); /* it had sent another one meanwhile */
}

static void note(struct connection *c, int token) {
    ns_t when = now();
    memcpy(record + c->log_at + sizeof when * (size_t)token, &when, sizeof when);
}

static int send_end(int fd) {
    struct connection *c = &connections[fd];
    char event[1024], out[4096];
    snprintf(event, sizeof event, EVENT, "{}", "\"stop\"");
    size_t size = chunk(out, event);
    snprintf(event, sizeof event,
             "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
             "\"created\":1700000000,\"model\":\"true\",\"choices\":[],\"usage\":{"
             "\"prompt_tokens\":8,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
             c->tokens, c->tokens + 8);
    size += chunk(out + size, event);
    size += chunk(out + size, "data: [DONE]\n\n");
    size += (size_t)sprintf(out + size, "0\r\n\r\n");
    return put(fd, out, size);
}

static int send_token(int fd) {
    struct connection *c = &connections[fd];
    char event[1024], out[2048], text[64];
    size_t size = 0;
    if (!c->sent_tokens && !role_only)
        size = (size_t)sprintf(out, "%s", HEAD);
    snprintf(text, sizeof text, "{\"content\":\"word%d \"}", c->sent_tokens);
    snprintf(event, sizeof event, EVENT, text, "null");
    size += chunk(out + size, event);
    note(c, c->sent_tokens++);
    return put(fd, out, size);
}

static int send_whole(int fd) {
    struct connection *c = &connections[fd];
    char *body = need(malloc(512 + 16 * (size_t)c->tokens));
    size_t n = (size_t)sprintf(body, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\","
                               "\"created\":1700000000,\"model\":\"true\",\"choices\":[{\"index\":0,"
                               "\"message\":{\"role\":\"assistant\",\"content\":\"");
    for (int i = 0; i < c->tokens; i++)
        n += (size_t)sprintf(body + n, "word%d ", i);
    n += (size_t)sprintf(body + n, "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":8,"
                         "\"completion_tokens\":%d,\"total_tokens\":%d}}",
                         c->tokens, c->tokens + 8);
    note(c, 0);
    int there = answer_whole(fd, "application/json", body, n);
    free(body);
    return there;
}

static void token_due(int fd) {
    struct connection *c = &connections[fd];
    if (!c->streaming) {
        if (send_whole(fd))
            finish(fd);
        return;
    }
    if (!send_token(fd))
        return;
    if (c->sent_tokens < c->tokens)
        push(c->due += varied(gap_ns), fd, c->serial);
    else if (send_end(fd))
        finish(fd);
}

static void begin(int fd) {
    struct connection *c = &connections[fd];
    slots_used++;
    c->due = now();
    if (c->streaming && role_only) {
        char event[1024], out[2048];
        size_t size = (size_t)sprintf(out, "%s", HEAD);
        snprintf(event, sizeof event, EVENT, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
        size += chunk(out + size, event);
        if (!put(fd, out, size))
            return;
    }
    c->due += varied(ttft_ns);
    if (!c->streaming)
        for (int i = 1; i < c->tokens; i++)
            c->due += varied(gap_ns);
    push(c->due, fd, c->serial);
}

static long number_after(const char *body, const char *name) {
    const char *found = strstr(body, name);
    return found && (found = strchr(found, ':')) ? atol(found + 1) : 0;
}

static void keep_entry(struct connection *c, int64_t id) {
    struct entry e = {id, now(), c->streaming ? c->tokens : 1};
    size_t times = 8 * (size_t)e.tokens, more = sizeof e + times;
    if (record_size + more > record_room)
        record = need(realloc(record, record_room = 2 * (record_room + more)));
    memcpy(record + record_size, &e, sizeof e);
    memset(record + record_size + sizeof e, 0, times);
    c->log_at = record_size + sizeof e;
    record_size += more;
    if (!first_request_ns)
        first_request_ns = e.arrived_ns;
}

static void asked(int fd, const char *body) {
    struct connection *c = &connections[fd];
    const char *user = strstr(body, "\"user\":\"");
    int64_t id = user && user[8] >= '0' && user[8] <= '9' ? atoll(user + 8) : -1;
    c->busy = 1;
    c->sent_tokens = 0;
    long most = number_after(body, "\"max_tokens\"");
    if (most <= 0)
        most = number_after(body, "\"max_completion_tokens\"");
    c->tokens = most > 0 && most <= 1000000 ? (int)most : default_tokens;
    const char *stream = strstr(body, "\"stream\"");
    if (stream && (stream = strchr(stream, ':')))
        stream += 1 + strspn(stream + 1, " ");
    c->streaming = stream && !strncmp(stream, "true", 4);
    keep_entry(c, id);
    if (!slots || slots_used < slots) {
        begin(fd);
        return;
    }
    c->waiting = 1;
    if (queue_end == queue_room)
        queue = need(realloc(queue, (queue_room = queue_room ? 2 * queue_room : 1024) * sizeof *queue));
    queue[queue_end++] = (struct timer){0, fd, c->serial};
}

static const char *header(const char *head, const char *name) { /* NULL where it is not there */
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, size) && line[2 + size] == ':')
            return line + 3 + size + strspn(line + 3 + size, " ");
    return NULL;
}

static int got(int fd, const char *path, size_t size) {
    if (size == 4 && !memcmp(path, "/log", 4))
        return answer_whole(fd, "application/octet-stream", record ? record : "", record_size);
    if (size == 6 && !memcmp(path, "/clear", 6)) /* while nothing is under way */
        record_size = 0, first_request_ns = 0;
    const char *models = "{\"object\":\"list\",\"data\":[{\"id\":\"true\",\"object\":\"model\","
                         "\"created\":1700000000,\"owned_by\":\"us\"}]}";
    return answer_whole(fd, "application/json", models, strlen(models));
}

/* One request, if it is there whole; its size, 0 where it is not, -1 where the connection ended. */
static ssize_t take_request(int fd) {
    struct connection *c = &connections[fd];
    char *end_of_head = c->in_size ? memmem(c->in, c->in_size, "\r\n\r\n", 4) : NULL;
    if (!end_of_head) {
        if (c->in_size > LONGEST_HEAD) {
            end(fd);
            return -1;
        }
        return 0;
    }
    end_of_head[2] = 0; /* the head is text of its own until the request is read */
    const char *length = header(c->in, "content-length");
    size_t size = (size_t)(end_of_head + 4 - c->in), whole = size + (length ? strtoul(length, NULL, 10) : 0);
    int is_get = !strncmp(c->in, "GET ", 4);
    if (c->in_size < whole) {
        end_of_head[2] = '\r';
        return 0;
    }
    if (is_get) {
        if (!got(fd, c->in + 4, strcspn(c->in + 4, " ?")))
            return -1;
    } else {
        uint64_t serial = c->serial;
        char kept = c->in[whole]; /* there is always room for one more */
        c->in[whole] = 0;
        asked(fd, c->in + size);
        if (c->serial != serial)
            return -1;
        c->in[whole] = kept;
    }
    return (ssize_t)whole;
}

static void read_requests(int fd) {
    struct connection *c = &connections[fd];
    while (!c->busy && c->in_size) {
        ssize_t size = take_request(fd);
        if (size <= 0)
            return;
        memmove(c->in, c->in + size, c->in_size -= (size_t)size);
    }
}

static void readable(int fd) {
    struct connection *c = &connections[fd];
    if (c->in_room - c->in_size < 4096)
        c->in = need(realloc(c->in, c->in_room = 2 * c->in_room + 8192));
    ssize_t size = recv(fd, c->in + c->in_size, c->in_room - c->in_size - 1, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN)) {
        end(fd);
    } else if (size > 0) {
        c->in_size += (size_t)size;
        read_requests(fd);
    }
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MOST_CONNECTIONS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections[fd].serial = ++serials;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

static int pause_ms(void) { /* for epoll: 0 while something is due soon */
    if (spin)
        return 0;
    if (!heap_size)
        return -1;
    ns_t left = heap[0].at - now() - SPIN_NS;
    if (left <= 0)
        return 0;
    struct itimerspec when = {.it_value = {left / 1000000000, left % 1000000000}};
    timerfd_settime(alarm_fd, 0, &when, NULL);
    return -1;
}

static void serve(int listener) {
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(poller, events, 256, pause_ms());
        if (stall_for_ns && first_request_ns && now() - first_request_ns >= stall_at_ns) {
            struct timespec t = {stall_for_ns / 1000000000, stall_for_ns % 1000000000};
            nanosleep(&t, NULL);
            stall_for_ns = 0;
        }
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            uint64_t expirations;
            if (fd == listener)
                accept_all(listener);
            else if (fd == alarm_fd)
                (void)!read(alarm_fd, &expirations, sizeof expirations);
            else {
                if (events[i].events & EPOLLOUT && connections[fd].out_size)
                    drain(fd);
                if (connections[fd].serial && events[i].events & ~(uint32_t)EPOLLOUT)
                    readable(fd);
            }
        }
        while (heap_size && heap[0].at <= now()) {
            struct timer due = pop();
            if (connections[due.fd].serial == due.serial)
                token_due(due.fd);
        }
        begin_waiting();
    }
}

static int listen_at(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 4096)) {
        perror("true_server: cannot listen");
        exit(1);
    }
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **words) {
    int port = 0;
    for (int i = 1; i < count; i++) {
        const char *word = words[i];
        if (!strcmp(word, "--role-only")) {
            role_only = 1;
            continue;
        }
        if (!strcmp(word, "--spin")) {
            spin = 1;
            continue;
        }
        double value = i + 1 < count ? atof(words[++i]) : -1;
        if (value < 0) {
            fprintf(stderr, "true_server: %s needs a number\n", word);
            return 2;
        }
        if (!strcmp(word, "--ttft-ms")) ttft_ns = (ns_t)(value * 1e6);
        else if (!strcmp(word, "--gap-ms")) gap_ns = (ns_t)(value * 1e6);
        else if (!strcmp(word, "--tokens")) default_tokens = value < 1 ? 1 : (int)value;
        else if (!strcmp(word, "--jitter")) jitter = value;
        else if (!strcmp(word, "--stall-at")) stall_at_ns = (ns_t)(value * 1e9);
        else if (!strcmp(word, "--stall-for")) stall_for_ns = (ns_t)(value * 1e9);
        else if (!strcmp(word, "--slots")) slots = (int)value;
        else if (!strcmp(word, "--seed")) randomness += (uint64_t)value;
        else if (!strcmp(word, "--port")) port = (int)value;
        else {
            fprintf(stderr, "true_server: there is no option %s\n", word);
            return 2;
        }
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with who started it */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = listen_at(port);
    poller = epoll_create1(EPOLL_CLOEXEC);
    alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
    e.data.fd = alarm_fd;
    epoll_ctl(poller, EPOLL_CTL_ADD, alarm_fd, &e);
    serve(listener);
}
