/* 64 MiB for 2 ms, once, in a process that holds 10 MiB and lives on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char *held = memset(malloc(10 << 20), 1, 10 << 20);
    puts("ready");
    fflush(stdout);
    usleep(1000000);
    char *memory = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    usleep(2000);
    munmap(memory, 64 << 20);
    sleep(2);
    return held[0] == 0;
}
