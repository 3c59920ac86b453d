/* A parent holds 100 MiB, and a worker takes and gives back 30 MiB for 3 s: never above 131 MiB. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static char *take(size_t mib) {
    char *memory = mmap(0, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memset(memory, 1, mib << 20);
}
int main(void) {
    take(100);
    puts("ready");
    fflush(stdout);
    usleep(300000);
    if (!fork()) {
        for (time_t end = time(0) + 3; time(0) < end; usleep(30000)) {
            char *memory = take(30);
            usleep(30000);
            munmap(memory, 30 << 20);
        }
        _exit(0);
    }
    wait(0);
    sleep(2);
    return 0;
}
