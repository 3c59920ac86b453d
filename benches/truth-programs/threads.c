/* 16 threads that take 8 MiB each, and hold it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *work(void *number) {
    usleep(40000 * (long)number);
    char *memory = memset(malloc(8 << 20), 1, 8 << 20);
    sleep(2);
    return memory;
}
int main(void) {
    pthread_t threads[16];
    puts("ready");
    fflush(stdout);
    usleep(300000);
    for (long number = 0; number < 16; number++) pthread_create(threads + number, 0, work, (void *)number);
    for (long number = 0; number < 16; number++) pthread_join(threads[number], 0);
    sleep(2);
    return 0;
}
