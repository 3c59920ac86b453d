/* What `benches/truth` needs and a Python script can't do well:
 *
 *   truth user UID COMMAND…      runs it as that user, without capabilities and with perf_event_open refused
 *   truth enter GROUP COMMAND…   moves itself to a control group and runs it there
 *   truth sample GROUP FILE      writes the group's account to FILE every millisecond, until SIGTERM
 *   truth busy                   uses a core
 *
 * A line of FILE: nanoseconds since 1970, then bytes: anonymous memory, shared memory, swap, all
 * that is charged, and the most that was charged since the line before. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 1000000
/* More than two minutes of lines: nothing is written to a disk meanwhile. */
static char lines[16 << 20];

static void fail(const char *what) {
    fprintf(stderr, "truth: %s: %s\n", what, strerror(errno));
    exit(98);
}

static void become_user(uid_t uid) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
    }
    if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) fail("become the user");

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) fail("seccomp");
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_DUMMY};
    if (syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) >= 0 || errno != EPERM) fail("perf_event_open is allowed");
}

static void enter(const char *group) {
    char path[4096], pid[32];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    int procs = open(path, O_WRONLY | O_CLOEXEC), length = snprintf(pid, sizeof pid, "%d", getpid());
    if (procs < 0 || write(procs, pid, length) != length) fail(path);
}

static int open_in(const char *group, const char *name, int how) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", group, name);
    int file = open(path, how);
    if (file < 0) fail(path);
    return file;
}

static void read_text(int file, char *text, size_t size) {
    ssize_t length = pread(file, text, size - 1, 0);
    if (length <= 0) fail("read the group");
    text[length] = 0;
}

static long long value(const char *text, const char *key) {
    const char *at = strstr(text, key);
    return at ? atoll(at + strlen(key)) : 0;
}

static volatile sig_atomic_t over;
static void stop(int signal) { over = signal; }

static void sample(const char *group, const char *to) {
    char stat[16384], usage[64], highest[64];
    int stats = open_in(group, "memory.stat", O_RDONLY), charged = open_in(group, "memory.usage_in_bytes", O_RDONLY);
    int most = open_in(group, "memory.max_usage_in_bytes", O_RDWR);
    FILE *out = fopen(to, "w");
    if (!out || setvbuf(out, lines, _IOFBF, sizeof lines) || mlockall(MCL_CURRENT)) fail(to);
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &first)) fail("SCHED_FIFO");
    signal(SIGTERM, stop);
    struct timespec next, now;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!over) {
        clock_gettime(CLOCK_REALTIME, &now);
        read_text(stats, stat, sizeof stat);
        read_text(charged, usage, sizeof usage);
        read_text(most, highest, sizeof highest);
        if (pwrite(most, "0", 1, 0) != 1) fail("reset memory.max_usage_in_bytes");
        fprintf(out, "%lld %lld %lld %lld %lld %s", now.tv_sec * 1000000000LL + now.tv_nsec, value(stat, "\ntotal_rss "),
                value(stat, "\ntotal_shmem "), value(stat, "\ntotal_swap "), atoll(usage), highest);
        next.tv_nsec += INTERVAL_NS;
        if (next.tv_nsec >= 1000000000) next.tv_sec++, next.tv_nsec -= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    if (fclose(out)) fail(to);
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "busy"))
        for (;;) {
        }
    if (count == 4 && !strcmp(words[1], "sample")) return sample(words[2], words[3]), 0;
    if (count < 4) return fputs("usage: truth user|enter|sample|busy …\n", stderr), 2;
    if (!strcmp(words[1], "user")) become_user(atoi(words[2]));
    else if (!strcmp(words[1], "enter")) enter(words[2]);
    else return 2;
    execvp(words[3], words + 3);
    fail(words[3]);
}
