/* A memfd of 96 MiB that four processes fill together, one quarter each. Then each reads all of
 * it, and their parent after them. Each has 10 MiB of its own. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { MIB = 1 << 20, SIZE = 96 * MIB };
static int read_all(const char *shared) {
    int sum = 0;
    for (int at = 0; at < SIZE; at += 4096) sum += shared[at];
    return sum;
}
int main(void) {
    int file = memfd_create("shared", 0);
    if (file < 0 || ftruncate(file, SIZE)) return 1;
    char *shared = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    for (int child = 0; child < 4; child++)
        if (!fork()) {
            char *own = memset(malloc(10 * MIB), 1, 10 * MIB);
            for (int at = 0; at < SIZE / 4; at += MIB, usleep(20000)) memset(shared + child * (SIZE / 4) + at, 1, MIB);
            usleep(500000);
            int sum = read_all(shared) + own[0];
            sleep(1);
            _exit(sum == 0);
        }
    usleep(700000);
    puts("ready");
    fflush(stdout);
    usleep(800000);
    int sum = read_all(shared);
    while (wait(0) > 0) {
    }
    sleep(2);
    return sum == 0;
}
